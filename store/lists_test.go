package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

// pages reads all pages of a list, limit at a time.
func pages[T any](t testing.TB, limit int, read func(cursor string) ([]T, string, error)) (all []T) {
	t.Helper()
	for cursor, more := "", true; more; {
		page, next, err := read(cursor)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > limit || next != "" && len(page) < limit {
			t.Fatalf("a page of %d, limit %d, next %q", len(page), limit, next)
		}
		all, cursor, more = append(all, page...), next, next != ""
	}
	return all
}

func (s *shop) list(f call.Filter, limit int) (ids []string) {
	s.Helper()
	all := pages(s.TB, limit, func(cursor string) ([]call.Conference, string, error) { return s.Conferences(s.ctx, f, cursor, limit) })
	for _, c := range all {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestConferences(t *testing.T) {
	s := openShop(t)
	ana, bruno, buyer := s.seller(60), s.seller(60), s.buyer()
	var of = map[string][]string{}
	for i, start := range []int{5, 3, 9, 7, 1, 8, 2} { // hours from noon
		seller := []string{ana, bruno}[i%2]
		of[seller] = append(of[seller], s.conference(seller, buyer, noon.Add(time.Duration(start)*time.Hour)))
	}
	a, b := of[ana], of[bruno]
	s.apply(a[1], call.Cancel("key_1", ""))
	s.apply(b[2], call.Cancel("key_1", ""))
	s.meet(b[0])

	for _, test := range []struct {
		filter call.Filter
		want   []string
	}{
		{call.Filter{}, []string{a[1], b[2], b[1], a[0], b[0], a[3], a[2]}},
		{call.Filter{Seller: ana}, []string{a[1], a[0], a[3], a[2]}},
		{call.Filter{Seller: bruno}, []string{b[2], b[1], b[0]}},
		{call.Filter{State: call.StateCancelled}, []string{a[1], b[2]}},
		{call.Filter{State: call.StateOngoing}, []string{b[0]}},
		{call.Filter{State: call.StateScheduled}, []string{b[1], a[0], a[3], a[2]}},
		{call.Filter{State: call.StateStandby}, nil}, // b[0] passed through it
		{call.Filter{Seller: ana, State: call.StateScheduled}, []string{a[0], a[3], a[2]}},
		{call.Filter{Seller: bruno, State: call.StateCancelled}, []string{b[2]}},
		{call.Filter{Seller: "sell_none"}, nil},
		{call.Filter{Seller: "a\x00b"}, nil},
		{call.Filter{State: "no state"}, nil},
	} {
		for _, limit := range []int{1, 2, 3, 100} {
			if got := s.list(test.filter, limit); !slices.Equal(got, test.want) {
				t.Errorf("%+v, %d a page:\ngot  %v\nwant %v", test.filter, limit, got, test.want)
			}
		}
	}
	if n := need(s.Rebuild(s.ctx))(t); n != 0 {
		t.Errorf("%d keys were wrong", n)
	}
}

func TestPagesAreStableUnderInsertion(t *testing.T) {
	s := openShop(t)
	seller, buyer := s.seller(60), s.buyer()
	var old []string
	for i := range 12 {
		old = append(old, s.conference(seller, buyer, noon.Add(time.Duration(12-i)*time.Hour)))
	}
	var seen []string
	for cursor, more := "", true; more; {
		page, next, err := s.Conferences(s.ctx, call.Filter{Seller: seller}, cursor, 5)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page {
			if slices.Contains(old, c.ID) {
				seen = append(seen, c.ID)
			}
		}
		for i := range 20 { // before, between and behind what was read
			s.conference(seller, buyer, noon.Add(time.Duration(i)*time.Hour+time.Minute))
		}
		cursor, more = next, len(seen) < len(old) && next != ""
	}
	if !slices.Equal(seen, old) {
		t.Errorf("saw  %v\nwant %v", seen, old)
	}
}

func TestSameStart(t *testing.T) {
	s := openShop(t)
	seller, buyer := s.seller(60), s.buyer()
	var want []string
	for range 9 {
		want = append(want, s.conference(seller, buyer, noon))
	}
	got := s.list(call.Filter{}, 2)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestSellersAndBuyersNewestFirst(t *testing.T) {
	s := openShop(t)
	var sellers, buyers []string
	for range 5 {
		sellers, buyers = append(sellers, s.seller(60)), append(buyers, s.buyer())
		s.clock.Add(time.Second)
	}
	slices.Reverse(sellers)
	slices.Reverse(buyers)
	var got []string
	for _, x := range pages(t, 2, func(c string) ([]call.Seller, string, error) { return s.Sellers(s.ctx, call.PeopleFilter{}, c, 2) }) {
		got = append(got, x.ID)
	}
	if !slices.Equal(got, sellers) {
		t.Errorf("sellers %v, want %v", got, sellers)
	}
	got = nil
	for _, x := range pages(t, 2, func(c string) ([]call.Buyer, string, error) { return s.Buyers(s.ctx, call.PeopleFilter{}, c, 2) }) {
		got = append(got, x.ID)
	}
	if !slices.Equal(got, buyers) {
		t.Errorf("buyers %v, want %v", got, buyers)
	}
}

func TestUnfinished(t *testing.T) {
	s := openShop(t)
	seller, buyer := s.seller(60), s.buyer()
	s.conference(seller, buyer, noon) // nobody ever comes
	met, waiting := s.conference(seller, buyer, noon), s.conference(seller, buyer, noon)
	ended, deserted := s.conference(seller, buyer, noon), s.conference(seller, buyer, noon)
	s.meet(met)
	s.apply(waiting, call.IssueLink("link_w", "key_1", call.RoleBuyer, "", noon.Add(time.Hour)))
	s.apply(waiting, call.Arrive("link_w"))
	s.meet(ended)
	s.apply(ended, call.End("seller", call.ReasonEnded))
	s.meet(deserted)
	s.apply(deserted, call.Depart("seller", call.ReasonLeft))
	s.apply(deserted, call.Depart("buyer", call.ReasonLeft))

	want := []string{met, waiting, deserted}
	slices.Sort(want)
	if got := need(s.Unfinished(s.ctx))(t); !slices.Equal(got, want) {
		t.Fatalf("got  %v\nwant %v", got, want)
	}
	for _, id := range want { // as at a start
		s.apply(id, call.Recover)
		s.apply(id, call.CloseEmpty)
	}
	if got := need(s.Unfinished(s.ctx))(t); len(got) > 0 {
		t.Errorf("still unfinished: %v", got)
	}
	for id, want := range map[string]call.State{met: call.StateFinished, waiting: call.StateScheduled, deserted: call.StateFinished} {
		if c := need(s.Conference(s.ctx, id))(t); c.State != want {
			t.Errorf("%s is %s, want %s", id, c.State, want)
		}
	}
}

func TestForeignCursor(t *testing.T) {
	s := openShop(t)
	for _, cursor := range []string{
		"x", "!", "AAAA", "AAAAAAAAAAAAAAAAYR",
		formatCursor([]byte("twelve bytes")), formatCursor([]byte("twelve bytes\x00\xff")),
	} {
		_, _, err := s.Conferences(s.ctx, call.Filter{}, cursor, 10)
		var invalid *call.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "after" {
			t.Errorf("%q: error %v", cursor, err)
		}
	}
}

func TestTimesSort(t *testing.T) {
	times := []time.Time{
		time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC), {}, time.Unix(-1, 999999999), time.Unix(0, 0), time.Unix(0, 1),
		noon, noon.Add(1), noon.Add(time.Second), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	}
	sorted := slices.IsSortedFunc(times, func(a, b time.Time) int { return slices.Compare(appendTime(nil, a), appendTime(nil, b)) })
	if !sorted {
		t.Error("the encoding does not sort as the times do")
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(formatCursor(agedID(nil, noon, "conf_a")))
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAYR")
	f.Fuzz(func(t *testing.T, cursor string) {
		end, err := parseCursor(cursor)
		if err != nil {
			return
		}
		if formatCursor(end) != cursor {
			t.Fatalf("%q is read as %q, which is written as %q", cursor, end, formatCursor(end))
		}
		r := kv.Prefix(conferencesPrefix("", ""))
		if key := string(conferencesPrefix("", "")) + string(end); key < string(r.From) || key >= string(r.To) || len(key) > kv.MaxKey {
			t.Fatalf("%q leaves its list: %q", cursor, key)
		}
	})
}

func FuzzValidID(f *testing.F) {
	f.Add("conf_abc")
	f.Add("a\x00b")
	f.Add("../x")
	f.Fuzz(func(t *testing.T, id string) {
		if !validID(id) {
			return
		}
		if prefix, seq := cutSeq(streamKey(id, 77)); streamOf(prefix) != id || seq != 77 {
			t.Fatalf("%q does not come back from its key", id)
		}
	})
}
