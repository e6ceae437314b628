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
	if !validWords(f.Buyer, f.Seller, string(f.State)) {
		return nil, "", nil
	}
	return page[call.Conference](ctx, s, chosenPrefix(listConferences, f.Buyer, f.Seller, string(f.State)), f.Span, tableConference, cursor, limit)
}

// Sellers returns up to limit sellers, the newest first, and the cursor of those behind them. With a text it is as [Store.found] says.
func (s *Store) Sellers(ctx context.Context, f call.PeopleFilter, cursor string, limit int) ([]call.Seller, string, error) {
	if f.Text != "" {
		return found(ctx, s, chosenPrefix(listSellerWords), f.Text, tableSeller, cursor, limit, sellerKeys)
	}
	return page[call.Seller](ctx, s, []byte(listSellers), f.Span, tableSeller, cursor, limit)
}

// Buyers returns up to limit buyers, the newest first, and the cursor of those behind them. With a text it is as [Store.found] says.
func (s *Store) Buyers(ctx context.Context, f call.PeopleFilter, cursor string, limit int) ([]call.Buyer, string, error) {
	if !validWords(f.Seller) {
		return nil, "", nil
	}
	if f.Text != "" {
		return found(ctx, s, chosenPrefix(listBuyerWords, f.Seller), f.Text, tableBuyer, cursor, limit, buyerKeys)
	}
	return page[call.Buyer](ctx, s, chosenPrefix(listBuyers, f.Seller), f.Span, tableBuyer, cursor, limit)
}

// validWords says whether words can choose; an empty one chooses all.
func validWords(words ...string) bool {
	return !slices.ContainsFunc(words, func(w string) bool { return w != "" && !validID(w) })
}

// Unfinished are the conferences under way: somebody is in the room or at the door, or the call took place and was not
// closed. After a start of the process these need call.Recover, and then call.CloseEmpty.
func (s *Store) Unfinished(ctx context.Context) ([]string, error) { return s.ids(ctx, listUnfinished) }

// ids are those that are all of a list's keys.
func (s *Store) ids(ctx context.Context, list string) (ids []string, err error) {
	err = s.view(ctx, func(t tx) error {
		for item, err := range t.Scan(kv.Prefix([]byte(list))) {
			if err != nil {
				return err
			}
			ids = append(ids, string(item.Key[len(list):]))
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
	for _, words := range choices(c.Buyer, c.Seller, string(c.State)) {
		keys = append(keys, agedID(chosenPrefix(listConferences, words...), c.StartsAt, c.ID))
	}
	if unfinished(c) {
		keys = append(keys, idKey(listUnfinished, c.ID))
	}
	if c.Awaited() {
		keys = append(keys, agedID([]byte(listAwaited), c.EndsAt(), c.ID))
	}
	return slices.Concat(keys, keepKeys(c), messageKeys(c))
}

func sellerKeys(s call.Seller) [][]byte {
	if s.Version == 0 {
		return nil
	}
	return wordKeys([][]byte{agedID([]byte(listSellers), s.CreatedAt, s.ID)}, chosenPrefix(listSellerWords), s.SearchPlaces(), s.ID)
}

func buyerKeys(b call.Buyer) (keys [][]byte) {
	if b.Version == 0 {
		return nil
	}
	if b.Erasing() {
		keys = append(keys, idKey(listErasures, b.ID))
	}
	for _, words := range choices(b.Seller) {
		keys = append(keys, agedID(chosenPrefix(listBuyers, words...), b.CreatedAt, b.ID))
		keys = wordKeys(keys, chosenPrefix(listBuyerWords, words...), b.SearchPlaces(), b.ID)
	}
	return keys
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
func page[T any](ctx context.Context, s *Store, list []byte, span call.Span, table, cursor string, limit int) (all []T, next string, err error) {
	r := kv.Prefix(list)
	r.Reverse = true
	if !span.From.IsZero() {
		r.From = appendTime(slices.Clone(list), span.From)
	}
	if !span.To.IsZero() {
		r.To = appendTime(slices.Clone(list), span.To)
	}
	if cursor != "" {
		end, err := parseCursor(cursor)
		if err != nil {
			return nil, "", err
		}
		if to := append(slices.Clone(list), end...); bytes.Compare(to, r.To) < 0 {
			r.To = to
		}
	}
	if bytes.Compare(r.From, r.To) >= 0 {
		return nil, "", nil
	}
	all, next, err = readPage(ctx, s, len(list), r, limit, func(t tx, end []byte) (T, error) { return listed[T](t, table, string(end[timeSize:])) })
	if err != nil {
		return nil, "", fmt.Errorf("read list: %w", err)
	}
	return all, next, nil
}

// readPage reads up to limit keys of a range of a list, whose keys begin with so many bytes that are the list's own, and the cursor of those behind
// them. each makes an entry of the rest of a key.
func readPage[T any](ctx context.Context, s *Store, list int, r kv.Range, limit int, each func(t tx, end []byte) (T, error)) (all []T, next string, err error) {
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
			last = item.Key[list:]
			v, err := each(t, last)
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		return nil
	})
	return all, next, err
}

// listed is what a list has: that it is not there is a damage of the data.
func listed[T any](t tx, table, id string) (T, error) {
	v, err := object[T](t, table, id)
	if errors.Is(err, call.ErrNotFound) {
		return v, fmt.Errorf("%s is in a list and not in the store", id)
	}
	return v, err
}

func formatCursor(end []byte) string { return base64.RawURLEncoding.EncodeToString(end) }

func parseCursor(cursor string) ([]byte, error) {
	end, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || formatCursor(end) != cursor || len(end) <= timeSize || !validID(string(end[timeSize:])) { // base64 skips line ends
		return nil, badCursor()
	}
	return end, nil
}

func badCursor() error {
	return call.Invalid("after", "this is not a cursor of ours; take it from \"next\" of the page before")
}
