package call

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// What can happen to a plan.
type (
	// Rescheduled moves a conference: its start or its length is another one, and whatever else was changed with it. The buyer is asked
	// again. Links that hold do so for as much longer as the conference ends later, see [Conference.Links].
	Rescheduled struct{ Planned }
	// Changed replaces what a conference is about and how it is held, at the same time as before. The buyer's answer stands.
	Changed struct{ Planned }
	// Declined says that the buyer will not come at this time. A new time or a change of mind takes it back.
	Declined struct {
		Reason string `json:"reason,omitempty"`
	}
)

// Planned is the whole plan as it is from now on.
type Planned struct {
	Subject   string    `json:"subject"`
	StartsAt  time.Time `json:"starts_at"`
	Seconds   int       `json:"duration_seconds"`
	Language  string    `json:"language"`
	Recording Recording `json:"recording"`
	Vehicle   Vehicle   `json:"vehicle,omitzero"`
}

// Type is the word the log has for it.
func (Rescheduled) Type() string { return "rescheduled" }

// Type is the word the log has for it.
func (Changed) Type() string { return "changed" }

// Type is the word the log has for it.
func (Declined) Type() string { return "declined" }

func init() {
	register[Rescheduled]()
	register[Changed]()
	register[Declined]()
}

// Why the plan stays as it is.
var (
	ErrTookPlace = errors.New("the conference has taken place or is running")
	ErrDecliners = errors.New("only the buyer can decline")
)

// OverlapError names the conference that is in the way.
type OverlapError struct {
	Conference string
	Subject    string
	StartsAt   time.Time
}

func (e *OverlapError) Error() string {
	return fmt.Sprintf("the seller has another conference then: %q at %s (%s)", e.Subject, e.StartsAt.Format(time.RFC3339), e.Conference)
}

// Busy are the seller's conferences that begin at a time or later, and before another.
type Busy func(from, until time.Time) ([]Conference, error)

// EndsAt is when the plan says that it is over.
func (c Conference) EndsAt() time.Time { return c.StartsAt.Add(time.Duration(c.Seconds) * time.Second) }

// untouched says that nobody of either side is there, and that the call has not taken place.
func (c Conference) untouched() bool { return c.OngoingSince.IsZero() && len(c.Inside()) == 0 }

// checkOverlap refuses a second conference at the same time. Declined ones and those that are over take no time.
func (c Case) checkOverlap(p Plan) error {
	if p.AllowOverlap || c.Busy == nil {
		return nil
	}
	end := p.StartsAt.Add(p.Length)
	others, err := c.Busy(p.StartsAt.Add(-maxLength), end)
	if err != nil {
		return fmt.Errorf("look for other conferences of the seller: %w", err)
	}
	for _, o := range others {
		if o.ID != c.Conference.ID && !o.Over() && o.DeclinedAt.IsZero() && o.StartsAt.Before(end) && o.EndsAt().After(p.StartsAt) {
			return &OverlapError{o.ID, o.Subject, o.StartsAt}
		}
	}
	return nil
}

// Reschedule replaces the plan of a conference that has not taken place by what change makes of it.
func Reschedule(actor string, change func(Plan) (Plan, error)) Rule {
	return open(func(c Case, b *batch) error {
		if !c.Conference.untouched() {
			return ErrTookPlace
		}
		old := c.Conference.plan()
		p, err := change(old)
		if err != nil {
			return err
		}
		p = p.trimmed()
		if err := p.check(); err != nil {
			return err
		}
		if p.StartsAt.Equal(old.StartsAt) && p.Length == old.Length {
			if p.AllowOverlap = false; p != old {
				b.conference(actor, Changed{p.planned()})
			}
			return nil
		}
		if err := p.checkAhead(b.now); err != nil {
			return err
		}
		if err := c.checkOverlap(p); err != nil {
			return err
		}
		b.conference(actor, Rescheduled{p.planned()})
		return nil
	})
}

func (c Conference) plan() Plan {
	return Plan{
		Subject: c.Subject, StartsAt: c.StartsAt, Length: time.Duration(c.Seconds) * time.Second,
		Language: c.Language, Recording: c.Recording, Vehicle: c.Vehicle,
	}
}

func (p Plan) planned() Planned {
	return Planned{
		Subject: p.Subject, StartsAt: p.StartsAt, Seconds: int(p.Length / time.Second),
		Language: p.Language, Recording: p.Recording, Vehicle: p.Vehicle,
	}
}

// trimmed is the plan without the space around its words, with its times in UTC.
func (p Plan) trimmed() Plan {
	p.Subject, p.StartsAt, p.Vehicle = strings.TrimSpace(p.Subject), p.StartsAt.UTC(), p.Vehicle.trimmed()
	return p
}

// Decline says that the buyer will not come.
func Decline(participant, reason string) Rule {
	return open(func(c Case, b *batch) error {
		if c.Conference.roleOf(participant) != RoleBuyer {
			return ErrDecliners
		}
		if !c.Conference.untouched() {
			return ErrTookPlace
		}
		if err := checkShort("reason", reason); err != nil {
			return err
		}
		if c.Conference.DeclinedAt.IsZero() {
			b.conference(participant, Declined{Reason: reason})
		}
		return nil
	})
}

func (c Conference) applySchedule(e Event) Conference {
	switch b := e.Body.(type) {
	case Rescheduled:
		later := b.StartsAt.Add(time.Duration(b.Seconds) * time.Second).Sub(c.EndsAt())
		c = c.applyPlanned(b.Planned, e.At)
		c.AcceptedAt, c.DeclinedAt, c.DeclineReason = time.Time{}, time.Time{}, ""
		for id, l := range c.Links {
			if later > 0 && l.ExpiresAt.After(e.At) {
				l.ExpiresAt = l.later(later)
				c.Links = with(c.Links, id, l)
			}
		}
	case Changed:
		c = c.applyPlanned(b.Planned, e.At)
	case Declined:
		c.DeclinedAt, c.DeclineReason, c.AcceptedAt = e.At, b.Reason, time.Time{}
	}
	return c
}

func (c Conference) applyPlanned(p Planned, at time.Time) Conference {
	c.Subject, c.StartsAt, c.Seconds, c.Language, c.Recording, c.Vehicle = p.Subject, p.StartsAt, p.Seconds, p.Language, p.Recording, p.Vehicle
	c.Sequence++
	c.PlannedAt = at
	return c
}
