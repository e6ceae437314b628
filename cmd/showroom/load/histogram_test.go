package load

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogramQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	var even, odd histogram
	for i := range 10_000 {
		d := time.Duration(math.Exp(random.Float64()*16)) * time.Microsecond // 1 µs to 9 s
		all = append(all, d)
		if i%2 == 0 {
			even.add(d)
		} else {
			odd.add(d)
		}
	}
	even.merge(&odd)
	slices.Sort(all)
	for _, q := range []float64{0, 0.01, 0.5, 0.9, 0.99, 1} {
		want := all[max(0, int(math.Ceil(q*float64(len(all))))-1)]
		got := even.quantile(q)
		if off := math.Abs(float64(got-want)) / float64(want); off > 1.0/subBuckets {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
}

func TestHistogramEdges(t *testing.T) {
	var h histogram
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("empty: %v", got)
	}
	h.add(-time.Second)
	if got := h.quantile(1); got != 0 {
		t.Errorf("negative: %v", got)
	}
	h.add(math.MaxInt64)
	if got := h.quantile(1); got < time.Hour {
		t.Errorf("longest: %v", got)
	}
}

func TestBucketsGrow(t *testing.T) {
	for i := range octaves*subBuckets - 1 {
		if got := bucket(middle(i)); got != i {
			t.Fatalf("middle of bucket %d, %v, is in bucket %d", i, middle(i), got)
		}
	}
}
