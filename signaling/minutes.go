package signaling

import (
	"time"

	"showroom/call"
)

// minutes is the running call's credit as it was acted upon and told.
type minutes struct {
	tickAt    time.Time // when to apply call.Tick; zero: nothing runs
	credited  time.Time // what the room was told
	creditSet bool
	toldValue minutesView
	toldAt    time.Time
	toldRuns  bool
}

const tickPause = 20 * time.Millisecond // between two ticks: a clock that reads a little early must not spin

// plan takes the next tick's time from a new state. An earlier one that is still to come is kept: the meter counts from now, and so would
// put off a renewal that is due.
func (c *conference) plan() {
	m := c.state.Meter(c.hub.now())
	switch {
	case !m.Running:
		c.tickAt = time.Time{}
	case c.tickAt.IsZero() || m.Next.Before(c.tickAt):
		c.tickAt = m.Next
	}
}

// tick renews the reservation when it is time.
func (c *conference) tick() {
	if c.state.Conference.Over() || !c.due(c.tickAt) {
		return
	}
	c.tickAt = time.Time{} // for plan
	if err := c.apply(call.Tick); err != nil {
		c.tickAt = c.hub.now().Add(retryAfter) // the room stops by itself when its credit ends
		c.at(c.tickAt)
		return
	}
	if !c.tickAt.IsZero() {
		if earliest := c.hub.now().Add(tickPause); c.tickAt.Before(earliest) {
			c.tickAt = earliest
		}
		c.at(c.tickAt)
	}
}

// credit tells the room how long it may forward: as far as seconds are reserved in the log and no further.
func (c *conference) credit() {
	if c.room == nil {
		c.creditSet = false
		return
	}
	m := c.state.Meter(c.hub.now())
	until := time.Time{}
	if m.Running {
		if until = m.Until; until.IsZero() {
			until = c.state.Conference.ConnectedSince // nothing is reserved: not a packet
		}
	}
	if !c.creditSet || !until.Equal(c.credited) {
		c.room.ForwardUntil(until)
		c.credited, c.creditSet = until, true
	}
}

func (c *conference) minutesNow() minutesView {
	m := c.state.Meter(c.hub.now())
	return minutesView{Remaining: m.Remaining, Level: m.Level, Limit: m.Limit}
}

// tellMinutes keeps the seller side's figure true: at every change, and now and then while it runs. The buyer hears of the end only.
func (c *conference) tellMinutes() {
	now, value, runs := c.hub.now(), c.minutesNow(), !c.state.Conference.ConnectedSince.IsZero()
	expected := c.toldValue.Remaining
	if c.toldRuns {
		expected -= int(now.Sub(c.toldAt) / time.Second)
	}
	off := value.Remaining - expected
	same := !c.toldAt.IsZero() && value.Level == c.toldValue.Level && value.Limit == c.toldValue.Limit && runs == c.toldRuns && -2 <= off && off <= 2
	if same && !(runs && c.due(c.toldAt.Add(c.config.MinutesInterval))) {
		return
	}
	urgent := value.Level != c.toldValue.Level && (value.Level == call.LevelLast || value.Level == call.LevelOut)
	c.tell(minutesMessage{event("minutes"), value}, func(s *session) bool { return sellerSide(s.role) || urgent })
	c.toldValue, c.toldAt, c.toldRuns = value, now, runs
	if runs {
		c.at(now.Add(c.config.MinutesInterval))
	}
}
