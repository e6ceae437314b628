package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"showroom/call"
	"showroom/signaling"
	"showroom/signaling/rest"
)

// sandbox is what a server with --sandbox has besides: a clock that can be set forward, buyers who are no persons, and the messages that nobody got.
type sandbox struct {
	*app
	captured captures

	clockMu  sync.Mutex // one sets the clock at a time
	visitors visitors
}

// What the store says of itself, as cursors that are no places in the log.
const (
	modeName  = "mode"          // how its data came to be
	clockName = "sandbox_clock" // how far the sandbox's clock is ahead, ns
)

const (
	modeUnknown = iota // an older version's, or a new store
	modeReal
	modeSandbox
)

// enterMode refuses data of the other kind: what happened at times that were made up does not mix with what did happen.
func (a *app) enterMode(ctx context.Context) error {
	mode, err := a.store.Cursor(ctx, modeName)
	if err != nil {
		return err
	}
	head, err := a.store.Head(ctx)
	if err != nil {
		return err
	}
	switch {
	case mode == modeSandbox && !a.cfg.Sandbox:
		return fmt.Errorf("%s is the data of a sandbox: start it with --sandbox, or name another folder with --data", a.cfg.Data)
	case a.cfg.Sandbox && (mode == modeReal || mode == modeUnknown && head > 0):
		return fmt.Errorf("%s was used without --sandbox: name another folder with --data", a.cfg.Data)
	case mode != modeUnknown:
	case a.cfg.Sandbox:
		err = a.store.SetCursor(ctx, modeName, modeSandbox)
	default:
		err = a.store.SetCursor(ctx, modeName, modeReal)
	}
	if err != nil || !a.cfg.Sandbox {
		return err
	}
	ahead, err := a.store.Cursor(ctx, clockName)
	a.ahead.Store(int64(ahead))
	return err
}

// clock is the time by which calls, links, messages and months are judged: that of the machine, and in a sandbox as much later as it was set forward.
func (a *app) clock() time.Time { return time.Now().Add(time.Duration(a.ahead.Load())) }

const (
	settleLook    = 5 * time.Millisecond
	settleTimeout = 10 * time.Second
	maxSteps      = 2000 // of one advance
	behindDue     = time.Millisecond
)

// Advance implements [rest.Sandbox].
func (s *sandbox) Advance(ctx context.Context, to time.Time) error {
	s.clockMu.Lock()
	defer s.clockMu.Unlock()
	for range maxSteps {
		if s.media.Stats().Rooms > 0 {
			return rest.ErrCallRuns
		}
		next, err := s.nextDue(ctx, to)
		if err != nil {
			return err
		}
		if err := s.setClock(ctx, next); err != nil {
			return err
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
		if !next.Before(to) {
			s.log.Info("sandbox: clock set forward", "now", s.clock().UTC().Format(time.RFC3339))
			return nil
		}
	}
	return call.Invalid("advance_seconds", fmt.Sprintf("more than %d things are due until then; the clock is at %s", maxSteps, s.clock().UTC().Format(time.RFC3339)))
}

// nextDue is the next time at which something is due by itself, to at the latest.
func (s *sandbox) nextDue(ctx context.Context, to time.Time) (time.Time, error) {
	now, next := s.clock(), to
	timers, err := s.store.Timers(ctx, call.Timer{}, 1)
	if err != nil {
		return next, err
	}
	_, ends, err := s.store.Awaited(ctx, now.Add(-s.cfg.NoShowAfter), 1)
	if err != nil {
		return next, err
	}
	var due []time.Time
	for _, t := range timers {
		due = append(due, t.At)
	}
	if !ends.IsZero() {
		due = append(due, ends.Add(s.cfg.NoShowAfter))
	}
	for _, at := range due {
		if at = at.Add(behindDue); at.After(now) && at.Before(next) {
			next = at
		}
	}
	return next, nil
}

// setClock sets it, durably, and wakes all who wait for a time.
func (s *sandbox) setClock(ctx context.Context, to time.Time) error {
	ahead := s.ahead.Load() + int64(max(to.Sub(s.clock()), 0))
	if err := s.store.SetCursor(ctx, clockName, uint64(ahead)); err != nil {
		return err
	}
	s.ahead.Store(ahead)
	s.store.Wake()
	s.misses.wake()
	s.hub.Wake()
	s.keeper.wakeRounds()
	return nil
}

var errUnsettled = errors.New("what was due did not happen in time; the log of the server may say why")

// settle waits until what was due has happened: timers, conferences that nobody came to, and messages that were queued.
func (s *sandbox) settle(ctx context.Context) error {
	look := time.NewTicker(settleLook)
	defer look.Stop()
	end := time.After(settleTimeout)
	for {
		done, err := s.settled(ctx)
		if err != nil || done {
			return err
		}
		select {
		case <-look.C:
		case <-end:
			return errUnsettled
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *sandbox) settled(ctx context.Context) (bool, error) {
	now := s.clock()
	timers, err := s.store.Timers(ctx, call.Timer{}, 1)
	if err != nil || len(timers) > 0 && !timers[0].At.After(now) {
		return false, err
	}
	missed, _, err := s.store.Awaited(ctx, now.Add(-s.cfg.NoShowAfter), 1)
	if err != nil || len(missed) > 0 {
		return false, err
	}
	read, err := s.outbox.CaughtUp(ctx) // every event so far was looked at for what to tell
	if err != nil || !read {
		return false, err
	}
	open, err := s.store.OpenMessages(ctx)
	return len(open) == 0, err
}

// Captured implements [rest.Sandbox].
func (s *sandbox) Captured(after uint64, limit int) []rest.Captured {
	return s.captured.list(after, limit)
}

// creditRoom is a room whose credit ends by the machine's clock.
type creditRoom struct {
	signaling.Room
	ahead *atomic.Int64 // ns
}

func (r creditRoom) ForwardUntil(t time.Time) {
	if !t.IsZero() {
		t = t.Add(-time.Duration(r.ahead.Load()))
	}
	r.Room.ForwardUntil(t)
}

const sandboxHeader = "Showroom-Sandbox"

// marked says in each answer that this is a sandbox, and what time it is there.
func (s *sandbox) marked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(sandboxHeader, s.clock().UTC().Format(time.RFC3339))
		next.ServeHTTP(w, r)
	})
}
