package call

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Source is the log as a follower reads it.
type Source interface {
	// Events returns up to limit events after seq, in order.
	Events(ctx context.Context, after uint64, limit int) ([]Event, error)
	// Appended returns a channel that is closed at the next append. Take it before reading.
	Appended() <-chan struct{}
	// Cursor returns the durable cursor of that name, 0 at first.
	Cursor(ctx context.Context, name string) (uint64, error)
	// SetCursor moves the cursor.
	SetCursor(ctx context.Context, name string, seq uint64) error
}

// Follower causes the effects of events: at least once, in the order of the log.
type Follower struct {
	Name   string // of the durable cursor
	Source Source
	// Handle causes the effects of one event. It may see an event twice. An error is tried again, later and later;
	// the events behind it wait.
	Handle func(ctx context.Context, e Event) error
	Log    *slog.Logger
}

const (
	followBatch = 100
	firstRetry  = time.Second
	lastRetry   = time.Minute
)

// Run follows the log until ctx is done. It owns no goroutine.
func (f *Follower) Run(ctx context.Context) error {
	var after uint64
	if err := f.Insist(ctx, "read cursor", func() (err error) {
		after, err = f.Source.Cursor(ctx, f.Name)
		return err
	}); err != nil {
		return err
	}
	for {
		appended := f.Source.Appended()
		var events []Event
		if err := f.Insist(ctx, "read log", func() (err error) {
			events, err = f.Source.Events(ctx, after, followBatch)
			return err
		}); err != nil {
			return err
		}
		for _, e := range events {
			if err := f.Insist(ctx, fmt.Sprintf("event %d, %s", e.Seq, e.Body.Type()), func() error { return f.Handle(ctx, e) }); err != nil {
				return err
			}
			after = e.Seq
		}
		if len(events) > 0 {
			if err := f.Insist(ctx, "move cursor", func() error { return f.Source.SetCursor(ctx, f.Name, after) }); err != nil {
				return err
			}
			continue
		}
		select {
		case <-appended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Insist tries until it works or ctx is done, as Run does with everything.
func (f *Follower) Insist(ctx context.Context, what string, try func() error) error {
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		f.Log.Warn("follower tries again", "follower", f.Name, "at", what, "wait", wait, "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
