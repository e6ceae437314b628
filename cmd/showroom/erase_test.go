package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
	"showroom/store"
	"showroom/store/kv"
	"showroom/store/object"
)

// eraser is one of a new process.
func (s *shelf) eraser(o objects) *eraser {
	return newEraser(s.store, o, filepath.Join(s.dir, "compose"), nil, slog.New(slog.NewTextHandler(s.Output(), nil)))
}

// named makes a buyer with a name to look for, a recorded call and a plan.
func (s *shelf) named() (buyer, recorded, planned string) {
	s.Helper()
	b, err := s.store.RegisterBuyer(s.Context(), "key_crm", call.Contact{Name: "Zuleika Quintanilha", Email: "zuleika@example.com"})
	if err != nil {
		s.Fatal(err)
	}
	was := s.buyer
	s.buyer = b.ID
	recorded, _ = s.call(1, []byte("zuleika speaks"))
	s.buyer = was
	c, err := s.store.Schedule(s.Context(), s.seller.ID, b.ID, call.Schedule("conf_planned", "key_crm", call.Plan{Subject: "Zuleika's car", StartsAt: time.Now().Add(24 * time.Hour), Length: time.Hour, Recording: call.RecordingOn, AllowOverlap: true}))
	if err != nil {
		s.Fatal(err)
	}
	return b.ID, recorded, c.Conference.ID
}

// TestEraseCrashes ends the process at each use of the object store. The next one finishes the erasure: no file of the data folder has a byte of the
// name, and the proof is in the log once.
func TestEraseCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for crash, done := 0, false; !done; crash++ {
			disk := diskStore(t)
			s := newShelf(t, disk)
			buyer, recorded, planned := s.named()
			scratch := filepath.Join(s.dir, "compose", recorded)
			if err := errors.Join(os.MkdirAll(scratch, 0o700), os.WriteFile(filepath.Join(scratch, "name.txt"), []byte("Zuleika"), 0o600)); err != nil {
				t.Fatal(err)
			}
			s.keep(s.idle)
			if _, err := s.store.OrderErasure(t.Context(), buyer, "key_crm", "192.0.2.1"); err != nil {
				t.Fatal(err)
			}
			if err := s.eraser(disk).erase(t.Context(), buyer); !errors.Is(err, errNotYet) {
				t.Fatalf("before the recording has gone: %v", err)
			}
			s.keep(s.idle)
			s.gone(recorded)
			steps := 0
			err := s.eraser(moody{disk, func(string, string) error {
				if steps++; steps > crash {
					return errCrash
				}
				return nil
			}}).erase(t.Context(), buyer)
			if done = err == nil; !done && !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			next := s.eraser(disk)
			if left, failed := next.all(t.Context()); left || failed {
				t.Error("it is not finished")
			}
			s.erased(buyer, planned)
			if names := s.naming("Zuleika", "zuleika"); len(names) > 0 {
				t.Errorf("after a crash at step %d the name is in %v", crash, names)
			}
			if keys, err := disk.List(t.Context(), "erasures"); err != nil || len(keys) != 1 {
				t.Errorf("proofs: %v, %v", keys, err)
			}
		}
	})
}

// erased insists on the proof in the log, once, and on the plan's end.
func (s *shelf) erased(buyer, planned string) {
	s.Helper()
	events, err := s.store.StreamEvents(s.Context(), buyer, 0, 1000)
	if err != nil {
		s.Fatal(err)
	}
	proofs := 0
	for _, e := range events {
		if b, ok := e.Body.(call.BuyerErased); ok {
			proofs++
			if b.Conferences != 2 || b.Recordings != 1 || b.Files != 1 || b.Bytes == 0 {
				s.Errorf("proof: %+v", b)
			}
		}
	}
	if proofs != 1 {
		s.Errorf("%d proofs", proofs)
	}
	if c := s.state(planned); c.State != call.StateCancelled || c.FinishReason != call.ReasonErased {
		s.Errorf("the plan is %s: %s", c.State, c.FinishReason)
	}
}

// naming are the files of the data folder that have one of the words.
func (s *shelf) naming(words ...string) (names []string) {
	s.Helper()
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, word := range words {
			if bytes.Contains(text, []byte(word)) {
				names = append(names, path)
			}
		}
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return names
}

// TestErasedAfterARestore: a backup of the database from before the erasure is restored, and what was erased is erased again.
func TestErasedAfterARestore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := diskStore(t)
		s := newShelf(t, disk)
		buyer, _, planned := s.named()
		s.keep(s.idle)
		backup, err := os.ReadFile(filepath.Join(s.dir, "showroom.db"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.store.OrderErasure(t.Context(), buyer, "key_crm", ""); err != nil {
			t.Fatal(err)
		}
		s.keep(s.idle)
		if left, failed := s.eraser(disk).all(t.Context()); left || failed {
			t.Fatal("it is not finished")
		}

		s.reopen(backup)
		if b, err := s.store.Buyer(t.Context(), buyer); err != nil || b.Name == "" {
			t.Fatalf("the backup has %+v, %v", b, err)
		}
		again := s.eraser(disk)
		if err := again.restore(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.keep(s.idle)
		if left, failed := again.all(t.Context()); left || failed {
			t.Fatal("it is not finished again")
		}
		s.erased(buyer, planned)
		if names := s.naming("Zuleika"); len(names) > 0 {
			t.Errorf("the name is in %v", names)
		}
	})
}

// reopen replaces the database by a backup.
func (s *shelf) reopen(backup []byte) {
	s.Helper()
	path := filepath.Join(s.dir, "showroom.db")
	if err := os.Remove(path); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, backup, 0o600); err != nil {
		s.Fatal(err)
	}
	db, err := kv.OpenBolt(path)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { db.Close() })
	if s.store, err = store.New(db, time.Now); err != nil {
		s.Fatal(err)
	}
	s.restart()
}

// TestEraserRuns: what is ordered while it runs is carried out, when the recording has gone; what fails is told and tried again.
func TestEraserRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := diskStore(t)
		s := newShelf(t, disk)
		buyer, _, planned := s.named()
		s.keep(s.idle)
		var away atomic.Bool
		away.Store(true)
		e := s.eraser(moody{disk, func(string, string) error {
			if away.Load() {
				return object.ErrUnavailable
			}
			return nil
		}})
		ctx, stop := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() { defer close(over); e.run(ctx) }()
		if _, err := s.store.OrderErasure(t.Context(), buyer, "key_crm", ""); err != nil {
			t.Fatal(err)
		}
		s.keep(s.idle)
		e.notice(call.Event{Body: call.RecordingDeleted{}})
		for e.Trouble(buyer) == nil {
			time.Sleep(time.Second)
		}
		if !errors.Is(e.Trouble(buyer), object.ErrUnavailable) {
			t.Error(e.Trouble(buyer))
		}
		synctest.Wait()
		away.Store(false)
		for left := []string{""}; len(left) > 0; {
			time.Sleep(time.Second)
			var err error
			if left, err = s.store.Erasures(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		stop()
		<-over
		if err := e.Trouble(buyer); err != nil {
			t.Error(err)
		}
		s.erased(buyer, planned)
	})
}
