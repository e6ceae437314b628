package signaling

import (
	"context"
	"errors"
	"time"

	"showroom/call"
)

// empty says that nothing is left to do for this conference.
func (c *conference) empty() bool {
	if len(c.sessions) > 0 || c.room != nil || (c.known && c.stale.Load()) {
		return false
	}
	return !c.known || c.state.Conference.Over() || c.emptyFor(c.config.EmptyTimeout) && c.state.Conference.OngoingSince.IsZero()
}

func (c *conference) emptyFor(d time.Duration) bool {
	return !c.emptySince.IsZero() && !c.hub.now().Before(c.emptySince.Add(d))
}

// closeIfEmpty finishes a call that everybody has left.
func (c *conference) closeIfEmpty() {
	if len(c.sessions) > 0 || c.state.Conference.Over() {
		c.emptySince = time.Time{}
		return
	}
	if c.emptySince.IsZero() {
		c.emptySince = c.hub.now()
	}
	if !c.due(c.emptySince.Add(c.config.EmptyTimeout)) || c.state.Conference.OngoingSince.IsZero() {
		return
	}
	if !c.closeAt.IsZero() && !c.due(c.closeAt) {
		return
	}
	if err := c.apply(call.CloseEmpty); err != nil {
		c.closeAt = c.hub.now().Add(retryAfter)
		c.at(c.closeAt)
	}
}

// finish says goodbye to everybody and forgets them.
func (c *conference) finish(reason string) {
	for _, s := range c.sessions {
		switch reason {
		case reasonMinutes:
			s.say(minutesMessage{event("minutes"), minutesView{0, call.LevelOut, call.LimitMonth}})
		case reasonLimit:
			s.say(minutesMessage{event("minutes"), minutesView{0, call.LevelOut, call.LimitConference}})
		}
		c.dismiss(s, reason, nil)
	}
	clear(c.told)
	clear(c.reasons)
}

// shutDown ends the conference's life in this process, not the conference.
func (c *conference) shutDown() {
	if !c.known || !c.state.Conference.Over() { // the log may have taken somebody in and not said so
		ctx, cancel := context.WithTimeout(context.Background(), c.config.DeskTimeout)
		defer cancel()
		if _, _, err := c.config.Desk.Apply(ctx, c.id, call.Recover); err != nil && !errors.Is(err, call.ErrNotFound) {
			c.log.Error("the log does not know that everybody has left; it will at the next start", "err", err)
		}
	}
	c.finish(reasonServerStop)
	c.closeRoom()
	c.population.Store(0)
}
