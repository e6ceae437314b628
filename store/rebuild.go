package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"showroom/store/kv"
)

// Rebuild makes streams, views and lists anew from the log and returns how many of their keys were not as they should be. On a sound
// store that is 0 and nothing is written. It may run while the store is used: it works in small steps.
func (s *Store) Rebuild(ctx context.Context) (repaired int, err error) {
	for _, pass := range []struct {
		table string
		step  step
	}{
		{tableEvent, repairStreams},
		{tableStream, dropUnlessEvent},
		{tableStream, repairViews},
		{tableConference, dropUnlessStream},
		{tableSeller, dropUnlessStream},
		{tableBuyer, dropUnlessStream},
		{listConferences, dropUnlessListed},
		{listRecordings, dropUnlessListed},
		{listUnfinished, dropUnlessListed},
		{listTasks, dropUnlessListed},
		{listKept, dropUnlessListed},
		{listAwaited, dropUnlessListed},
		{listMessages, dropUnlessListed},
		{listOpen, dropUnlessListed},
		{listSellers, dropUnlessListed},
		{listBuyers, dropUnlessListed},
		{listErasures, dropUnlessListed},
		{listSellerWords, dropUnlessListed},
		{listBuyerWords, dropUnlessListed},
		{tableEvent, repairEventLists},
		{listEvents, dropUnlessInEventLists},
	} {
		n, err := s.walk(ctx, pass.table, pass.step)
		if repaired += n; err != nil {
			return repaired, fmt.Errorf("rebuild from %s: %w", pass.table, err)
		}
	}
	return repaired, nil
}

// step repairs what depends on one item and says from which key to go on.
type step func(t repairer, item kv.Item) (next []byte, err error)

const rebuildBatch = 256 // items a transaction

// walk takes a step for each item of a table, some of them in one transaction.
func (s *Store) walk(ctx context.Context, table string, step step) (repaired int, err error) {
	r := kv.Prefix([]byte(table))
	for more := true; more; {
		changed, from := 0, r.From
		err := s.update(ctx, func(t tx) error {
			more = false
			rep := repairer{t, &changed}
			for range rebuildBatch {
				item, found, err := t.first(kv.Range{From: from, To: r.To})
				if err != nil || !found {
					return errOr(err, rep.done())
				}
				if from, err = step(rep, item); err != nil {
					return err
				}
			}
			more = true
			return rep.done()
		})
		if err != nil {
			return repaired, err
		}
		r.From = from
		repaired += changed
	}
	return repaired, nil
}

// repairer counts what it changes.
type repairer struct {
	tx
	n *int
}

func (r repairer) done() error {
	if *r.n == 0 {
		return errNothing
	}
	return nil
}

// ensure makes the value of a key what it should be.
func (r repairer) ensure(key, value []byte) error {
	found, err := r.Get(key)
	if err == nil && bytes.Equal(found, value) || err != nil && !errors.Is(err, kv.ErrNotFound) {
		return err
	}
	*r.n++
	return r.Put(key, value)
}

func (r repairer) drop(key []byte) error {
	*r.n++
	return r.Delete(key)
}

// first is the first item of a range.
func (t tx) first(r kv.Range) (item kv.Item, found bool, err error) {
	for item, err := range t.Scan(r) {
		return item, err == nil, err
	}
	return kv.Item{}, false, nil
}

// after is the least key greater than k.
func after(k []byte) []byte { return append(slices.Clone(k), 0) }
