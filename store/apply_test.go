package store

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"showroom/call"
)

func TestApply(t *testing.T) {
	s := openShop(t)
	seller := s.seller(60)
	conf := s.conference(seller, s.buyer(), noon.Add(time.Hour))

	c, events := s.apply(conf, call.IssueLink("link_a", "key_1", call.RoleSeller, "", noon.Add(2*time.Hour)))
	if len(events) != 1 || events[0].Seq != 4 || events[0].Stream != conf {
		t.Fatalf("events %+v, want one with the number 4", events)
	}
	if _, ok := c.Conference.Links["link_a"]; !ok || c.Conference.Version != 4 {
		t.Fatalf("the case returned is not the one after: %+v", c.Conference)
	}
	kept, err := s.Case(s.ctx, conf)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := toJSON(t, kept), toJSON(t, c); a != b {
		t.Fatalf("kept     %s\nreturned %s", a, b)
	}
}

func toJSON(t fataler, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	return string(must(t, data, err))
}

func TestApplyRefused(t *testing.T) {
	s := openShop(t)
	conf := s.conference(s.seller(60), s.buyer(), noon)
	before := dump(t, s.db)
	appended := s.Appended()

	refusal := errors.New("no")
	foreign := func(c call.Case, now time.Time) ([]call.Event, error) {
		return []call.Event{
			{Stream: c.Conference.ID, At: now, Body: call.Accepted{}},
			{Stream: "conf_other", At: now, Body: call.Accepted{}},
		}, nil
	}
	cancelled, cancel := context.WithCancel(s.ctx)
	for name, test := range map[string]struct {
		ctx        context.Context
		conference string
		rule       call.Rule
		want       error // nil: any
	}{
		"the rule's error":   {s.ctx, conf, func(call.Case, time.Time) ([]call.Event, error) { return nil, refusal }, refusal},
		"unknown conference": {s.ctx, NewID("conf_"), call.Recover, call.ErrNotFound},
		"malformed id":       {s.ctx, "../conf\x00", call.Recover, call.ErrNotFound},
		"a seller's id":      {s.ctx, s.seller0(t), call.Recover, call.ErrNotFound},
		"another's stream":   {s.ctx, conf, foreign, nil},
		"no body": {s.ctx, conf, func(c call.Case, _ time.Time) ([]call.Event, error) {
			return []call.Event{{Stream: c.Conference.ID}}, nil
		}, nil},
		"the caller has gone": {cancelled, conf, func(c call.Case, now time.Time) ([]call.Event, error) {
			cancel()
			return call.Cancel("key_1", "")(c, now)
		}, context.Canceled},
		"a date JSON has not":   {s.ctx, conf, call.IssueLink("link_z", "", call.RoleBuyer, "", time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)), nil},
		"not allowed any more ": {s.ctx, conf, call.Admit("buyer", "seller"), call.ErrNotKnocking},
	} {
		_, events, err := s.Apply(test.ctx, test.conference, test.rule)
		if err == nil || test.want != nil && !errors.Is(err, test.want) || events != nil {
			t.Errorf("%s: %d events, error %v, want %v", name, len(events), err, test.want)
		}
	}
	if !maps.Equal(before, dump(t, s.db)) {
		t.Error("a refused change wrote something")
	}
	select {
	case <-appended:
		t.Error("a refused change was announced")
	default:
	}
}

// seller0 is the id of some seller.
func (s *shop) seller0(t testing.TB) string {
	all, _, err := s.Sellers(s.ctx, call.PeopleFilter{}, "", 1)
	return must(t, all, err)[0].ID
}

func TestApplyPanics(t *testing.T) {
	s := openShop(t)
	conf := s.conference(s.seller(60), s.buyer(), noon)
	before := dump(t, s.db)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		s.Apply(s.ctx, conf, func(call.Case, time.Time) ([]call.Event, error) { panic("a bug") })
	}()
	if !maps.Equal(before, dump(t, s.db)) {
		t.Error("something was written")
	}
	s.apply(conf, call.Cancel("key_1", "")) // the store is not stuck
}

func TestApplyWithoutEvents(t *testing.T) {
	s := openShop(t)
	conf := s.conference(s.seller(60), s.buyer(), noon)
	before, appended := dump(t, s.db), s.Appended()
	counted := &faultyDB{DB: s.db}
	s.Store.db = counted
	c, events := s.apply(conf, call.Recover)
	if c.Conference.ID != conf || events != nil {
		t.Fatalf("case %q, events %v", c.Conference.ID, events)
	}
	if counted.commits > 0 || !maps.Equal(before, dump(t, s.db)) {
		t.Error("something was written")
	}
	select {
	case <-appended:
		t.Error("nothing was announced as an event")
	default:
	}
}

// What Apply returns is what will be read: a clock's zone and monotonic reading do not get in.
func TestEventsAreUTC(t *testing.T) {
	s := openShop(t)
	zone := time.FixedZone("somewhere", -3*3600)
	s.clock.now = time.Now().In(zone)
	conf := s.conference(s.seller(60), s.buyer(), s.clock.now)
	s.meet(conf)
	s.apply(conf, call.IssueLink("link_again", "key_1", call.RoleBuyer, "", s.clock.now.Add(time.Hour)))
	_, left := s.apply(conf, call.Depart("buyer", call.ReasonLeft))
	_, back := s.apply(conf, call.Arrive("link_again")) // reserves minutes from now on
	_, stored := s.apply(conf, func(c call.Case, _ time.Time) ([]call.Event, error) {
		return []call.Event{{Stream: conf, At: time.Now().In(zone), Body: call.RecordingFailed{File: "a"}}}, nil
	})
	read := need(s.StreamEvents(s.ctx, conf, left[0].Seq-1, 100))(t)
	if want := slices.Concat(left, back, stored); !reflect.DeepEqual(read, want) {
		t.Errorf("read     %+v\nreturned %+v", read, want)
	}
}

func TestSchedule(t *testing.T) {
	s := openShop(t)
	seller, buyer := s.seller(60), s.buyer()
	conf := s.conference(seller, buyer, noon)
	for name, test := range map[string]struct {
		seller, buyer, id string
		want              error
		field             string
	}{
		"unknown seller": {"sell_none", buyer, "conf_x", call.ErrNotFound, "seller"},
		"a buyer's id":   {buyer, buyer, "conf_x", call.ErrNotFound, "seller"},
		"unknown buyer":  {seller, "", "conf_x", call.ErrNotFound, "buyer"},
		"a taken id":     {seller, buyer, conf, call.ErrExists, ""},
		"a seller's id":  {seller, buyer, seller, call.ErrExists, ""},
	} {
		_, err := s.Schedule(s.ctx, test.seller, test.buyer, call.Schedule(test.id, "key_1", plan(noon)))
		if !errors.Is(err, test.want) {
			t.Errorf("%s: error %v, want %v", name, err, test.want)
		}
		var invalid *call.InvalidError
		if errors.As(err, &invalid) && invalid.Field != test.field || invalid == nil && test.field != "" {
			t.Errorf("%s: error %v, want one of the field %q", name, err, test.field)
		}
	}
	if _, err := s.Schedule(s.ctx, seller, buyer, call.Schedule("conf/../x", "key_1", plan(noon))); err == nil {
		t.Error("an id with a slash was accepted")
	}
}

func TestChangeSeller(t *testing.T) {
	s := openShop(t)
	id := s.seller(60)
	rename := func(c call.Seller) (call.Profile, error) { c.Name = "Carla"; return c.Profile, nil }
	changed, err := s.ChangeSeller(s.ctx, id, "key_1", rename)
	if err != nil || changed.Name != "Carla" || changed.MonthlyMinutes != 60 {
		t.Fatalf("%+v, %v", changed, err)
	}
	again, err := s.ChangeSeller(s.ctx, id, "key_1", rename)
	if err != nil || again.Version != changed.Version {
		t.Fatalf("the same settings made an event: %+v, %v", again, err)
	}
	_, err = s.ChangeSeller(s.ctx, id, "key_1", func(c call.Seller) (call.Profile, error) { c.TimeZone = "Mars"; return c.Profile, nil })
	var invalid *call.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "time_zone" {
		t.Errorf("error %v, want one of time_zone", err)
	}
	if _, err := s.ChangeSeller(s.ctx, "sell_none", "key_1", rename); !errors.Is(err, call.ErrNotFound) {
		t.Errorf("error %v, want %v", err, call.ErrNotFound)
	}
}

// Sixteen calls of one seller share what is left of the month, and never take more.
func TestCapHoldsUnderConcurrency(t *testing.T) {
	const minutes = 5
	s := openShop(t)
	seller, buyer := s.seller(minutes), s.buyer()
	var confs []string
	for range 16 {
		conf := s.conference(seller, buyer, noon)
		confs = append(confs, conf)
		s.meet(conf)
	}
	var wg sync.WaitGroup
	for _, conf := range confs {
		wg.Go(func() {
			for range 12 {
				s.clock.Add(time.Second)
				if _, _, err := s.Apply(s.ctx, conf, call.Tick); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	reserved, returned := s.minutes(seller)
	if got := reserved - returned; got > minutes*60 {
		t.Errorf("%d seconds were taken, %d are there", got, minutes*60)
	}
	if reserved < minutes*60 {
		t.Errorf("only %d of %d seconds were reserved: the cap was not tried", reserved, minutes*60)
	}
	if n := need(s.Rebuild(s.ctx))(t); n != 0 {
		t.Errorf("%d keys were wrong afterwards", n)
	}
}

// minutes adds up what the seller's stream reserved and returned, and checks the balance at every step.
func (s *shop) minutes(seller string) (reserved, returned int) {
	s.Helper()
	limit := need(s.Seller(s.ctx, seller))(s).MonthlyMinutes * 60
	for after, more := uint64(0), true; more; {
		events := need(s.StreamEvents(s.ctx, seller, after, 100))(s)
		for _, e := range events {
			switch b := e.Body.(type) {
			case call.Reserved:
				reserved += b.Seconds
			case call.Returned:
				returned += b.Seconds
			}
			if reserved-returned > limit {
				s.Fatalf("event %d: %d seconds are taken of %d", e.Seq, reserved-returned, limit)
			}
			after = e.Seq
		}
		more = len(events) > 0
	}
	return reserved, returned
}

// TestOverlap looks in the seller's list: conferences that are long under way count, those of others do not.
func TestOverlap(t *testing.T) {
	s := openShop(t)
	seller, other, buyer := s.seller(60), s.seller(60), s.buyer()
	schedule := func(seller string, start time.Time, length time.Duration) error {
		p := plan(start)
		p.Length, p.AllowOverlap = length, false
		_, err := s.Schedule(s.ctx, seller, buyer, call.Schedule(NewID("conf_"), "key_1", p))
		return err
	}
	overlap := (*call.OverlapError)(nil)
	for i, c := range []struct {
		seller   string
		after    time.Duration
		length   time.Duration
		overlaps bool
	}{
		{seller, 0, 8 * time.Hour, false}, {seller, 7*time.Hour + 59*time.Minute, time.Hour, true}, {seller, 8 * time.Hour, time.Hour, false},
		{other, time.Hour, time.Hour, false}, {other, 30 * time.Minute, 31 * time.Minute, true}, {other, 30 * time.Minute, 30 * time.Minute, false},
	} {
		if err := schedule(c.seller, noon.Add(c.after), c.length); errors.As(err, &overlap) != c.overlaps || err != nil && !c.overlaps {
			t.Errorf("%d: %v", i, err)
		}
	}
}
