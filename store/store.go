package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

// Store is the log and its views. It may be used from many goroutines.
type Store struct {
	db  kv.DB
	now func() time.Time

	appended bell // rung after an append
	timers   bell // rung when the first timer may be another
	webhooks bell // rung when somebody changed a webhook
}

var _ call.Source = (*Store)(nil)

// format is the version of the key layout. Those of old ones differ in their lists only, which can be made anew from the log.
const format = "5"

var oldFormats = []string{"1", "2", "3", "4"}

// New is the store in db, which may be empty and stays the caller's to close.
func New(db kv.DB, now func() time.Time) (*Store, error) {
	s := &Store{db: db, now: now}
	if err := s.migrate(context.Background()); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	err := s.update(context.Background(), func(t tx) error {
		adopted, err := t.adoptKeys()
		if err != nil || adopted > 0 {
			return err
		}
		return errNothing
	})
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// clock is the time of a change: UTC and without the monotonic reading, as it will be read back.
func (s *Store) clock() time.Time { return s.now().UTC().Round(0) }

// Appended returns a channel that is closed at the next append of this process, after its commit. Take it before reading.
func (s *Store) Appended() <-chan struct{} { return s.appended.wait() }

// Wake has everybody who waits look again, as the clock was set.
func (s *Store) Wake() {
	for _, b := range []*bell{&s.appended, &s.webhooks, &s.timers} {
		b.tell()
	}
}

// errNothing ends an update that has nothing to write.
var errNothing = errors.New("nothing to write")

// update runs fn alone among writers. What fn wrote before it returned errNothing is dropped, and that is no error.
func (s *Store) update(ctx context.Context, fn func(tx) error) error {
	err := s.db.Update(ctx, func(t kv.Tx) error { return fn(tx{t}) })
	if errors.Is(err, errNothing) {
		return nil
	}
	return domainError(err)
}

func (s *Store) view(ctx context.Context, fn func(tx) error) error {
	return domainError(s.db.View(ctx, func(t kv.Tx) error { return fn(tx{t}) }))
}

// domainError gives a full disk the name the edge knows it by.
func domainError(err error) error {
	if errors.Is(err, kv.ErrFull) {
		return fmt.Errorf("%w: %w", call.ErrStorageFull, err)
	}
	return err
}
