package store

import (
	"slices"
	"testing"
	"time"

	"showroom/call"
)

// TestAwaited: by the planned end as it is now, none twice, nobody's whom somebody is in, and when the next one is.
func TestAwaited(t *testing.T) {
	s := openShop(t)
	seller, buyer := s.seller(60), s.buyer()
	first, second, third, running := s.conference(seller, buyer, noon), s.conference(seller, buyer, noon.Add(time.Hour)), s.conference(seller, buyer, noon.Add(2*time.Hour)), s.conference(seller, buyer, noon)
	s.meet(running)
	check := func(then time.Time, limit int, want []string, wantNext time.Time) {
		t.Helper()
		ids, next, err := s.Awaited(s.ctx, then, limit)
		if err != nil || !slices.Equal(ids, want) || !next.Equal(wantNext) {
			t.Errorf("until %s: %v, next %s, %v; want %v, next %s", then, ids, next, err, want, wantNext)
		}
	}
	end := func(hours int) time.Time { return noon.Add(time.Duration(hours)*time.Hour + 30*time.Minute) }
	check(end(0).Add(-time.Nanosecond), 10, nil, end(0))
	check(end(0), 10, []string{first}, end(1))
	check(end(5), 2, []string{first, second}, time.Time{})
	check(end(5), 10, []string{first, second, third}, time.Time{})
	s.apply(first, call.Reschedule("key_1", func(p call.Plan) (call.Plan, error) {
		p.StartsAt, p.AllowOverlap = noon.Add(3*time.Hour), true
		return p, nil
	}))
	s.apply(second, call.Cancel("key_1", ""))
	check(end(5), 10, []string{third, first}, time.Time{})
	check(end(2), 10, []string{third}, end(3))
}
