package call

import (
	"time"
	"unicode"
)

// Reasons for leaving and finishing that rules know; the edge has more (docs/protocol.md).
const (
	ReasonEnded     = "ended"             // the seller side ended it
	ReasonLeft      = "left"              // everybody went
	ReasonMinutes   = "minutes_exhausted" // the seller's month is used up
	ReasonLimit     = "time_limit"        // the conference took as long as the seller lets one
	ReasonRestarted = "server_restarted"  // the process died with the participant inside
)

// Arrive brings the holder of a link in: the seller side and everybody who was admitted before enter, others knock, once the door is open.
func Arrive(link string) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		l, err := c.Conference.CheckLink(link, now)
		if err != nil {
			return nil, err
		}
		p := c.Conference.Participants[l.Participant]
		if p.Present || p.Knocking {
			return nil, nil
		}
		b := newBatch(c, now)
		if err := c.mayTalk(now); err != nil {
			return nil, err
		}
		if !c.Conference.OpenTo(l.Role, now) && !p.Admitted {
			return nil, ErrEarly
		}
		if err := c.mayEnter(l.Participant); err != nil {
			return nil, err
		}
		b.begin(l.Participant)
		if l.Role == RoleSeller || p.Admitted {
			b.enter(l.Participant, l.Role)
		} else {
			b.conference(l.Participant, Knocked{Participant: l.Participant, Role: l.Role})
		}
		b.settleState(c.Conference.State)
		return b.events, nil
	}
}

// Admit lets somebody in who knocks.
func Admit(participant, by string) Rule {
	return open(func(c Case, b *batch) error {
		p := c.Conference.Participants[participant]
		if !p.Knocking {
			return ErrNotKnocking
		}
		if err := c.mayTalk(b.now); err != nil {
			return err
		}
		if err := c.mayEnter(participant); err != nil {
			return err
		}
		b.conference(by, Admitted{Participant: participant})
		b.enter(participant, p.Role)
		b.settleState(c.Conference.State)
		return nil
	})
}

// Deny sends somebody away who knocks.
func Deny(participant, by string) Rule {
	return open(func(c Case, b *batch) error {
		if !c.Conference.Participants[participant].Knocking {
			return ErrNotKnocking
		}
		b.conference(by, Denied{Participant: participant})
		b.settleState(c.Conference.State)
		return nil
	})
}

// Depart takes somebody out of the room or from the door. Who is not there has departed already.
func Depart(participant, reason string) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		if c.Conference.Over() {
			return nil, nil
		}
		b := newBatch(c, now)
		b.depart(participant, participant, reason)
		b.settleState(c.Conference.State)
		return b.events, nil
	}
}

// Limits of a conference, so that nobody can make it grow without end.
const (
	maxConsentText = 4000 // bytes
	maxConsents    = 20   // answers of one participant
	maxLinks       = 500
	maxFiles       = 300
	maxGaps        = 20 // of one file; the manifest has all
)

// unreadable says that a character has no place in words that were shown.
func unreadable(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }

// End closes the conference for everybody.
func End(by, reason string) Rule {
	return open(func(c Case, b *batch) error {
		if len(c.Conference.Inside()) == 0 && c.Conference.OngoingSince.IsZero() {
			return ErrNotRunning
		}
		b.finish(by, reason)
		return nil
	})
}

// CloseEmpty finishes a conference that took place and that everybody has left.
func CloseEmpty(c Case, now time.Time) ([]Event, error) {
	if c.Conference.Over() || c.Conference.OngoingSince.IsZero() || len(c.Conference.Inside()) > 0 {
		return nil, nil
	}
	b := newBatch(c, now)
	b.finish(System, ReasonLeft)
	return b.events, nil
}

// Recover says of everybody who was inside when the process died that they have left: now, or, if they were connected, when
// the reserved minutes ended, since nothing was forwarded after that. What was reserved beyond now is returned.
func Recover(c Case, now time.Time) ([]Event, error) {
	if c.Conference.Over() {
		return nil, nil
	}
	if m := c.Meter(now); m.Running && m.Until.Before(now) {
		now = m.Until
	}
	b := newBatch(c, now)
	for _, id := range c.Conference.Inside() {
		b.depart(id, System, ReasonRestarted)
	}
	b.settleState(c.Conference.State)
	return b.events, nil
}

// begin marks the first sign of life.
func (b *batch) begin(actor string) {
	if len(b.case_.Conference.Participants) == 0 {
		b.conference(actor, New{})
	}
}

func (b *batch) enter(participant string, role Role) {
	b.conference(participant, Entered{Participant: participant, Role: role})
}

func (b *batch) depart(participant, actor, reason string) {
	switch p := b.case_.Conference.Participants[participant]; {
	case p.Present:
		b.conference(actor, Left{Participant: participant, Reason: reason})
	case p.Knocking:
		b.conference(actor, KnockWithdrawn{Participant: participant, Reason: reason})
	}
}

// settleState tells in the call log's words what the events so far have made of the state, and starts or stops the minutes.
func (b *batch) settleState(before State) {
	after := b.case_.Conference.State
	if after == before {
		return
	}
	if before == StateOngoing {
		b.add(b.case_.settle(b.now)...)
	}
	switch after {
	case StateStandby:
		b.conference(System, Standby{})
	case StateWaiting:
		b.conference(System, WaitingForSeller{})
	case StateOngoing:
		b.conference(System, Ongoing{})
		b.add(b.case_.reserve(b.now)...)
	}
}

// finish empties the room and closes the conference.
func (b *batch) finish(actor, reason string) {
	wasOngoing := b.case_.Conference.State == StateOngoing
	for _, id := range b.case_.Conference.Inside() {
		b.depart(id, actor, reason)
	}
	if wasOngoing {
		b.add(b.case_.settle(b.now)...)
	}
	b.conference(actor, Finished{Reason: reason, ConnectedSeconds: b.case_.Conference.ConnectedSeconds})
}
