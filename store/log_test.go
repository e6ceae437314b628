package store

import (
	"context"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

func TestEvents(t *testing.T) {
	s := openShop(t)
	for range 7 {
		s.buyer()
	}
	for _, test := range []struct {
		after uint64
		limit int
		want  []uint64
	}{
		{0, 3, []uint64{1, 2, 3}},
		{3, 100, []uint64{4, 5, 6, 7}},
		{6, 1, []uint64{7}},
		{0, 0, []uint64{1}},
		{7, 10, nil},
		{math.MaxUint64, 10, nil},
	} {
		events, err := s.Events(s.ctx, test.after, test.limit)
		if got := seqs(events); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("after %d, %d at most: %v, %v, want %v", test.after, test.limit, got, err, test.want)
		}
	}
}

func seqs(events []call.Event) (all []uint64) {
	for _, e := range events {
		all = append(all, e.Seq)
	}
	return all
}

func types(events []call.Event) (all []string) {
	for _, e := range events {
		all = append(all, e.Body.Type())
	}
	return all
}

func TestStreamEvents(t *testing.T) {
	s := openShop(t)
	seller := s.seller(60)
	conf, other := s.conference(seller, s.buyer(), noon), s.conference(seller, s.buyer(), noon)
	s.meet(other)
	s.meet(conf)
	s.clock.Add(4 * time.Second)
	s.apply(conf, call.End("seller", call.ReasonEnded))

	events := need(s.StreamEvents(s.ctx, conf, 0, 100))(t)
	want := []string{
		"scheduled", "link.issued", "call.new", "actor.entered", "call.standby", "link.issued", "knocked",
		"admitted", "actor.entered", "call.ongoing", "minutes.reserved", "actor.left", "actor.left", "minutes.returned", "call.finished",
	}
	if got := types(events); !slices.Equal(got, want) {
		t.Errorf("the conference's events\ngot  %v\nwant %v", got, want)
	}
	if !slices.IsSorted(seqs(events)) {
		t.Errorf("out of order: %v", seqs(events))
	}
	page := need(s.StreamEvents(s.ctx, conf, events[3].Seq, 2))(t)
	if !slices.Equal(seqs(page), seqs(events[4:6])) {
		t.Errorf("page %v, want %v", seqs(page), seqs(events[4:6]))
	}
	if got := types(need(s.StreamEvents(s.ctx, seller, 0, 100))(t)); !slices.Equal(got, []string{
		"seller.registered", "minutes.reserved", "minutes.reserved", "minutes.returned",
	}) {
		t.Errorf("the seller's events: %v", got)
	}
	for _, unknown := range []string{"conf_none", "", conf[:len(conf)-1], "a\x00b"} {
		if events, err := s.StreamEvents(s.ctx, unknown, 0, 100); err != nil || len(events) > 0 {
			t.Errorf("%q: %d events, %v", unknown, len(events), err)
		}
	}
}

func TestAppended(t *testing.T) {
	s := openShop(t)
	appended := s.Appended()
	if s.Appended() != appended {
		t.Fatal("two channels without an append between them")
	}
	s.buyer()
	select {
	case <-appended:
	default:
		t.Fatal("the append was not announced when it returned")
	}
	select {
	case <-s.Appended():
		t.Fatal("the new channel is closed already")
	default:
	}
}

func TestCursorIsDurable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "showroom.db")
	s := openShopAt(t, path)
	if seq := need(s.Cursor(s.ctx, "webhooks"))(t); seq != 0 {
		t.Fatalf("a new cursor stands at %d", seq)
	}
	for _, seq := range []uint64{7, 300, 12} {
		if err := s.SetCursor(s.ctx, "webhooks", seq); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.SetCursor(s.ctx, "a/b", 1); err == nil {
		t.Error("a cursor was named a/b")
	}
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	s = openShopAt(t, path)
	if seq := need(s.Cursor(s.ctx, "webhooks"))(t); seq != 12 {
		t.Fatalf("the cursor stands at %d after a restart, want 12", seq)
	}
	if seq := need(s.Cursor(s.ctx, "upload"))(t); seq != 0 {
		t.Fatalf("another cursor stands at %d", seq)
	}
}

// movedSource tells where it moved a cursor to.
type movedSource struct {
	*Store
	moved chan uint64
}

func (m movedSource) SetCursor(ctx context.Context, name string, seq uint64) error {
	err := m.Store.SetCursor(ctx, name, seq)
	select {
	case m.moved <- seq:
	case <-ctx.Done():
	}
	return err
}

// follow runs a follower until it has moved its cursor to last, and returns what it saw.
func (s *shop) follow(last uint64) (seen []uint64) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	source := movedSource{s.Store, make(chan uint64)}
	f := call.Follower{Name: "test", Source: source, Log: slog.New(slog.DiscardHandler), Handle: func(ctx context.Context, e call.Event) error {
		seen = append(seen, e.Seq)
		if e.Seq != 3 {
			return nil
		}
		_, err := s.RegisterBuyer(ctx, "key_1", call.Contact{Name: "came meanwhile"})
		return err
	}}
	var wg sync.WaitGroup
	wg.Go(func() { f.Run(ctx) })
	for at := uint64(0); at < last && ctx.Err() == nil; {
		select {
		case at = <-source.moved:
		case <-ctx.Done():
		}
	}
	cancel()
	wg.Wait()
	return seen
}

// A follower sees every event once and in order while others append, and goes on after a restart where it was.
func TestFollower(t *testing.T) {
	s := openShop(t)
	s.buyer()
	s.buyer()
	if seen := s.follow(2); !slices.Equal(seen, []uint64{1, 2}) {
		t.Fatalf("saw %v", seen)
	}
	s.buyer()
	if seen := s.follow(4); !slices.Equal(seen, []uint64{3, 4}) {
		t.Fatalf("saw %v after the restart", seen)
	}
}

func TestDamagedEventIsTold(t *testing.T) {
	s := openShop(t)
	s.buyer()
	err := s.db.Update(s.ctx, func(t kv.Tx) error { return t.Put(eventKey(1), []byte("{")) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Events(s.ctx, 0, 10); err == nil {
		t.Error("a damaged event was read")
	}
}

func TestBefore(t *testing.T) {
	s := openShop(t)
	if n := need(s.Before(s.ctx, noon))(t); n != 0 {
		t.Errorf("in an empty log: %d", n)
	}
	for range 10 {
		s.buyer()
		s.clock.Add(time.Hour)
	}
	for hours, want := range map[int]uint64{-5: 0, 0: 0, 1: 1, 4: 4, 9: 9, 10: 10, 99: 10} {
		if n := need(s.Before(s.ctx, noon.Add(time.Duration(hours)*time.Hour)))(t); n != want {
			t.Errorf("before hour %d: %d, want %d", hours, n, want)
		}
	}
}
