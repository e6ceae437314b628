package sfu

import (
	"sync"
	"time"
)

const (
	keyframeInterval = 500 * time.Millisecond // one request in this time …
	keyframeBurst    = 2                      // … but two in a row, so that a joiner need not wait long
	keyframeSpacing  = 310 * time.Millisecond // libwebrtc ignores a request within 300 ms of the one before
	longestRepeat    = 4 * time.Second
)

// governor is the one place that asks a publisher for keyframes. Requests of slots, sinks
// and subscribers meet here; at most two in a row and one in 500 ms go on. A request while
// another is unanswered waits for that answer: a keyframe that comes serves all who asked
// before it. While none comes the request is repeated, after 500 ms and then ever later:
// a slot that waits sends its subscriber nothing, so nobody else would ask again.
type governor struct {
	send func() // writes a PLI; called without the lock

	mu          sync.Mutex
	tokens      float64
	refilled    time.Time
	sent        time.Time     // the last request
	repeat      time.Duration // after which it is sent again
	outstanding bool          // no keyframe has come since
	pending     bool          // somebody asked and nothing was sent for it
	timer       *time.Timer   // until a pending request may be sent, or the last one is repeated
	stopped     bool
	count       uint64
}

func newGovernor(send func()) *governor {
	return &governor{send: send, tokens: keyframeBurst, refilled: time.Now(), repeat: keyframeInterval}
}

// request asks for a keyframe, now or as soon as the limit allows.
func (g *governor) request() {
	g.mu.Lock()
	if g.stopped || g.pending {
		g.mu.Unlock()
		return
	}
	now := time.Now()
	wait := g.wait(now)
	if wait > 0 {
		g.pending = true
		g.after(wait)
		g.mu.Unlock()
		return
	}
	g.take(now)
	g.mu.Unlock()
	g.send()
}

// wait is how long a request has to be held back. The caller holds the lock.
func (g *governor) wait(now time.Time) time.Duration {
	least := keyframeSpacing
	if g.outstanding {
		least = keyframeInterval
	}
	if since := now.Sub(g.sent); since < least {
		return least - since
	}
	g.tokens = min(keyframeBurst, g.tokens+float64(now.Sub(g.refilled))/float64(keyframeInterval))
	g.refilled = now
	if g.tokens >= 1 {
		return 0
	}
	return time.Duration((1 - g.tokens) * float64(keyframeInterval))
}

func (g *governor) take(now time.Time) {
	g.tokens--
	g.sent, g.outstanding, g.pending = now, true, false
	g.count++
	g.after(g.repeat)
}

// after looks again later, and only then. The caller holds the lock.
func (g *governor) after(wait time.Duration) {
	if g.timer != nil {
		g.timer.Stop()
	}
	g.timer = time.AfterFunc(wait, g.expired)
}

func (g *governor) expired() {
	g.mu.Lock()
	if g.stopped || !g.pending && !g.outstanding {
		g.mu.Unlock()
		return
	}
	if !g.pending {
		g.repeat = min(2*g.repeat, longestRepeat)
	}
	g.pending = false
	g.mu.Unlock()
	g.request()
}

// arrived tells that a keyframe began: it answers everything asked until now.
func (g *governor) arrived() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.outstanding, g.pending, g.repeat = false, false, keyframeInterval
	if g.timer != nil {
		g.timer.Stop()
		g.timer = nil
	}
}

func (g *governor) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	if g.timer != nil {
		g.timer.Stop()
	}
}
