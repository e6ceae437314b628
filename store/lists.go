package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

// Conferences returns up to limit conferences, the last planned start first, and the cursor of those behind them: empty
// when there are none. A cursor that is not ours is a call.InvalidError of the field after.
func (s *Store) Conferences(ctx context.Context, f call.Filter, cursor string, limit int) ([]call.Conference, string, error) {
	if f.Seller != "" && !validID(f.Seller) || f.State != "" && !validID(string(f.State)) {
		return nil, "", nil
	}
	return page[call.Conference](ctx, s, conferencesPrefix(f.Seller, string(f.State)), tableConference, cursor, limit)
}

// Sellers returns up to limit sellers, the newest first, and the cursor of those behind them.
func (s *Store) Sellers(ctx context.Context, cursor string, limit int) ([]call.Seller, string, error) {
	return page[call.Seller](ctx, s, []byte(listSellers), tableSeller, cursor, limit)
}

// Buyers returns up to limit buyers, the newest first, and the cursor of those behind them.
func (s *Store) Buyers(ctx context.Context, cursor string, limit int) ([]call.Buyer, string, error) {
	return page[call.Buyer](ctx, s, []byte(listBuyers), tableBuyer, cursor, limit)
}

// Unfinished are the conferences under way: somebody is in the room or at the door, or the call took place and was not
// closed. After a start of the process these need call.Recover, and then call.CloseEmpty.
func (s *Store) Unfinished(ctx context.Context) (ids []string, err error) {
	err = s.view(ctx, func(t tx) error {
		for item, err := range t.Scan(kv.Prefix([]byte(listUnfinished))) {
			if err != nil {
				return err
			}
			ids = append(ids, string(item.Key[len(listUnfinished):]))
		}
		return nil
	})
	return ids, err
}

func unfinished(c call.Conference) bool {
	return !c.Over() && (len(c.Inside()) > 0 || !c.OngoingSince.IsZero())
}

// conferenceKeys are the keys under which lists have a conference.
func conferenceKeys(c call.Conference) [][]byte {
	if c.Version == 0 { // not there yet
		return nil
	}
	var keys [][]byte
	for _, seller := range []string{"", c.Seller} {
		for _, state := range []string{"", string(c.State)} {
			keys = append(keys, agedID(conferencesPrefix(seller, state), c.StartsAt, c.ID))
		}
	}
	if unfinished(c) {
		keys = append(keys, idKey(listUnfinished, c.ID))
	}
	return append(keys, keepKeys(c)...)
}

func sellerKeys(s call.Seller) [][]byte {
	return [][]byte{agedID([]byte(listSellers), s.CreatedAt, s.ID)}
}

func buyerKeys(b call.Buyer) [][]byte {
	return [][]byte{agedID([]byte(listBuyers), b.CreatedAt, b.ID)}
}

// busy looks for a seller's conferences that begin between two times.
func (t tx) busy(seller string) call.Busy {
	return func(from, until time.Time) (found []call.Conference, err error) {
		list := conferencesPrefix(seller, "")
		r := kv.Range{From: appendTime(slices.Clone(list), from), To: appendTime(slices.Clone(list), until)}
		for item, err := range t.Scan(r) {
			if err != nil {
				return nil, err
			}
			c, err := object[call.Conference](t, tableConference, aged(item.Key[len(list):]))
			if err != nil {
				return nil, err
			}
			found = append(found, c)
		}
		return found, nil
	}
}

// replaceKeys deletes what is only in before and puts what is only in after.
func (t tx) replaceKeys(before, after [][]byte) error {
	in := func(keys [][]byte, k []byte) bool {
		return slices.ContainsFunc(keys, func(o []byte) bool { return bytes.Equal(o, k) })
	}
	for _, k := range before {
		if !in(after, k) {
			if err := t.Delete(k); err != nil {
				return err
			}
		}
	}
	for _, k := range after {
		if !in(before, k) {
			if err := t.Put(k, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// page reads a list backwards from the cursor. The cursor is the end of the last key that was read, so what is
// inserted or removed meanwhile neither repeats nor hides others.
func page[T any](ctx context.Context, s *Store, list []byte, table, cursor string, limit int) (all []T, next string, err error) {
	r := kv.Prefix(list)
	r.Reverse = true
	if cursor != "" {
		end, err := parseCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		r.To = append(slices.Clone(list), end...)
	}
	limit = batch(limit)
	err = s.view(ctx, func(t tx) error {
		var last []byte
		for item, err := range t.Scan(r) {
			if err != nil {
				return err
			}
			if len(all) == limit {
				next = formatCursor(last)
				return nil
			}
			last = item.Key[len(list):]
			id := string(last[timeSize:])
			v, err := object[T](t, table, id)
			if errors.Is(err, call.ErrNotFound) {
				return fmt.Errorf("%s is in a list and not in the store", id)
			}
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("read list: %w", err)
	}
	return all, next, nil
}

func formatCursor(end []byte) string { return base64.RawURLEncoding.EncodeToString(end) }

func parseCursor(cursor string) ([]byte, error) {
	end, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || formatCursor(end) != cursor || len(end) <= timeSize || !validID(string(end[timeSize:])) { // base64 skips line ends
		return nil, call.Invalid("after", "this is not a cursor of ours; take it from \"next\" of the page before")
	}
	return end, nil
}
