package call_test

import (
	"fmt"
	"maps"
	"slices"
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
