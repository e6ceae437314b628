package call_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
)

// memory is a log in memory.
type memory struct {
	mu       sync.Mutex
	events   []call.Event
	cursors  map[string]uint64
	appended chan struct{}
}

func newMemory() *memory {
	return &memory{cursors: map[string]uint64{}, appended: make(chan struct{})}
}

func (m *memory) append(bodies ...call.Body) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range bodies {
		m.events = append(m.events, call.Event{Seq: uint64(len(m.events) + 1), Stream: "conf_a", Body: b})
	}
	close(m.appended)
	m.appended = make(chan struct{})
}

func (m *memory) Events(_ context.Context, after uint64, limit int) ([]call.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.events[min(int(after), len(m.events)):]
	return rest[:min(limit, len(rest))], nil
}

func (m *memory) Appended() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.appended
}

func (m *memory) Cursor(_ context.Context, name string) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cursors[name], nil
}

func (m *memory) SetCursor(_ context.Context, name string, seq uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cursors[name] = seq
	return nil
}

// TestFollower sees every event in order, tries a failing one again without passing it by, and goes on from its cursor after a restart.
func TestFollower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newMemory()
		log.append(call.New{}, call.Standby{})
		var seen []uint64
		failures := 3
		f := &call.Follower{Name: "upload", Source: log, Log: slog.New(slog.DiscardHandler), Handle: func(_ context.Context, e call.Event) error {
			if e.Seq == 3 && failures > 0 {
				failures--
				return errors.New("the store is down")
			}
			seen = append(seen, e.Seq)
			return nil
		}}
		run := func(during func()) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- f.Run(ctx) }()
			synctest.Wait()
			during()
			synctest.Wait()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Run: %v, want canceled", err)
			}
		}
		run(func() {
			start := time.Now()
			log.append(call.Ongoing{}, call.Finished{})
			time.Sleep(10 * time.Second) // in the bubble: 1 + 2 + 4 s of waiting pass at once
			synctest.Wait()
			if len(seen) != 4 {
				t.Errorf("%s after the append %d events are handled, want 4", time.Since(start), len(seen))
			}
		})
		run(func() { log.append(call.New{}) })
		for i, seq := range seen {
			if seq != uint64(i+1) {
				t.Fatalf("handled %v, want 1 to 5 in order, once each", seen)
			}
		}
		if len(seen) != 5 {
			t.Fatalf("handled %v, want 1 to 5", seen)
		}
	})
}
