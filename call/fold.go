package call

import (
	"maps"
	"slices"
	"time"
)

// Apply folds one event in and returns the new state; the old one stays as it was.
// Events that mean nothing to a conference are ignored.
func (c Conference) Apply(e Event) Conference {
	c.Version = e.Seq
	switch b := e.Body.(type) {
	case Scheduled:
		c.ID, c.Seller, c.Buyer, c.Subject = e.Stream, b.Seller, b.Buyer, b.Subject
		c.StartsAt, c.Seconds, c.Language, c.Recording = b.StartsAt, b.Seconds, b.Language, b.Recording
		c.Vehicle, c.State, c.CreatedAt, c.PlannedAt = b.Vehicle, StateScheduled, e.At, e.At
	case Accepted:
		c.AcceptedAt, c.DeclinedAt, c.DeclineReason = e.At, time.Time{}, ""
	case Cancelled:
		c.State, c.FinishedAt, c.FinishReason = StateCancelled, e.At, b.Reason
	case LinkIssued:
		c.Links = with(c.Links, b.Link, Link{ID: b.Link, Role: b.Role, Participant: b.Participant, Name: b.Name, CreatedAt: e.At, ExpiresAt: b.ExpiresAt})
	case LinkRevoked:
		link := c.Links[b.Link]
		link.RevokedAt = e.At
		c.Links = with(c.Links, b.Link, link)
	case Consented:
		c.Consents = append(slices.Clip(c.Consents), Consent{Consented: b, At: e.At})
	case Warned:
		c.Level = b.Level
	case Replenished:
		c.Level = b.Level
	case Exhausted:
		c.Level = LevelOut
	case RecordingStarted, RecordingFinished, RecordingStored, RecordingFailed:
		c.Files = applyFile(c.Files, e)
		c.ExportedAt = time.Time{}
		if c.RecordedAt.IsZero() {
			c.RecordedAt = e.At
		}
	case RecordingShared, RecordingShareRevoked:
		c = c.applyShare(e)
	case RecordingExported, DeletionOrdered, RecordingDeleted:
		c = c.applyKeep(e)
	case Rescheduled, Changed, Declined:
		c = c.applySchedule(e)
	case NoShow:
		c.NoShow = true
	case CompositionRequested, RecordingComposing, RecordingComposed, RecordingComposeFailed:
		c.Composition = c.Composition.apply(e)
	default:
		var done bool
		if c, done = c.applyMessage(e); !done {
			c = c.applyPresence(e)
		}
	}
	return c
}

func (c Conference) applyPresence(e Event) Conference {
	switch b := e.Body.(type) {
	case Knocked:
		c = c.participant(b.Participant, func(p *Participant) { p.Role, p.Knocking = b.Role, true })
	case KnockWithdrawn:
		c = c.participant(b.Participant, func(p *Participant) { p.Knocking = false })
	case Denied:
		c = c.participant(b.Participant, func(p *Participant) { p.Knocking = false })
	case Admitted:
		c = c.participant(b.Participant, func(p *Participant) { p.Admitted, p.Knocking = true, false })
	case Entered:
		c = c.participant(b.Participant, func(p *Participant) { p.Role, p.Present, p.Knocking = b.Role, true, false })
	case Left:
		c = c.participant(b.Participant, func(p *Participant) { p.Present = false })
	case Finished:
		c.State, c.FinishedAt, c.FinishReason = StateFinished, e.At, b.Reason
		return c.disconnected(e.At)
	case WaitingForSeller:
		if e.At.Sub(c.WaitingSince) > waitingAgain {
			c.WaitingSince = e.At
		}
	case Standby:
		c.WaitingSince = time.Time{}
	case Ongoing:
		c.WaitingSince = time.Time{}
		c.ConnectedSince = e.At
		if c.OngoingSince.IsZero() {
			c.OngoingSince = e.At
		}
	default:
		return c
	}
	if !c.Over() {
		c.State = c.presence()
	}
	if c.State != StateOngoing {
		c = c.disconnected(e.At)
	}
	return c
}

// disconnected closes the running stretch of connected time, if there is one.
func (c Conference) disconnected(at time.Time) Conference {
	if !c.ConnectedSince.IsZero() {
		c.ConnectedSeconds += ceilSeconds(at.Sub(c.ConnectedSince))
		c.ConnectedSince = time.Time{}
	}
	return c
}

func (c Conference) participant(id string, change func(*Participant)) Conference {
	p := c.Participants[id]
	p.ID = id
	change(&p)
	c.Participants = with(c.Participants, id, p)
	return c
}

// with is a copy of m in which k is v.
func with[K comparable, V any](m map[K]V, k K, v V) map[K]V {
	m = maps.Clone(m)
	if m == nil {
		m = make(map[K]V)
	}
	m[k] = v
	return m
}

func ceilSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
