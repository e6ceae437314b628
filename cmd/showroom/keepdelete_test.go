package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
	"showroom/recorder"
	"showroom/store/object"
	"showroom/store/object/objecttest"
)

var errCrash = errors.New("the process ends here")

// TestDeletionCrashes ends the process at each step of a deletion. The next one finishes it: nothing is left, and the proof is there once.
func TestDeletionCrashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for crash, done := 0, false; !done; crash++ {
			disk := diskStore(t)
			s := newShelf(t, disk)
			id, f := s.call(1, []byte("one"))
			s.keep(s.idle)
			objecttest.Put(t, disk, recorder.Key(id, "conference.webm"), []byte("composed, and the log does not know"))
			objecttest.Put(t, disk, "recordings/conf_10/buyer-1.webm", []byte("another's"))
			s.spool(id, f, []byte("left by a crash"))
			s.apply(id, call.OrderDeletion("key_crm", ""))
			steps := 0
			s.objects = moody{disk, func(string, string) error {
				if steps++; steps > crash {
					return errCrash
				}
				return nil
			}}
			k := newKeeper(s.store, s.rec, s.objects, slog.New(slog.DiscardHandler), time.Now)
			k.wake(id, true)
			_, err := k.serve(t.Context(), id)
			if done = err == nil; !done && !errors.Is(err, errCrash) {
				t.Fatal(err)
			}
			s.objects = disk
			s.restart()
			s.keep(s.idle)
			keys, err := disk.List(t.Context(), "recordings")
			if err != nil || len(keys) != 1 {
				t.Errorf("after a crash at step %d the store has %v, %v", crash, keys, err)
			}
			s.gone(id)
			s.proof(id, call.DeletedOnDemand, "key_crm")
		}
	})
}

// proof insists that the log says once that the recording was deleted.
func (s *shelf) proof(id string, reason call.DeletionReason, by string) {
	s.Helper()
	events, err := s.store.StreamEvents(s.Context(), id, 0, 1000)
	if err != nil {
		s.Fatal(err)
	}
	proofs := 0
	for _, e := range events {
		switch b := e.Body.(type) {
		case call.DeletionOrdered:
			if e.Actor != by || b.Reason != reason {
				s.Errorf("ordered by %s: %+v", e.Actor, b)
			}
		case call.RecordingDeleted:
			if proofs++; len(b.Files) != 1 || b.Files[0].Name != "buyer-1.webm" || b.Files[0].SHA256 == "" || b.Reason != reason {
				s.Errorf("proof: %+v", b)
			}
		}
	}
	if proofs != 1 {
		s.Errorf("%d events say that %s was deleted, want 1", proofs, id)
	}
}

// TestDeletionInterruptsUpload: who orders a deletion does not wait for an upload that takes for ever.
func TestDeletionInterruptsUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := diskStore(t)
		stuck := make(chan struct{}, 1)
		s := newShelf(t, slow{disk, stuck})
		id, _ := s.call(1, []byte("one"))
		ordered := false
		s.keep(func(k *keeper) bool {
			select {
			case <-stuck:
				s.apply(id, call.OrderDeletion("key_crm", ""))
				ordered = true
			default:
			}
			return ordered && s.idle(k)
		})
		s.gone(id)
		s.proof(id, call.DeletedOnDemand, "key_crm")
	})
}

// slow is an object store that never finishes taking a file.
type slow struct {
	*object.Disk
	stuck chan struct{}
}

func (s slow) Put(ctx context.Context, _ string, _ io.ReadSeeker, _ int64, _, _ string) (object.Info, error) {
	s.stuck <- struct{}{}
	<-ctx.Done()
	return object.Info{}, ctx.Err()
}

// TestRetention lets thirty days pass: what the seller does not want kept any longer goes by itself, and nothing else.
func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := diskStore(t)
		s := newShelf(t, disk)
		old, f := s.call(1, []byte("old"))
		s.keep(s.idle)
		time.Sleep(20 * 24 * time.Hour)
		young, _ := s.call(2, []byte("young"))
		if _, err := s.store.ChangeSeller(t.Context(), s.seller.ID, "key_crm", func(s call.Seller) (call.Profile, error) {
			s.RetentionDays = 30
			return s.Profile, nil
		}); err != nil {
			t.Fatal(err)
		}
		s.look = time.Minute
		over := time.Now().Add(10 * 24 * time.Hour)
		s.keep(func(*keeper) bool { return !s.state(old).Deletion.DoneAt.IsZero() })
		if late := time.Since(over); late < -time.Minute || late > roundEvery+time.Minute {
			t.Errorf("deleted %v after the time was up", late)
		}
		s.proof(old, call.DeletedByRetention, call.System)
		objecttest.Expect(t, disk, recorder.Key(old, f.Name), nil)
		objecttest.Expect(t, disk, recorder.Key(young, f.Name), []byte("young"))
		if c := s.state(young); c.Deletion.Ordered() {
			t.Errorf("the young one: %+v", c.Deletion)
		}
	})
}
