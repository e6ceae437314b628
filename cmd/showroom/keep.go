package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"time"

	"showroom/call"
	"showroom/recorder"
	"showroom/signaling/rest"
	"showroom/store"
	"showroom/store/object"
)

// objects is where recordings are kept.
type objects interface {
	object.Store
	object.Lister
}

const (
	keepWorkers    = 4 // conferences served at once, each with one file at a time
	firstKeepRetry = time.Second
	lastKeepRetry  = 5 * time.Minute
)

// keeper does what is to be done for recordings outside of the log: uploading, exporting, deleting. The log says what that is
// (call.Conference.Task), so nothing is lost with the process; a conference whose task fails is tried again later and later, and
// holds up no other.
//
// run owns its workers. The mutex guards the list of conferences and is never held while a task is done.
type keeper struct {
	store    *store.Store
	recorder *recorder.Recorder
	objects  objects
	log      *slog.Logger

	now   func() time.Time // by which recordings are kept
	early chan struct{}    // take a round now

	bell chan struct{} // something has become due; one worker hears it and passes it on

	mu      sync.Mutex
	waiting map[string]*errand
}

// errand is a conference with a task.
type errand struct {
	due     time.Time
	running bool
	again   bool               // woken while running
	cancel  context.CancelFunc // of the try that runs
	deletes bool               // the try that runs deletes
	err     error              // of the last try
	tries   int                // that failed, one after the other
	since   time.Time          // of the first of them
	files   map[string]int64   // bytes sent, of the files of the try that runs or ran last
}

func newKeeper(s *store.Store, rec *recorder.Recorder, o objects, log *slog.Logger, now func() time.Time) *keeper {
	return &keeper{store: s, recorder: rec, objects: o, log: log, now: now, early: make(chan struct{}, 1), bell: make(chan struct{}, 1), waiting: map[string]*errand{}}
}

// notice takes an event that may have made something to do. It does not wait.
func (k *keeper) notice(e call.Event) {
	switch e.Body.(type) {
	case call.RecordingFinished, call.RecordingStored, call.RecordingFailed, call.Finished:
		k.wake(e.Stream, false)
	case call.DeletionOrdered:
		k.wake(e.Stream, true)
	}
}

// wake has a conference looked at now. An upload under way ends for a deletion.
func (k *keeper) wake(conference string, deletion bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.waiting[conference]
	if w == nil {
		w = &errand{}
		k.waiting[conference] = w
	}
	w.due = time.Now()
	if w.running {
		w.again = true
		if deletion && !w.deletes {
			w.cancel()
		}
	}
	k.ring()
}

func (k *keeper) ring() {
	select {
	case k.bell <- struct{}{}:
	default:
	}
}

// run does what there is to do until ctx ends.
func (k *keeper) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { k.rounds(ctx) })
	for tries := 0; ; tries++ {
		ids, err := k.store.Tasks(ctx)
		if err == nil {
			for _, id := range ids {
				k.wake(id, false)
			}
			break
		}
		k.log.Error("recordings that wait cannot be looked up", "err", err)
		if !pause(ctx, retryAfter(tries)) {
			return
		}
	}
	for range keepWorkers {
		wg.Go(func() { k.work(ctx) })
	}
}

// work takes one conference after the other.
func (k *keeper) work(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		id, try, wait := k.take(ctx)
		if id != "" {
			task, err := k.serve(try, id)
			if k.put(ctx, id, task, err) {
				return
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-k.bell:
		case <-timer.C:
		}
	}
}

// take is the conference that has been due for longest, or how long until one is.
func (k *keeper) take(ctx context.Context) (id string, try context.Context, wait time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var next *errand
	for candidate, w := range k.waiting {
		if !w.running && (next == nil || w.due.Before(next.due)) {
			id, next = candidate, w
		}
	}
	if next == nil {
		return "", nil, time.Hour
	}
	if wait = time.Until(next.due); wait > 0 {
		return "", nil, wait
	}
	next.running, next.again, next.deletes, next.files = true, false, false, map[string]int64{}
	try, next.cancel = context.WithCancel(ctx)
	k.ring() // there may be more
	return id, try, 0
}

// put takes note of what came of a try, and says whether it was the last.
func (k *keeper) put(ctx context.Context, id string, task call.Task, err error) (over bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.waiting[id]
	w.cancel()
	w.running, w.due = false, time.Now()
	switch {
	case ctx.Err() != nil:
		return true
	case errors.Is(err, context.Canceled): // for a deletion
	case err != nil:
		k.failed(id, w, task, err)
	default:
		w.err, w.tries = nil, 0
		if task != call.TaskNone {
			k.storeIsBack()
		} else if !w.again {
			delete(k.waiting, id)
		}
	}
	k.ring()
	return false
}

// failed puts a try off. The caller holds mu.
func (k *keeper) failed(id string, w *errand, task call.Task, err error) {
	if w.tries == 0 {
		w.since = time.Now()
	}
	wait := retryAfter(w.tries)
	w.tries++
	w.err = err
	if !w.again { // or else there is news
		w.due = time.Now().Add(wait)
	}
	k.log.Warn("recording waits", "call", id, "task", task, "tries", w.tries, "since", w.since.UTC().Format(time.RFC3339), "wait", wait.Round(time.Millisecond), "err", err)
}

// storeIsBack lets those try at once who wait for the object store: it has just taken something. The caller holds mu.
func (k *keeper) storeIsBack() {
	for _, w := range k.waiting {
		if errors.Is(w.err, object.ErrUnavailable) || errors.Is(w.err, object.ErrDenied) || errors.Is(w.err, object.ErrFull) {
			w.err, w.due = nil, time.Now()
		}
	}
	k.ring()
}

// retryAfter is doubled with each try and a fifth of it left to chance, so that not all come back at once.
func retryAfter(tries int) time.Duration {
	wait := lastKeepRetry
	if tries < 10 {
		wait = min(firstKeepRetry<<tries, lastKeepRetry)
	}
	return wait - time.Duration(rand.Int64N(int64(wait)/5))
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// Progress is where the task of a conference stands, if there is one.
func (k *keeper) Progress(conference string) (rest.Progress, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.waiting[conference]
	if w == nil {
		return rest.Progress{}, false
	}
	p := rest.Progress{Running: w.running, Failures: w.tries, Sent: maps.Clone(w.files), Err: w.err}
	if !w.running && w.tries > 0 {
		p.Next = w.due
	}
	return p, true
}

// Waiting is how many conferences have a task, how many of them failed the last time, the first such error and its time.
func (k *keeper) Waiting() rest.Waiting {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := rest.Waiting{Conferences: len(k.waiting)}
	for _, w := range k.waiting {
		if w.err == nil {
			continue
		}
		all.Failing++
		if all.Since.IsZero() || w.since.Before(all.Since) {
			all.Since, all.Err = w.since, w.err
		}
	}
	return all
}
