package sfu

import (
	"sync"
	"time"
)

const (
	keyframeInterval = 500 * time.Millisecond // one request in this time …
	keyframeBurst    = 2                      // … but two at once, so that a joiner need not wait
)

// governor is the one place that asks a publisher for keyframes. Requests of slots, sinks
// and subscribers meet here; at most two at once and one in 500 ms go on, and the last one
// is never lost. A request while another is unanswered waits for that answer: a keyframe
// that comes serves all who asked before it.
type governor struct {
	send func() // writes a PLI; called without the lock

	mu          sync.Mutex
	tokens      float64
	refilled    time.Time
	sent        time.Time // the last request
	outstanding bool      // no keyframe has come since
	pending     bool      // somebody asked and nothing was sent for it
	timer       *time.Timer
	stopped     bool
	count       uint64
}

func newGovernor(send func()) *governor {
	return &governor{send: send, tokens: keyframeBurst, refilled: time.Now()}
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
		g.timer = time.AfterFunc(wait, g.expired)
		g.mu.Unlock()
		return
	}
	g.take(now)
	g.mu.Unlock()
	g.send()
}

// wait is how long a request has to be held back. The caller holds the lock.
func (g *governor) wait(now time.Time) time.Duration {
	if g.outstanding {
		if since := now.Sub(g.sent); since < keyframeInterval {
			return keyframeInterval - since
		}
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
}

func (g *governor) expired() {
	g.mu.Lock()
	if g.stopped || !g.pending {
		g.mu.Unlock()
		return
	}
	g.pending = false
	g.mu.Unlock()
	g.request()
}

// arrived tells that a keyframe began: it answers everything asked until now.
func (g *governor) arrived() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.outstanding, g.pending = false, false
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
