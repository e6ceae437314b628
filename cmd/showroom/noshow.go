package main

import (
	"context"
	"log/slog"
	"time"

	"showroom/call"
	"showroom/store"
)

// misses finishes the conferences to which somebody did not come, some time after their planned end. The log says which these are, so
// what came due while no process ran is found at the next start, and what was done is not done again.
type misses struct {
	store *store.Store
	after time.Duration
	log   *slog.Logger
	now   func() time.Time

	bell chan struct{} // something may have become due, or will at another time
}

func newMisses(s *store.Store, after time.Duration, log *slog.Logger, now func() time.Time) *misses {
	return &misses{store: s, after: after, log: log, now: now, bell: make(chan struct{}, 1)}
}

// notice takes an event that may have changed when the next one is due. It does not wait.
func (m *misses) notice(e call.Event) {
	switch e.Body.(type) {
	case call.Scheduled, call.Rescheduled, call.Left, call.KnockWithdrawn, call.Denied:
		m.wake()
	}
}

// wake has a look taken, as the clock was set.
func (m *misses) wake() {
	select {
	case m.bell <- struct{}{}:
	default:
	}
}

const longestMiss = time.Hour // between two looks, whatever the clock does meanwhile

// run does so until ctx ends.
func (m *misses) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for tries := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-m.bell:
		case <-timer.C:
		}
		next, err := m.round(ctx)
		wait := longestMiss
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = retryAfter(tries)
			tries++
			m.log.Error("conferences to which nobody came cannot be closed", "wait", wait.Round(time.Millisecond), "err", err)
		default:
			tries = 0
			if !next.IsZero() {
				wait = min(longestMiss, max(time.Second, next.Add(m.after).Sub(m.now())))
			}
		}
		timer.Reset(wait)
	}
}

// round finishes those that are due, and returns the planned end of the one that will be next.
func (m *misses) round(ctx context.Context) (next time.Time, err error) {
	for {
		ids, next, err := m.store.Awaited(ctx, m.now().Add(-m.after), 100)
		if err != nil {
			return next, err
		}
		for _, id := range ids {
			c, events, err := m.store.Apply(ctx, id, call.MissBy(m.after))
			if err != nil {
				return next, err
			}
			if len(events) > 0 {
				m.log.Info("conference did not take place", "call", id, "reason", c.Conference.FinishReason)
			}
		}
		if !next.IsZero() || len(ids) == 0 {
			return next, nil
		}
	}
}
