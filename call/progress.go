package call

import (
	"maps"
	"time"
)

// Progress is how far a webhook was told. Every event up to the cursor was delivered, but for those of the lanes: conferences (or sellers, or
// buyers) whose next event was not taken. A lane waits by itself, so that one call's trouble is not another's, and in order.
type Progress struct {
	Cursor       uint64          `json:"cursor"`
	Lanes        map[string]Lane `json:"lanes,omitempty"` // by stream
	Failures     int             `json:"failures"`        // since the last delivery that worked
	FailingSince time.Time       `json:"failing_since,omitzero"`
	Probe        time.Time       `json:"probe,omitzero"` // while it is down: when it is tried next
	DeliveredAt  time.Time       `json:"delivered_at,omitzero"`
	SetAsideAt   time.Time       `json:"set_aside_at,omitzero"`
	SetAside     string          `json:"set_aside,omitempty"` // why nothing is sent until somebody resumes it
	Attempts     uint64          `json:"attempts"`            // all that were made
}

// Lane is where a stream waits.
type Lane struct {
	Seq      uint64    `json:"seq"` // the first event that was not taken
	Attempts int       `json:"attempts"`
	Since    time.Time `json:"since"`
	Next     time.Time `json:"next"`
	Held     bool      `json:"held,omitempty"` // not tried any more until somebody resumes the webhook
	Error    string    `json:"error"`
}

const (
	downAfter  = 3  // failures in a row
	maxLanes   = 32 // that wait at once before new events wait, too
	giveUpTime = 24 * time.Hour
)

// Backoff is how long to wait after the nth failure.
func Backoff(n int) time.Duration {
	waits := []time.Duration{5 * time.Second, 15 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute}
	return waits[min(max(n, 1), len(waits))-1]
}

// Down says that nothing was taken lately: only now and then one event is tried.
func (p Progress) Down() bool { return p.Failures >= downAfter }

// Due are the streams to try again now.
func (p Progress) Due(now time.Time) []string {
	var due []string
	for _, stream := range sortedKeys(p.Lanes) {
		if lane := p.Lanes[stream]; !lane.Held && !lane.Next.After(now) {
			due = append(due, stream)
		}
	}
	return due
}

// Wake is when there is something to try again after now, zero for never.
func (p Progress) Wake(now time.Time) time.Time {
	var at time.Time
	if !p.SetAsideAt.IsZero() {
		return at
	}
	if p.resting(now) {
		return p.Probe
	}
	for _, lane := range p.Lanes {
		if !lane.Held && (at.IsZero() || lane.Next.Before(at)) {
			at = lane.Next
		}
	}
	return at
}

func (p Progress) resting(now time.Time) bool { return p.Down() && p.Probe.After(now) }

// Takes says whether new events may be begun now.
func (p Progress) Takes(now time.Time) bool {
	return p.SetAsideAt.IsZero() && !p.resting(now) && len(p.Lanes) < maxLanes
}

// Failed says that an event of a stream was not taken.
func (p Progress) Failed(stream string, seq uint64, why string, now time.Time) Progress {
	lane := p.Lanes[stream]
	if lane.Seq != seq {
		lane = Lane{Seq: seq, Since: now}
	}
	lane.Attempts++
	lane.Error, lane.Next = why, now.Add(Backoff(lane.Attempts))
	lane.Held = now.Sub(lane.Since) >= giveUpTime && p.DeliveredAt.After(lane.Since) // else it is not the call's fault
	p.Lanes = with(p.Lanes, stream, lane)
	p.Failures++
	if p.FailingSince.IsZero() {
		p.FailingSince = now
	}
	if p.Down() {
		p.Probe = now.Add(Backoff(p.Failures - downAfter + 1))
	}
	switch {
	case p.Down() && now.Sub(p.FailingSince) >= giveUpTime:
		return p.PutAside("nothing was taken for a day; last: "+why, now)
	case p.held() >= maxLanes:
		return p.PutAside("too many calls have an event that was not taken for a day; last: "+why, now)
	}
	return p
}

func (p Progress) held() (n int) {
	for _, lane := range p.Lanes {
		if lane.Held {
			n++
		}
	}
	return n
}

// Delivered says that an event was taken. A webhook that was down is up again: whatever waits is tried at once.
func (p Progress) Delivered(now time.Time) Progress {
	if p.Down() {
		p.Lanes = maps.Clone(p.Lanes)
		for stream, lane := range p.Lanes {
			if !lane.Held {
				lane.Next = now
				p.Lanes[stream] = lane
			}
		}
	}
	p.Failures, p.FailingSince, p.Probe, p.DeliveredAt = 0, time.Time{}, time.Time{}, now
	return p
}

// Advanced says that a stream that waits may go on at once, with what comes from seq on.
func (p Progress) Advanced(stream string, seq uint64, now time.Time) Progress {
	p.Lanes = with(p.Lanes, stream, Lane{Seq: seq, Since: now, Next: now})
	return p
}

// CaughtUp says that a stream waits no longer.
func (p Progress) CaughtUp(stream string) Progress {
	p.Lanes = maps.Clone(p.Lanes)
	delete(p.Lanes, stream)
	return p
}

// PutAside sends nothing more until somebody resumes it.
func (p Progress) PutAside(why string, now time.Time) Progress {
	p.SetAsideAt, p.SetAside = now, why
	return p
}

// Resume tries everything again that waits, from where it stopped.
func (p Progress) Resume(now time.Time) Progress {
	p.SetAsideAt, p.SetAside, p.Failures, p.FailingSince, p.Probe = time.Time{}, "", 0, time.Time{}, time.Time{}
	p.Lanes = maps.Clone(p.Lanes)
	for stream, lane := range p.Lanes {
		p.Lanes[stream] = Lane{Seq: lane.Seq, Since: now, Next: now, Error: lane.Error}
	}
	return p
}

// Redeliver goes back to (or on to) the events after seq, and forgets what waits.
func (p Progress) Redeliver(after uint64, now time.Time) Progress {
	p = p.Resume(now)
	p.Cursor, p.Lanes = after, nil
	return p
}
