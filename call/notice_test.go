package call_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"showroom/call"
)

// notify queues what is due, in every conference of the story.
func (s *stage) notify() (outcome []string) {
	for _, id := range slices.Sorted(maps.Keys(s.cases)) {
		if s.cases[id].Conference.ID == "" {
			continue
		}
		events, err := call.Notify(*s.messages, func() string { s.links++; return fmt.Sprintf("link_%d", s.links) })(s.cases[id], s.now)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range events {
			s.keep(e)
			outcome = append(outcome, describe(e))
		}
	}
	return outcome
}

// nextNotice is when somebody is to be told something, until if nobody is before that.
func (s *stage) nextNotice(until time.Time) time.Time {
	if s.messages == nil {
		return until
	}
	for _, c := range s.cases {
		if c.Conference.ID == "" {
			continue
		}
		if at := c.NextNotice(*s.messages, s.now); !at.IsZero() && at.Before(until) {
			until = at
		}
	}
	return until
}

// TestWaitingIsSaidOnlySoOften: a seller whose connection comes and goes while the buyer waits is told again and again, but not without end, and there is room for the rest.
func TestWaitingIsSaidOnlySoOften(t *testing.T) {
	s := newStage(t)
	for _, line := range []string{"seller: 600 minutes a month, UTC", "messages: email", "2026-03-02 14:00:00 — the CRM schedules 15:00 for 300 minutes", "15:00:00 — the buyer comes"} {
		s.step(line)
	}
	for n := range 60 {
		at := time.Date(2026, 3, 2, 15, 1, 0, 0, time.UTC).Add(time.Duration(n) * time.Minute)
		s.step(at.Format("15:04:05") + " — the seller comes")
		s.step(at.Add(time.Second).Format("15:04:05") + " — the seller leaves")
	}
	s.step("16:30:00 — the buyer leaves")
	told := map[call.Kind]int{}
	s.step("16:31:00 — the CRM cancels")
	for _, m := range s.cases["first"].Conference.Messages {
		told[m.Kind]++
	}
	if told[call.KindWaiting] != 40 || told[call.KindCancellation] != 2 {
		t.Errorf("told %v", told)
	}
}
