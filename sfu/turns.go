package sfu

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	firstTurns  = 2               // each watchInterval …
	mostTurns   = 50              // … at most …
	leastTurns  = 1               // … and at least
	longestTurn = 8 * time.Second // is waited for: pages give up after ten
	mostWaiting = 2000
	slowBatch   = 20 * time.Millisecond // says that other goroutines kept the media from its core
)

// turns lets people join a few at a time when many come at once. Joins are worked on by goroutines that Go's scheduler treats like the
// media's: with hundreds of them, media waits. So there are more and more turns while packets pass quickly, and half as many whenever
// they do not.
type turns struct {
	mu       sync.Mutex
	rate     float64 // each watchInterval
	left     float64
	waiting  []chan struct{} // who came first is first
	demanded bool            // somebody had to wait
	slow     bool
	last     time.Time
}

func newTurns() *turns { return &turns{rate: firstTurns, left: firstTurns} }

// Turn waits until the server has time for one more to join, and is [ErrOverloaded] if that takes too long. Media that flows goes first.
func (s *Server) Turn(ctx context.Context) error { return s.turns.wait(ctx) }

func (t *turns) wait(ctx context.Context) error {
	mine := t.queue()
	if mine == nil {
		return ErrOverloaded
	}
	timer := time.NewTimer(longestTurn)
	defer timer.Stop()
	var err error
	select {
	case <-mine:
		return nil
	case <-timer.C:
		err = ErrOverloaded
	case <-ctx.Done():
		err = ctx.Err()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := slices.Index(t.waiting, mine); i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
		return err
	}
	return nil // it came in this moment
}

// queue is a channel that is closed when the turn has come, or nil if too many wait.
func (t *turns) queue() chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) >= mostWaiting {
		return nil
	}
	mine := make(chan struct{})
	t.waiting = append(t.waiting, mine)
	t.serve()
	t.demanded = t.demanded || len(t.waiting) > 0
	return mine
}

// serve calls those whose turn it is. The lock is held.
func (t *turns) serve() {
	for len(t.waiting) > 0 && t.left >= 1 {
		t.left--
		close(t.waiting[0])
		t.waiting = t.waiting[1:]
	}
}

// step is called by the watcher of each engine, with what it saw of its own.
func (t *turns) step(now time.Time, slow bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slow = t.slow || slow
	if now.Sub(t.last) < watchInterval*9/10 { // another engine's watcher was here
		return
	}
	t.last = now
	switch {
	case t.slow:
		t.rate = max(leastTurns, t.rate/2)
	case t.demanded:
		t.rate = min(mostTurns, t.rate+1)
	}
	t.left = min(max(1, t.rate), t.left+t.rate)
	t.slow, t.demanded = false, len(t.waiting) > 0
	t.serve()
}

// count of those who wait.
func (t *turns) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting)
}
