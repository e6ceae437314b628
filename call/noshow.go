package call

import (
	"errors"
	"time"
)

// NoShow says who did not come: [RoleBuyer], [RoleSeller], or empty for both, also when they missed each other.
type NoShow struct {
	Missing Role `json:"missing,omitempty"`
}

// Type is the word the log has for it.
func (NoShow) Type() string { return "no_show" }

func init() { register[NoShow]() }

// Reasons for finishing a conference that never took place.
const (
	ReasonNoShow   = "no_show"  // somebody did not come
	ReasonDeclined = "declined" // the buyer had said so
)

// ErrTooEarly says that nobody can have missed it yet.
var ErrTooEarly = errors.New("the conference has not begun yet")

// Miss says that somebody did not come, once the planned start has passed, and finishes the conference.
func Miss(actor string) Rule {
	return open(func(c Case, b *batch) error {
		switch {
		case !c.Conference.untouched():
			return ErrTookPlace
		case b.now.Before(c.Conference.StartsAt):
			return ErrTooEarly
		}
		b.miss(actor)
		return nil
	})
}

// MissBy is [Miss] as it comes by itself, the grace after the planned end: nothing happens where the conference is over, took place,
// or somebody is there, and applied twice it has happened once. What the buyer declined was not missed.
func MissBy(grace time.Duration) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		if !c.Conference.Awaited() || now.Before(c.Conference.EndsAt().Add(grace)) {
			return nil, nil
		}
		b := newBatch(c, now)
		if c.Conference.DeclinedAt.IsZero() {
			b.miss(System)
		} else {
			b.finish(System, ReasonDeclined)
		}
		return b.events, nil
	}
}

// Awaited says that the conference has not taken place, may still do so, and that nobody is there.
func (c Conference) Awaited() bool { return !c.Over() && c.untouched() }

func (b *batch) miss(actor string) {
	b.conference(actor, NoShow{Missing: b.case_.Conference.missing()})
	b.finish(actor, ReasonNoShow)
}

// missing is who of the two sides never came.
func (c Conference) missing() Role {
	came := map[Role]bool{}
	for _, p := range c.Participants {
		came[p.Role] = true
	}
	switch {
	case came[RoleSeller] && !came[RoleBuyer]:
		return RoleBuyer
	case came[RoleBuyer] && !came[RoleSeller]:
		return RoleSeller
	}
	return ""
}
