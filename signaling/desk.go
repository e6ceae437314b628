package signaling

import (
	"context"
	"errors"
	"time"

	"showroom/call"
)

// apply is the only way in which this conference changes anything. When it fails otherwise than by the rule's refusal, nobody knows
// whether the log has it: the log is read again.
func (c *conference) apply(rule call.Rule) error {
	ctx, cancel := context.WithTimeout(c.hub.stop, c.config.DeskTimeout)
	defer cancel()
	state, _, err := c.config.Desk.Apply(ctx, c.id, rule)
	if err != nil {
		if p := explain(err, ""); p.code == codeUnavailable {
			c.log.Error("the log cannot be written", "err", err)
			c.stale.Store(true)
			c.refreshAt = c.hub.now().Add(retryAfter)
		}
		return err
	}
	c.adopt(state)
	return nil
}

// refresh reads the log again if somebody else wrote to it.
func (c *conference) refresh() {
	if !c.known || !c.stale.Load() {
		return
	}
	if !c.refreshAt.IsZero() && !c.due(c.refreshAt) {
		return
	}
	c.refreshAt = time.Time{}
	c.stale.Store(false) // before reading: what comes meanwhile is read again
	ctx, cancel := context.WithTimeout(c.hub.stop, c.config.DeskTimeout)
	defer cancel()
	state, err := c.config.Desk.Case(ctx, c.id)
	switch {
	case errors.Is(err, call.ErrNotFound):
		c.known = false
	case err != nil:
		c.log.Error("the log cannot be read", "err", err)
		c.stale.Store(true)
		c.refreshAt = c.hub.now().Add(retryAfter)
		c.at(c.refreshAt)
	default:
		c.adopt(state)
	}
}

func (c *conference) adopt(state call.Case) {
	c.state, c.known = state, true
	c.seen.Store(max(state.Conference.Version, state.Seller.Version))
	c.seller.Store(&state.Conference.Seller)
	c.plan()
}
