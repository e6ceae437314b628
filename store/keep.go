package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

// Tasks are the conferences whose recording has something to be done for, see call.Conference.Task: files to upload, a manifest to
// export, a deletion to carry out. What is done is no task any more, so nothing else has to be remembered over a restart.
func (s *Store) Tasks(ctx context.Context) ([]string, error) { return s.ids(ctx, listTasks) }

// Kept are up to limit conferences of a seller that finished by then and whose recording is kept, the oldest first.
func (s *Store) Kept(ctx context.Context, seller string, then time.Time, limit int) (ids []string, err error) {
	if !validID(seller) {
		return nil, nil
	}
	list := keptPrefix(seller)
	r := kv.Prefix(list)
	r.To = appendTime(bytes.Clone(list), then.Add(1))
	err = s.view(ctx, func(t tx) error {
		for item, err := range t.Scan(r) {
			if err != nil {
				return err
			}
			if ids = append(ids, aged(item.Key[len(list):])); len(ids) >= batch(limit) {
				return nil
			}
		}
		return nil
	})
	return ids, err
}

// Recordings returns up to limit conferences that were recorded, the last recording first, and the cursor of those behind them.
func (s *Store) Recordings(ctx context.Context, f call.RecordingFilter, cursor string, limit int) ([]call.Conference, string, error) {
	if !validWords(f.Buyer, f.Seller, string(f.State)) {
		return nil, "", nil
	}
	return page[call.Conference](ctx, s, chosenPrefix(listRecordings, f.Buyer, f.Seller, string(f.State)), f.Span, tableConference, cursor, limit)
}

// keptPrefix is what the keys of a seller's kept recordings begin with.
func keptPrefix(seller string) []byte { return []byte(listKept + seller + "\x00") }

// keepKeys are the keys under which the lists above have a conference.
func keepKeys(c call.Conference) (keys [][]byte) {
	if c.Task() != call.TaskNone {
		keys = append(keys, idKey(listTasks, c.ID))
	}
	if !c.RecordedAt.IsZero() {
		for _, words := range choices(c.Buyer, c.Seller, string(c.RecordingState())) {
			keys = append(keys, agedID(chosenPrefix(listRecordings, words...), c.RecordedAt, c.ID))
		}
	}
	if c.Kept() {
		keys = append(keys, agedID(keptPrefix(c.Seller), c.FinishedAt, c.ID))
	}
	return keys
}

// migrate brings a store of an older format up to date.
func (s *Store) migrate(ctx context.Context) error {
	var found []byte
	err := s.view(ctx, func(t tx) (err error) {
		found, err = t.Get([]byte(keyFormat))
		found = bytes.Clone(found)
		if errors.Is(err, kv.ErrNotFound) {
			return nil
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case string(found) == format:
		return nil
	case len(found) > 0 && !slices.Contains(oldFormats, string(found)):
		return fmt.Errorf("the data is of format %q and this version reads %q: use the version of Showroom that wrote it", found, format)
	case len(found) > 0:
		if _, err := s.Rebuild(ctx); err != nil {
			return err
		}
	}
	return s.update(ctx, func(t tx) error { return t.Put([]byte(keyFormat), []byte(format)) })
}
