package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"showroom/call"
)

var telling = call.Policy{Reminders: []time.Duration{time.Hour}, Channels: []string{"email"}}

func (s *shop) remind(conference string) call.Case {
	s.Helper()
	c, err := s.Remind(s.ctx, conference, call.Notify(telling, func() string { return NewID("link_") }), func(c call.Case, now time.Time) time.Time { return c.NextNotice(telling, now) })
	return must(s.TB, c, err)
}

// TestOutbox: messages are listed, open until every channel has settled, found per seller, and all of that can be made anew from the log.
func TestOutbox(t *testing.T) {
	s := openShop(t)
	ana, ivo := s.seller(60), s.seller(60)
	first, second := s.conference(ana, s.buyer(), noon.Add(26*time.Hour)), s.conference(ivo, s.buyer(), noon.Add(3*time.Hour))
	s.remind(first)
	s.clock.Add(time.Second)
	s.remind(second)
	s.remind(second)
	if open := need(s.OpenMessages(s.ctx))(t); len(open) != 2 {
		t.Errorf("open %v", open)
	}
	list := func(seller string) (ids []string) {
		cursor := ""
		for {
			page, next, err := s.Messages(s.ctx, seller, cursor, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page {
				ids = append(ids, p.Case.Conference.ID+"."+p.Message.ID)
			}
			if cursor = next; next == "" {
				return ids
			}
		}
	}
	want := []string{second + ".invitation_seller_0", second + ".invitation_buyer_0", first + ".invitation_seller_0", first + ".invitation_buyer_0"}
	if got := list(""); !slices.Equal(got, want) {
		t.Errorf("messages %v", got)
	}
	if got := list(ana); !slices.Equal(got, want[2:]) {
		t.Errorf("messages of one seller %v", got)
	}
	if got := list("sell/"); got != nil {
		t.Errorf("messages of nobody %v", got)
	}
	for _, m := range []string{"invitation_seller_0", "invitation_buyer_0"} {
		s.apply(first, call.Settle(m, "email", call.Sent{Message: m, Channel: "email"}))
	}
	if open := need(s.OpenMessages(s.ctx))(t); !slices.Equal(open, []string{second}) {
		t.Errorf("open %v", open)
	}
	if _, _, err := s.Messages(s.ctx, "", "eA", 1); !errors.As(err, new(*call.InvalidError)) {
		t.Errorf("a cursor of nobody: %v", err)
	}
	if got := need(s.Upcoming(s.ctx, ana, noon))(t); !slices.Equal(got, []string{first}) {
		t.Errorf("upcoming %v", got)
	}
	if n, err := s.Rebuild(s.ctx); n != 0 || err != nil {
		t.Errorf("rebuild: %d, %v", n, err)
	}
}

// TestTimers: the first comes first; one that moves or ends wakes whoever waits, one that stays does not.
func TestTimers(t *testing.T) {
	s := openShop(t)
	seller, buyer := s.seller(60), s.buyer()
	first, second := s.conference(seller, buyer, noon.Add(26*time.Hour)), s.conference(seller, buyer, noon.Add(3*time.Hour))
	changed := s.TimersChanged()
	s.remind(first)
	s.remind(second)
	select {
	case <-changed:
	default:
		t.Error("nobody was woken")
	}
	want := []call.Timer{{Conference: second, At: noon.Add(2 * time.Hour)}, {Conference: first, At: noon.Add(25 * time.Hour)}}
	if got := need(s.Timers(s.ctx, call.Timer{}, 5))(t); !slices.Equal(got, want) {
		t.Errorf("timers %v", got)
	}
	if got := need(s.Timers(s.ctx, want[0], 1))(t); !slices.Equal(got, want[1:]) {
		t.Errorf("timers behind the first %v", got)
	}
	changed = s.TimersChanged()
	s.remind(second)
	select {
	case <-changed:
		t.Error("woken for nothing")
	default:
	}
	s.apply(second, call.Cancel("key_1", "sold"))
	s.remind(second)
	if got := need(s.Timers(s.ctx, call.Timer{}, 5))(t); !slices.Equal(got, want[1:]) {
		t.Errorf("timers after a cancel %v", got)
	}
	if _, err := s.Remind(s.ctx, "conf_none", call.Notify(telling, nil), nil); !errors.Is(err, call.ErrNotFound) {
		t.Errorf("no such conference: %v", err)
	}
}
