package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"showroom/call"
)

// Apply runs a rule on a conference and appends the events it returns. The case is the one after them. A rule's error
// is returned as it is, and nothing is written; an unknown conference is call.ErrNotFound.
//
// After an error of the disk other than call.ErrStorageFull it is open whether the events were appended: look again
// before repeating what is not repeatable.
func (s *Store) Apply(ctx context.Context, conference string, rule call.Rule) (call.Case, []call.Event, error) {
	return s.change(ctx, applying(conference, rule))
}

func applying(conference string, rule call.Rule) decision {
	return func(t tx, now time.Time) (call.Case, []call.Event, error) {
		before, err := t.loadCase(conference)
		if err != nil {
			return call.Case{}, nil, err
		}
		before.Busy = t.busy(before.Seller.ID)
		events, err := rule(before, now)
		return before, events, err
	}
}

// Schedule runs a rule on a seller and a buyer that have no conference yet; its events open the stream of one. A seller or buyer that
// does not exist is both a call.InvalidError of that field and call.ErrNotFound; a taken id is call.ErrExists.
func (s *Store) Schedule(ctx context.Context, seller, buyer string, rule call.Rule) (call.Case, error) {
	after, _, err := s.change(ctx, scheduling(seller, buyer, rule))
	return after, err
}

func scheduling(seller, buyer string, rule call.Rule) decision {
	return func(t tx, now time.Time) (before call.Case, events []call.Event, err error) {
		if before.Seller, err = object[call.Seller](t, tableSeller, seller); err != nil {
			return before, nil, unknown("seller", err)
		}
		before.Busy = t.busy(seller)
		if before.Buyer, err = object[call.Buyer](t, tableBuyer, buyer); err != nil {
			return before, nil, unknown("buyer", err)
		}
		events, err = rule(before, now)
		if err != nil || len(events) == 0 {
			return before, nil, err
		}
		before.Conference.ID = events[0].Stream
		return before, events, t.unused(before.Conference.ID)
	}
}

func unknown(field string, err error) error {
	if !errors.Is(err, call.ErrNotFound) {
		return err
	}
	return fmt.Errorf("%w: %w", call.Invalid(field, "there is no such "+field), err)
}

// decision is the state a change starts from and the events that change it.
type decision func(t tx, now time.Time) (before call.Case, events []call.Event, err error)

// change appends what decide decides, and returns the case after and the events with their numbers.
func (s *Store) change(ctx context.Context, decide decision) (after call.Case, appended []call.Event, err error) {
	wrote := false
	err = s.update(ctx, func(t tx) error {
		after, appended, err = t.change(decide, s.clock())
		if err == nil && len(appended) == 0 {
			return errNothing
		}
		wrote = err == nil
		return err
	})
	if wrote && (err == nil || commitOpen(err)) {
		s.appended.tell()
	}
	if err != nil {
		return call.Case{}, nil, err
	}
	return after, appended, nil
}

// change appends what decide decides, if that is anything.
func (t tx) change(decide decision, now time.Time) (after call.Case, appended []call.Event, err error) {
	before, events, err := decide(t, now)
	before.Busy = nil // ends with the transaction
	if err != nil || len(events) == 0 {
		return before, nil, err
	}
	return t.append(before, events)
}

// commitOpen says whether a commit that returned err may have happened all the same, see kv.DB.
func commitOpen(err error) bool {
	return !errors.Is(err, call.ErrStorageFull) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
}

// append numbers events and writes them and the views they change.
func (t tx) append(before call.Case, events []call.Event) (call.Case, []call.Event, error) {
	seq, err := t.lastSeq()
	if err != nil {
		return before, nil, err
	}
	after := before
	appended := make([]call.Event, len(events))
	for i, e := range events {
		seq++
		e.Seq, e.At = seq, e.At.UTC().Round(0)
		after = after.Apply(e)
		if err := t.putEvent(after, e); err != nil {
			return before, nil, fmt.Errorf("append event %d: %w", seq, err)
		}
		appended[i] = e
	}
	if err := t.putViews(before, after); err != nil {
		return before, nil, fmt.Errorf("write views: %w", err)
	}
	return after, appended, nil
}
