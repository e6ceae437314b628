package rest

import (
	"encoding/csv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"showroom/call"
)

// TestUsageAddsUp: calls over midnight, over the end of the month, two at once and one that goes on, in zones whose clocks are changed in these hours.
// For each month the lines, the table, the resource and the fold of the log are one figure, to the second.
func TestUsageAddsUp(t *testing.T) {
	for _, tt := range []struct {
		zone string
		end  time.Time // of the first month
	}{
		{"America/Sao_Paulo", time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC)},
		{"UTC", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
		{"America/New_York", time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC)}, // two hours before summer time ends
		{"America/Havana", time.Date(2026, 11, 1, 4, 0, 0, 0, time.UTC)},   // midnight comes twice
		{"Asia/Kathmandu", time.Date(2026, 11, 30, 18, 15, 0, 0, time.UTC)},
	} {
		t.Run(tt.zone, func(t *testing.T) { addUp(t, tt.zone, tt.end) })
	}
}

func addUp(t *testing.T, zone string, end time.Time) {
	b := newBench(t)
	b.now = end.Add(-26 * time.Hour)
	seller := b.want(201, "POST", "/sellers", `{"name": "+Ana", "monthly_minutes": 1000, "time_zone": "`+zone+`"}`).str("id")
	buyer := b.want(201, "POST", "/buyers", `{"name": "Bruno, \"o Comprador\""}`).str("id")
	begin := func(subject string) string {
		t.Helper()
		c := b.want(201, "POST", "/conferences", `{"seller": "`+seller+`", "buyer": "`+buyer+`", "subject": "`+subject+`", "starts_at": "`+b.now.Format(time.RFC3339)+`", "allow_overlap": true}`).str("id")
		var rules []call.Rule
		for _, role := range []string{"seller", "buyer"} {
			rules = append(rules, call.Arrive(b.want(201, "POST", "/conferences/"+c+"/links", `{"role": "`+role+`"}`).str("id")))
		}
		b.apply(c, append(rules, call.Admit("buyer", "seller"))...)
		return c
	}
	talk := func(length time.Duration, conferences ...string) {
		for until := b.now.Add(length); b.now.Before(until); {
			b.now = b.now.Add(3700 * time.Millisecond)
			if b.now.After(until) {
				b.now = until
			}
			for _, c := range conferences {
				b.apply(c, call.Tick)
			}
		}
	}
	check := func() {
		t.Helper()
		checkUsage(t, b, seller)
	}
	b.now = end.Add(-24*time.Hour - 45*time.Second)
	night := begin("over midnight")
	talk(100*time.Second, night)
	check()
	b.apply(night, call.End("seller", call.ReasonEnded))
	b.now = end.Add(-90*time.Second - 300*time.Millisecond)
	first := begin(`=HYPERLINK(\"http://x\")`)
	talk(20*time.Second, first)
	second := begin("two\\nlines; São Paulo")
	talk(200*time.Second, first, second)
	b.apply(first, call.Depart("buyer", "left"))
	check()
	b.now = b.now.Add(time.Hour) // with the other clock, where it was changed
	third := begin("@goes on")
	talk(40*time.Second, third)
	check()

	months := b.want(200, "GET", "/sellers/"+seller+"/usage/months", "").body["data"].([]any)
	last := end.Add(-time.Minute)
	s := b.store.sellers[seller]
	if got, want := int(months[len(months)-1].(map[string]any)["used_seconds"].(float64)), s.Taken[s.Month(last)]; len(months) != 2 || got != want || want < 260 || want > 264 {
		t.Errorf("the first month has %d s, want %d and what was spoken, 100 + 90 + 70 s: %v", got, want, months)
	}
}

// checkUsage holds all figures of a seller's months against each other.
func checkUsage(t *testing.T, b *bench, seller string) {
	t.Helper()
	at := "/sellers/" + seller
	folded := map[string]int{}
	for _, e := range b.store.log {
		switch body := e.Body.(type) {
		case call.Reserved:
			folded[body.Month] += body.Seconds
		case call.Returned:
			folded[body.Month] -= body.Seconds
		}
	}
	listed := map[string]int{}
	for _, m := range b.want(200, "GET", at+"/usage/months", "").body["data"].([]any) {
		if used := int(m.(map[string]any)["used_seconds"].(float64)); used != 0 {
			listed[m.(map[string]any)["month"].(string)] = used
		}
	}
	if !maps.Equal(folded, listed) {
		t.Errorf("the log has %v, the months are %v", folded, listed)
	}
	for month, want := range folded {
		u := b.want(200, "GET", at+"/usage/calls?month="+month, "")
		sum := 0
		for _, line := range u.body["data"].([]any) {
			sum += int(line.(map[string]any)["seconds"].(float64))
		}
		own := b.want(200, "GET", at+"/usage?month="+month, "")
		inTable := 0
		for _, row := range usageRows(t, b, at+"/usage.csv?month="+month)[1:] {
			seconds, err := strconv.Atoi(row[8])
			if err != nil {
				t.Fatal(err)
			}
			inTable += seconds
		}
		if sum != want || inTable != want || own.body["used_seconds"] != float64(want) || u.body["used_seconds"] != float64(want) || own.body["remaining_seconds"] != u.body["remaining_seconds"] {
			t.Errorf("%s: the log has %d s, the lines %d, the table %d, the resource %v", month, want, sum, inTable, own.body["used_seconds"])
		}
	}
}

func usageRows(t *testing.T, b *bench, path string) [][]string {
	t.Helper()
	a := b.want(200, "GET", path, "")
	if h := a.Header(); !strings.HasPrefix(h.Get("Content-Type"), "text/csv; charset=utf-8") || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment; filename=") {
		t.Errorf("%s: %v", path, h)
	}
	if text := a.Body.String(); strings.Count(text, "\n") != strings.Count(text, "\r\n") || !strings.HasSuffix(text, "\r\n") {
		t.Errorf("%s: lines do not all end with CR and LF (RFC 4180, section 2): %q", path, text)
	}
	rows, err := csv.NewReader(a.Body).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@|%") {
				t.Errorf("%s: a cell begins a formula: %q", path, cell)
			}
		}
	}
	return rows
}

// TestUsageSettings: who gave how many minutes when; a month that is over keeps the cap that it had.
func TestUsageSettings(t *testing.T) {
	b := newBench(t)
	b.now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	v := b.visit()
	at := "/sellers/" + v.seller
	b.now = b.now.Add(time.Hour)
	b.want(200, "PATCH", at, `{"monthly_minutes": 200, "conference_minutes": 45}`)
	b.want(200, "PATCH", at, `{"name": "Ana"}`) // no minutes
	b.now = time.Date(2026, 12, 1, 3, 0, 0, 0, time.UTC)
	b.want(200, "PATCH", at, `{"monthly_minutes": 300}`)
	a := b.want(200, "GET", at+"/usage/settings", "")
	var got []string
	for _, line := range a.body["data"].([]any) {
		s := line.(map[string]any)
		got = append(got, strings.Join([]string{s["at"].(string), s["by"].(string), strconv.Itoa(int(s["monthly_minutes"].(float64))), strconv.Itoa(int(s["conference_minutes"].(float64)))}, " "))
	}
	if want := []string{"2026-12-01T03:00:00Z key_full 300 45", "2026-11-20T13:00:00Z key_full 200 45", "2026-11-20T12:00:00Z key_full 100 0"}; !slices.Equal(got, want) {
		t.Errorf("settings: %v, want %v", got, want)
	}
	for month, cap := range map[string]float64{"2026-11": 12000, "2026-12": 18000, "2027-01": 18000} {
		if u := b.want(200, "GET", at+"/usage?month="+month, ""); u.body["cap_seconds"] != cap {
			t.Errorf("%s: %s, want a cap of %v s", month, u.Body, cap)
		}
	}
	for body, field := range map[string]string{`{"conference_minutes": -1}`: "conference_minutes", `{"conference_minutes": 1441}`: "conference_minutes"} {
		if a := b.want(422, "PATCH", at, body); a.str("field") != field {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	b.want(422, "GET", at+"/usage.csv?month=2026-13", "")
	b.want(422, "GET", at+"/usage/calls?month=x", "")
}

func TestHarmless(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "Fiat Uno": "Fiat Uno", "a=b": "a=b", "100%": "100%", "é": "é", " ": " ", "a\nb": "a b",
		"=1+1": "'=1+1", "+55 11": "'+55 11", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\tx": " x", "\r=1": "' =1", "  =1": "'  =1", "\u00a0=1": "'\u00a0=1", "\ufeff=1": "'\ufeff=1",
		"＝1": "'＝1", "|cmd": "'|cmd", "%x": "'%x",
	} {
		if got := harmless(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
