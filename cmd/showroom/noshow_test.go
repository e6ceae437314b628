package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
	"showroom/store"
	"showroom/store/kv"
)

// TestNoShow: what nobody came to is closed at its time, what came due while no process ran at the next start, and each once.
func TestNoShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := kv.OpenBolt(filepath.Join(t.TempDir(), "showroom.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		s, err := store.New(db, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		schedule := func(after time.Duration) string { return scheduleIn(t, s, after) }
		missed := func(id string) (at time.Time, times int) {
			events, err := s.StreamEvents(ctx, id, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if _, ok := e.Body.(call.NoShow); ok {
					at, times = e.At, times+1
				}
			}
			return at, times
		}
		run := func() (stop func(), m *misses) {
			m = newMisses(s, 15*time.Minute, slog.New(slog.DiscardHandler), time.Now)
			running, cancel := context.WithCancel(ctx)
			done := make(chan struct{})
			go func() { defer close(done); m.run(running) }()
			return func() { cancel(); <-done }, m
		}
		began := time.Now()
		first, second := schedule(time.Hour), schedule(3*time.Hour)
		stop, _ := run()
		time.Sleep(2*time.Hour + 14*time.Minute)
		if _, times := missed(first); times != 0 {
			t.Error("closed before its time")
		}
		time.Sleep(2 * time.Minute)
		if at, times := missed(first); times != 1 || at.Sub(began) > 2*time.Hour+15*time.Minute+time.Second {
			t.Errorf("closed %d times, after %s", times, at.Sub(began))
		}
		stop()
		time.Sleep(24 * time.Hour) // nothing runs
		if _, times := missed(second); times != 0 {
			t.Error("closed by nobody")
		}
		stop, m := run()
		defer func() { stop() }()
		synctest.Wait()
		if _, times := missed(second); times != 1 {
			t.Errorf("what came due while nothing ran was closed %d times", times)
		}
		third := schedule(time.Minute)
		m.notice(call.Event{Body: call.Scheduled{}})
		time.Sleep(77 * time.Minute)
		if _, times := missed(third); times != 1 {
			t.Errorf("what was planned meanwhile was closed %d times", times)
		}
		if _, times := missed(first); times != 1 {
			t.Errorf("closed %d times in the end", times)
		}
	})
}

// scheduleIn plans an hour of a seller and a buyer of its own.
func scheduleIn(t *testing.T, s *store.Store, after time.Duration) string {
	t.Helper()
	ctx := t.Context()
	seller, err := s.RegisterSeller(ctx, "key_1", call.Profile{Name: "Ana", TimeZone: "UTC", Language: "en", MonthlyMinutes: 60})
	if err != nil {
		t.Fatal(err)
	}
	buyer, err := s.RegisterBuyer(ctx, "key_1", call.Contact{Name: "Bruno"})
	if err != nil {
		t.Fatal(err)
	}
	id := store.NewID("conf_")
	plan := call.Plan{Subject: "Uno", StartsAt: seller.CreatedAt.Add(after), Length: time.Hour, Recording: call.RecordingOff}
	if _, err := s.Schedule(ctx, seller.ID, buyer.ID, call.Schedule(id, "key_1", plan)); err != nil {
		t.Fatal(err)
	}
	return id
}
