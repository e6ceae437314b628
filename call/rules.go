package call

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Case is what a rule may look at: one conference with its seller and buyer.
type Case struct {
	Conference Conference
	Seller     Seller
	Buyer      Buyer
	Busy       Busy `json:"-"` // the seller's other conferences; nil where nobody looks
}

// Rule says which events follow from a case at a time, or why nothing may happen. No events and no error
// means that it is so already.
type Rule func(c Case, now time.Time) ([]Event, error)

// Apply folds an event into the conference or the seller it belongs to.
func (c Case) Apply(e Event) Case {
	switch e.Stream {
	case c.Conference.ID:
		c.Conference = c.Conference.Apply(e)
	case c.Seller.ID:
		c.Seller = c.Seller.Apply(e)
	case c.Buyer.ID:
		c.Buyer = c.Buyer.Apply(e)
	}
	return c
}

// batch gathers the events of one rule and folds each as it comes, so that later ones see the earlier.
type batch struct {
	case_  Case
	now    time.Time
	events []Event
}

func newBatch(c Case, now time.Time) *batch { return &batch{case_: c, now: now} }

func (b *batch) add(events ...Event) {
	for _, e := range events {
		b.events = append(b.events, e)
		b.case_ = b.case_.Apply(e)
	}
}

// conference adds an event to the conference's stream.
func (b *batch) conference(actor string, body Body) {
	b.add(Event{Stream: b.case_.Conference.ID, At: b.now, Actor: actor, Body: body})
}

// Plan is the input of [Schedule] and [Reschedule].
type Plan struct {
	Subject   string
	StartsAt  time.Time
	Length    time.Duration
	Language  string // empty: the seller's
	Recording Recording
	Vehicle   Vehicle

	AllowOverlap bool // with another conference of the seller
}

const (
	minLength = time.Minute
	maxLength = 8 * time.Hour
	lastYear  = 2999 // RFC 3339 ends with 9999
)

// Schedule opens the stream of a conference between the case's seller and buyer.
func Schedule(id, actor string, p Plan) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		if c.Buyer.Erasure.Ordered() {
			return nil, ErrErased
		}
		if p.Language == "" {
			p.Language = c.Seller.Language
		}
		p = p.trimmed()
		if err := p.check(); err != nil {
			return nil, err
		}
		if err := p.checkAhead(now); err != nil {
			return nil, err
		}
		if err := c.checkOverlap(p); err != nil {
			return nil, err
		}
		return []Event{{Stream: id, At: now, Actor: actor, Body: Scheduled{
			Seller: c.Seller.ID, Buyer: c.Buyer.ID, Subject: p.Subject, StartsAt: p.StartsAt,
			Seconds: int(p.Length / time.Second), Language: p.Language, Recording: p.Recording, Vehicle: p.Vehicle,
		}}}, nil
	}
}

func (p Plan) check() error {
	if p.Subject == "" {
		return Invalid("subject", "say what the conference is about, such as the vehicle")
	}
	if err := checkShort("subject", p.Subject); err != nil {
		return err
	}
	if p.Length < minLength || p.Length > maxLength {
		return Invalid("duration_minutes", fmt.Sprintf("%d is not between 1 and 480", int(p.Length/time.Minute)))
	}
	if p.StartsAt.IsZero() {
		return Invalid("starts_at", "a time is needed, such as 2026-11-20T15:00:00Z")
	}
	if p.StartsAt.Year() > lastYear {
		return Invalid("starts_at", "that is too far away")
	}
	if p.Recording != RecordingOn && p.Recording != RecordingOff {
		return Invalid("recording", fmt.Sprintf("%q is not on or off", p.Recording))
	}
	if err := p.Vehicle.check(); err != nil {
		return err
	}
	return checkLanguage(p.Language)
}

func (p Plan) checkAhead(now time.Time) error {
	if p.StartsAt.Add(p.Length).Before(now) {
		return Invalid("starts_at", "the conference would be over already")
	}
	return nil
}

// Accept says that the buyer will come.
func Accept(participant string) Rule {
	return open(func(c Case, b *batch) error {
		if c.Conference.roleOf(participant) != RoleBuyer {
			return ErrBuyersOnly
		}
		if c.Conference.AcceptedAt.IsZero() {
			b.conference(participant, Accepted{})
		}
		return nil
	})
}

// Cancel ends a conference that nobody is in.
func Cancel(actor, reason string) Rule {
	return open(func(c Case, b *batch) error {
		if len(c.Conference.Inside()) > 0 {
			return ErrRunning
		}
		if err := checkShort("reason", reason); err != nil {
			return err
		}
		b.conference(actor, Cancelled{Reason: reason})
		return nil
	})
}

// IssueLink lets the holder of a new access link in, until it expires or is revoked. The seller and the buyer are one participant each
// however many links they have; every guest link is a participant of its own.
func IssueLink(id, actor string, role Role, name string, expires time.Time) Rule {
	return open(func(c Case, b *batch) error {
		participant := string(role)
		switch role {
		case RoleSeller, RoleBuyer:
			name = ""
		case RoleGuest:
			participant = "guest_" + strings.TrimPrefix(id, "link_")
			if err := checkName(name); err != nil {
				return err
			}
		default:
			return Invalid("role", fmt.Sprintf("%q is not seller, buyer or guest", role))
		}
		if len(c.Conference.Links) >= maxLinks {
			return ErrTooMany
		}
		if expires.After(c.Conference.lastLink(b.now)) {
			return Invalid("expires_at", "a link holds until 24 hours after the planned end of the conference, at most")
		}
		if !expires.After(b.now) {
			return Invalid("expires_at", "this time has passed")
		}
		b.conference(actor, LinkIssued{Link: id, Role: role, Participant: participant, Name: name, ExpiresAt: expires.UTC()})
		return nil
	})
}

// linkGrace is how long at most a link outlives the planned end, or now if that has passed.
const linkGrace = 24 * time.Hour

func (c Conference) lastLink(now time.Time) time.Time {
	end := c.EndsAt()
	if end.Before(now) {
		end = now
	}
	return end.Add(linkGrace)
}

// RevokeLink makes a link worthless.
func RevokeLink(id, actor string) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		link, ok := c.Conference.Links[id]
		if !ok {
			return nil, ErrRevoked
		}
		if !link.RevokedAt.IsZero() {
			return nil, nil
		}
		return []Event{{Stream: c.Conference.ID, At: now, Actor: actor, Body: LinkRevoked{Link: id}}}, nil
	}
}

// CheckLink says whether a link still opens the conference.
func (c Conference) CheckLink(id string, now time.Time) (Link, error) {
	link, ok := c.Links[id]
	switch {
	case !ok || !link.RevokedAt.IsZero():
		return Link{}, ErrRevoked
	case now.After(link.ExpiresAt):
		return Link{}, ErrExpired
	}
	return link, c.overError()
}

func (c Conference) overError() error {
	switch c.State {
	case StateFinished:
		return ErrOver
	case StateCancelled:
		return ErrCancelled
	}
	return nil
}

// roleOf is the role a link has given the participant.
func (c Conference) roleOf(participant string) Role {
	for _, link := range c.Links {
		if link.Participant == participant {
			return link.Role
		}
	}
	return ""
}

// open makes a rule of a function that needs a conference which is not over.
func open(f func(Case, *batch) error) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		if err := c.Conference.overError(); err != nil {
			return nil, err
		}
		b := newBatch(c, now)
		if err := f(c, b); err != nil {
			return nil, err
		}
		return b.events, nil
	}
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
