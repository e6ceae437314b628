package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"showroom/call"
	"showroom/store"
)

const (
	erasuresDir = "erasures"    // in the object store: what stays known of each erasure
	eraseAgain  = time.Minute   // to look whether recordings have gone, at the latest
	eraseRound  = 6 * time.Hour // to hold the log against the object store's proofs
)

// errNotYet says that something else has to come to its end before an erasure can.
var errNotYet = errors.New("not yet")

// eraser carries the erasure of buyers' data out. What there is to do is in the log; every step may be done again, after a crash at any place.
// run is its one goroutine.
type eraser struct {
	store   *store.Store
	objects objects
	scratch string // folder in which recordings are composed, a folder for each conference; empty: none
	busy    func(conference string) bool
	log     *slog.Logger
	bell    chan struct{} // something has become due

	mu  sync.Mutex
	err map[string]error // why the last try of a buyer failed
}

func newEraser(s *store.Store, o objects, scratch string, busy func(string) bool, log *slog.Logger) *eraser {
	return &eraser{store: s, objects: o, scratch: scratch, busy: busy, log: log, bell: make(chan struct{}, 1), err: map[string]error{}}
}

// openEraser makes what carries erasures out.
func (a *app) openEraser() error {
	var busy func(string) bool
	if a.composer != nil {
		busy = a.composer.Busy
	}
	a.eraser = newEraser(a.store, a.objects, filepath.Join(a.cfg.Data, "compose"), busy, a.log)
	return nil
}

// notice takes an event that may have made something to do. It does not wait.
func (e *eraser) notice(ev call.Event) {
	switch ev.Body.(type) {
	case call.BuyerErasureOrdered, call.RecordingDeleted:
		select {
		case e.bell <- struct{}{}:
		default:
		}
	}
}

// run erases what was ordered until ctx ends.
func (e *eraser) run(ctx context.Context) {
	round := time.Time{}
	for tries := 0; ; {
		if time.Since(round) >= eraseRound {
			if err := e.restore(ctx); err == nil {
				round = time.Now()
			} else if ctx.Err() == nil {
				e.log.Warn("proofs of erasures cannot be read; that is tried again", "err", err)
			}
		}
		left, failed := e.all(ctx)
		wait := eraseRound
		switch {
		case failed:
			wait = retryAfter(tries)
			tries++
		case left:
			wait, tries = eraseAgain, 0
		default:
			tries = 0
		}
		if round.IsZero() {
			wait = min(wait, eraseAgain)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-e.bell:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// all tries every erasure that is not finished.
func (e *eraser) all(ctx context.Context) (left, failed bool) {
	ids, err := e.store.Erasures(ctx)
	if err != nil {
		e.log.Error("erasures cannot be looked up", "err", err)
		return true, true
	}
	for _, id := range ids {
		err := e.erase(ctx, id)
		e.note(id, err)
		switch {
		case err == nil:
			e.log.Info("buyer erased", "buyer", id)
		case ctx.Err() != nil:
			return true, false
		case errors.Is(err, errNotYet):
			left = true
		default:
			failed = true
			e.log.Warn("erasure is tried again", "buyer", id, "err", err)
		}
	}
	return left, failed
}

func (e *eraser) note(buyer string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err == nil || errors.Is(err, errNotYet) {
		delete(e.err, buyer)
		return
	}
	e.err[buyer] = err
}

// Trouble is why the last try to erase a buyer's data failed, nil if it did not.
func (e *eraser) Trouble(buyer string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err[buyer]
}

// erase does everything that is to be done for a buyer.
func (e *eraser) erase(ctx context.Context, buyer string) error {
	conferences, err := e.store.ConferencesOf(ctx, buyer)
	if err != nil {
		return err
	}
	for _, id := range conferences {
		if err := e.gone(ctx, id); err != nil {
			return err
		}
	}
	proof, err := e.store.Anonymize(ctx, buyer)
	if err != nil {
		return err
	}
	if err := e.store.PurgeAnswers(ctx); err != nil {
		return err
	}
	if err := e.store.Scrub(ctx); err != nil {
		return err
	}
	if err := e.prove(ctx, buyer, proof); err != nil {
		return err
	}
	_, err = e.store.FinishErasure(ctx, buyer, proof)
	return err
}

// gone insists that nothing of a conference's recording is left, in the scratch folder either.
func (e *eraser) gone(ctx context.Context, conference string) error {
	c, err := e.store.Conference(ctx, conference)
	if err != nil {
		return err
	}
	if c.Task() == call.TaskDelete || len(c.Files) > 0 && !c.Deletion.Ordered() {
		return fmt.Errorf("the recording of %s is being deleted: %w", conference, errNotYet)
	}
	if e.scratch == "" || len(c.Files) == 0 {
		return nil
	}
	if e.busy != nil && e.busy(conference) {
		return fmt.Errorf("%s is being composed: %w", conference, errNotYet)
	}
	return os.RemoveAll(filepath.Join(e.scratch, conference))
}

// proof is what the object store keeps of an erasure: nothing that says who it was. A log that was restored from a backup is held against it.
type proof struct {
	Version int         `json:"version"`
	Buyer   string      `json:"buyer"`
	Ordered time.Time   `json:"ordered_at"`
	Erased  call.Erased `json:"erased"`
}

func (e *eraser) prove(ctx context.Context, buyer string, done call.Erased) error {
	b, err := e.store.Buyer(ctx, buyer)
	if err != nil {
		return err
	}
	text, err := json.Marshal(proof{Version: 1, Buyer: buyer, Ordered: b.Erasure.OrderedAt, Erased: done})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	_, err = e.objects.Put(ctx, path.Join(erasuresDir, buyer+".json"), bytes.NewReader(text), int64(len(text)), "application/json", hex.EncodeToString(sum[:]))
	return err
}

// restore erases again what the object store knows to be erased and the log does not: the log was restored from an older backup.
func (e *eraser) restore(ctx context.Context) error {
	keys, err := e.objects.List(ctx, erasuresDir)
	if err != nil {
		return err
	}
	var errs []error
	for _, key := range keys {
		id := strings.TrimSuffix(path.Base(key), ".json")
		b, err := e.store.Buyer(ctx, id)
		if errors.Is(err, call.ErrNotFound) || err == nil && b.Erasure.Ordered() {
			continue
		}
		if err == nil {
			_, err = e.store.OrderErasure(ctx, id, call.System, "")
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		e.log.Warn("a buyer that was erased is back, as after restoring a backup: erased again", "buyer", id)
	}
	return errors.Join(errs...)
}
