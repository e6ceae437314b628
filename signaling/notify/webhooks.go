package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"showroom/call"
)

// Log is the log as the webhooks read it.
type Log interface {
	Events(ctx context.Context, after uint64, limit int) ([]call.Event, error)
	StreamEvents(ctx context.Context, stream string, after uint64, limit int) ([]call.Event, error)
	Appended() <-chan struct{}
}

// Hooks keeps webhooks and how far they were told.
type Hooks interface {
	Webhooks(ctx context.Context) ([]call.Webhook, error)
	WebhooksChanged() <-chan struct{}
	Delivered(ctx context.Context, w call.Webhook, attempts []call.Attempt) (call.Webhook, error)
}

// Webhooks delivers the log to the webhooks: each event at least once, those of one call in their order.
type Webhooks struct {
	Log    Log
	Hooks  Hooks
	Client *http.Client // of [Guard.Client]
	Logger *slog.Logger
	Now    func() time.Time
	// Message is what is sent for a message that was queued: its words and link, which the log has not. Nil: the event as it is.
	Message func(ctx context.Context, conference, message string) (any, error)
}

const retryStore = time.Second // after the log could not be read or written

// Run delivers until ctx is done, and returns when nothing is under way.
func (w *Webhooks) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer w.Client.CloseIdleConnections()
	defer wg.Wait()
	workers := map[string]*worker{}
	for ctx.Err() == nil {
		changed := w.Hooks.WebhooksChanged()
		hooks, err := w.Hooks.Webhooks(ctx)
		var again <-chan time.Time
		if err != nil {
			w.Logger.Error("read webhooks", "err", err)
			again = time.After(retryStore)
		} else {
			w.adjust(ctx, &wg, workers, hooks)
		}
		select {
		case <-changed:
		case <-again:
		case <-ctx.Done():
		}
	}
}

// adjust has one worker for each webhook, and gives it what is new.
func (w *Webhooks) adjust(ctx context.Context, wg *sync.WaitGroup, workers map[string]*worker, hooks []call.Webhook) {
	there := map[string]bool{}
	for _, hook := range hooks {
		there[hook.ID] = true
		if k := workers[hook.ID]; k != nil {
			k.update(hook)
			continue
		}
		of, stop := context.WithCancel(ctx)
		k := &worker{Webhooks: w, hook: hook, stop: stop, news: make(chan call.Webhook, 1), log: w.Logger.With("webhook", hook.ID)}
		workers[hook.ID] = k
		wg.Go(func() { k.run(of) })
	}
	for id, k := range workers {
		if !there[id] {
			k.stop()
			delete(workers, id)
		}
	}
}

// worker delivers to one webhook.
type worker struct {
	*Webhooks
	stop context.CancelFunc
	news chan call.Webhook // the newest state that somebody wanted
	log  *slog.Logger

	hook  call.Webhook // the goroutine's own
	saved uint64       // the cursor in the store
}

// update gives the worker a changed webhook; only the newest counts.
func (k *worker) update(hook call.Webhook) {
	select {
	case <-k.news:
	default:
	}
	k.news <- hook
}

func (k *worker) run(ctx context.Context) {
	defer k.stop()
	k.saved = k.hook.Cursor
	for ctx.Err() == nil {
		appended := k.Log.Appended()
		idle, err := k.round(ctx)
		if err != nil && ctx.Err() == nil {
			if errors.Is(err, call.ErrNotFound) { // removed: its end is near
				<-ctx.Done()
				return
			}
			k.log.Error("webhook round", "err", err)
		}
		if idle || err != nil {
			k.wait(ctx, appended, err != nil)
		}
	}
}

// wait returns when there may be something to do.
func (k *worker) wait(ctx context.Context, appended <-chan struct{}, failed bool) {
	var due <-chan time.Time
	if failed {
		due = time.After(retryStore)
	} else if at := k.hook.Wake(k.Now()); !at.IsZero() {
		due = time.After(max(at.Sub(k.Now()), 0))
	}
	if !k.hook.Takes(k.Now()) {
		appended = nil
	}
	select {
	case <-appended:
	case <-due:
	case hook := <-k.news:
		k.adopt(hook)
	case <-ctx.Done():
	}
}

// adopt takes over what somebody changed.
func (k *worker) adopt(hook call.Webhook) {
	if hook.Generation != k.hook.Generation {
		k.hook, k.saved = hook, hook.Cursor
	}
}
