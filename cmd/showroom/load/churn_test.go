package load

import (
	"slices"
	"strings"
	"testing"
)

func TestMetric(t *testing.T) {
	const text = "# HELP go_goroutines Number\n# TYPE go_goroutines gauge\ngo_goroutines_x 9\ngo_goroutines 42\n"
	if n, err := metric(strings.NewReader(text), "go_goroutines"); err != nil || n != 42 {
		t.Errorf("got %d, %v", n, err)
	}
	for _, text := range []string{"", "go_goroutines", "go_goroutines x", "go_goroutines -1", "go_goroutines NaN2"} {
		if n, err := metric(strings.NewReader(text), "go_goroutines"); err == nil {
			t.Errorf("%q: %d", text, n)
		}
	}
}

func FuzzMetric(f *testing.F) {
	f.Add("go_goroutines 42\n")
	f.Fuzz(func(t *testing.T, text string) {
		if n, err := metric(strings.NewReader(text), "go_goroutines"); err == nil && n < 0 {
			t.Errorf("%d of %q", n, text)
		}
	})
}

func TestFlat(t *testing.T) {
	const mib = 1 << 20
	run := func(after ChurnSample) *Churn {
		c := &Churn{Samples: []ChurnSample{{Goroutines: 10, Files: 10, Anonymous: 10 * mib}}}
		for range churnSamples {
			c.Samples = append(c.Samples, ChurnSample{Present: true, Goroutines: 200, Files: 50, Anonymous: 100 * mib})
		}
		c.Samples = append(c.Samples, after)
		c.judge()
		return c
	}
	for name, test := range map[string]struct {
		after ChurnSample
		want  []string
	}{
		"flat":       {ChurnSample{Goroutines: 12, Files: 11, Anonymous: 110 * mib}, []string{}},
		"goroutines": {ChurnSample{Goroutines: 90, Files: 11, Anonymous: 90 * mib}, []string{"goroutines: 10, then 90"}},
		"all": {ChurnSample{Goroutines: 90, Files: 70, Anonymous: 200 * mib}, []string{
			"goroutines: 10, then 90", "files: 10, then 70", "anonymous_bytes: 104857600, then 209715200",
		}},
	} {
		if c := run(test.after); !slices.Equal(c.Growth, test.want) || *c.Flat != (len(test.want) == 0) {
			t.Errorf("%s: %v, flat %v", name, c.Growth, *c.Flat)
		}
	}
	c := &Churn{Samples: slices.Repeat([]ChurnSample{{Goroutines: -1, Files: -1, Resident: -1, Anonymous: -1}}, 3)}
	if c.judge(); c.Flat != nil || len(c.Growth) != 0 {
		t.Errorf("nothing is known, but %+v", c)
	}
}

func TestChurnRooms(t *testing.T) {
	for joins, want := range map[int]int{0: 1, 40: 1, 41: 2, 10_000: 250} {
		if got := churnRooms(joins); got != want {
			t.Errorf("%d joins in %d conferences, want %d", joins, got, want)
		}
	}
}
