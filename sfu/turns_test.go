package sfu

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// crowdAtTheDoor has so many ask for a turn one after the other in the same moment, and steps the watcher until all have an answer: when
// each of them got in, and how many were refused.
func crowdAtTheDoor(t *testing.T, n int, slow func(since time.Duration) bool) (in []time.Duration, refused int) {
	turns, begin := newTurns(), time.Now()
	in = make([]time.Duration, n)
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			err := turns.wait(t.Context())
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, ErrOverloaded) {
				refused++
				return
			}
			in[i] = time.Since(begin)
		})
		synctest.Wait()
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	for {
		select {
		case <-done:
			return slices.DeleteFunc(in, func(d time.Duration) bool { return d == 0 }), refused
		case now := <-time.After(watchInterval):
			turns.step(now, slow(now.Sub(begin)))
			turns.step(now, false) // another engine's
			synctest.Wait()
		}
	}
}

// TestTurns lets a crowd in quickly while media passes, slowly while it does not, always in the order they came, and tells who
// waits too long.
func TestTurns(t *testing.T) {
	for name, c := range map[string]struct {
		slow        func(time.Duration) bool
		least, most time.Duration
		refused     int
	}{
		"calm":            {func(time.Duration) bool { return false }, 2 * time.Second, 4 * time.Second, 0},
		"slow at first":   {func(d time.Duration) bool { return d < time.Second }, 3 * time.Second, 5 * time.Second, 0},
		"slow all along":  {func(time.Duration) bool { return true }, 7 * time.Second, longestTurn, 420},
		"slow by a third": {func(d time.Duration) bool { return d/watchInterval%3 == 0 }, 7 * time.Second, longestTurn, 300},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, refused := crowdAtTheDoor(t, 500, c.slow)
				if !slices.IsSorted(in) {
					t.Errorf("they got in out of their order: %v", in)
				}
				took := in[len(in)-1]
				if len(in)+refused+firstTurns != 500 || refused > c.refused || took < c.least || took > c.most {
					t.Errorf("%d got in within %v and %d were refused; want %v to %v, at most %d", len(in), took, refused, c.least, c.most, c.refused)
				}
			})
		})
	}
}

// TestTurnGivenUp takes nobody's turn.
func TestTurnGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns()
		for range firstTurns {
			if err := turns.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() { gone <- turns.wait(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
		next := make(chan error, 1)
		go func() { next <- turns.wait(t.Context()) }()
		synctest.Wait()
		turns.step(time.Now(), false)
		if err := <-next; err != nil || turns.count() != 0 {
			t.Errorf("the next one: %v, %d wait", err, turns.count())
		}
	})
}
