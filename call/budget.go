package call

import (
	"cmp"
	"slices"
	"time"
)

// Limit is one of the two that end a call.
type Limit string

// The limits.
const (
	LimitMonth      Limit = "month"      // the seller's minutes of the month
	LimitConference Limit = "conference" // the minutes that the seller gives one conference
)

// Level is how urgent the minutes are.
type Level string

// The levels and from how many remaining seconds on they hold.
const (
	LevelOK   Level = "ok"
	LevelMost Level = "most" // four fifths of the limit are used
	LevelLow  Level = "low"  // 300 s
	LevelLast Level = "last" // 60 s
	LevelOut  Level = "out"  // 0 s
)

// urgency orders the levels; no warning yet is as good as OK.
func urgency(l Level) int {
	return max(0, slices.Index([]Level{LevelOK, LevelMost, LevelLow, LevelLast, LevelOut}, l))
}

// budget is what may still be spent under a limit, in seconds, this call's unspent reserve included.
type budget struct {
	limit     Limit
	cap       int
	remaining int
}

type threshold struct {
	level   Level
	seconds int
}

// thresholds are where warnings are given, the most urgent first.
func (b budget) thresholds() [3]threshold {
	return [3]threshold{{LevelLast, 60}, {LevelLow, 300}, {LevelMost, b.cap / 5}}
}

func (b budget) level() Level {
	if b.remaining <= 0 {
		return LevelOut
	}
	for _, t := range b.thresholds() {
		if b.remaining <= t.seconds {
			return t.level
		}
	}
	return LevelOK
}

// pressing is the budget with the most urgent level; of two, the smaller one.
func pressing(budgets []budget) budget {
	return slices.MinFunc(budgets, func(a, b budget) int {
		return cmp.Or(cmp.Compare(urgency(b.level()), urgency(a.level())), cmp.Compare(a.remaining, b.remaining))
	})
}

// budgets are those that the case has at a time: that of the month, and that of the conference if the seller limits it.
func (c Case) budgets(now time.Time) []budget {
	s := c.Seller
	month := s.Month(now)
	usage := s.Usage(month)
	left := usage.Remaining
	for _, b := range s.Open[c.Conference.ID] {
		if b.Month == month && b.Until.After(now) {
			left += ceilSeconds(b.Until.Sub(latest(now, b.From)))
		}
	}
	budgets := []budget{{LimitMonth, usage.Cap, left}}
	if limit := s.ConferenceMinutes * 60; limit > 0 {
		budgets = append(budgets, budget{LimitConference, limit, max(0, limit-c.Conference.connected(now))})
	}
	return budgets
}

// connected is for how many seconds both sides were there until now.
func (c Conference) connected(now time.Time) int {
	if c.ConnectedSince.IsZero() || !now.After(c.ConnectedSince) {
		return c.ConnectedSeconds
	}
	return c.ConnectedSeconds + ceilSeconds(now.Sub(c.ConnectedSince))
}

// timeUp is when a running conference has taken as long as the seller lets one; the zero time is never.
func (c Case) timeUp() time.Time {
	limit := c.Seller.ConferenceMinutes * 60
	if limit == 0 || c.Conference.ConnectedSince.IsZero() {
		return time.Time{}
	}
	return c.Conference.ConnectedSince.Add(time.Duration(limit-c.Conference.ConnectedSeconds) * time.Second)
}

// mayTalk says whether anything is left to spend.
func (c Case) mayTalk(now time.Time) error {
	m := c.Meter(now)
	switch {
	case m.Remaining > 0:
		return nil
	case m.Limit == LimitConference:
		return ErrTimeUp
	}
	return ErrNoMinutes
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
