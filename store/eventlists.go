package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"

	"showroom/call"
	"showroom/store/kv"
)

// owners are who an event belongs to: the seller and the buyer of its conference, or the seller or buyer whose stream it is in (and the seller
// whose buyer that is).
type owners struct{ seller, buyer string }

// ownersIn are the owners of an event of a case.
func ownersIn(c call.Case, e call.Event) owners {
	switch e.Stream {
	case c.Seller.ID:
		return owners{seller: e.Stream}
	case c.Buyer.ID:
		return owners{seller: c.Buyer.Seller, buyer: e.Stream}
	}
	return owners{seller: c.Seller.ID, buyer: c.Buyer.ID}
}

// ownersOf are the owners of the events of a stream, as the views say.
func (t tx) ownersOf(stream string) (owners, error) {
	c, err := object[call.Conference](t, tableConference, stream)
	if err == nil {
		return owners{seller: c.Seller, buyer: c.Buyer}, nil
	}
	if !errors.Is(err, call.ErrNotFound) {
		return owners{}, err
	}
	b, err := object[call.Buyer](t, tableBuyer, stream)
	if err == nil {
		return owners{seller: b.Seller, buyer: stream}, nil
	}
	if !errors.Is(err, call.ErrNotFound) {
		return owners{}, err
	}
	_, err = object[call.Seller](t, tableSeller, stream)
	if errors.Is(err, call.ErrNotFound) {
		return owners{}, nil // of a later version's making
	}
	return owners{seller: stream}, err
}

// accesses stands in the place of a type for what was done with a recording.
const accesses = "access"

// eventKeys are the keys under which lists have an event: by owner, by type, and by both; and by conference what was done with its recording.
func eventKeys(e call.Event, o owners) (keys [][]byte) {
	kind := e.Body.Type()
	keys = append(keys, eventListKey("", kind, e.Seq))
	if call.IsAccess(e.Body) {
		keys = append(keys, eventListKey(e.Stream, accesses, e.Seq))
	}
	for _, owner := range []string{o.seller, o.buyer} {
		if validID(owner) {
			keys = append(keys, eventListKey(owner, "", e.Seq), eventListKey(owner, kind, e.Seq))
		}
	}
	return keys
}

func eventListKey(owner, kind string, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(chosenPrefix(listEvents, owner, kind), seq)
}

// EventsOf returns up to limit events after seq that the filter chooses, in order, and how far the log was looked at: up to the last of them, or
// to its head if there are no more.
func (s *Store) EventsOf(ctx context.Context, f call.EventFilter, seq uint64, limit int) (events []call.Event, next uint64, err error) {
	if !validWords(f.Seller, f.Buyer) {
		return nil, seq, nil
	}
	err = s.view(ctx, func(t tx) error {
		next, err = t.lastSeq()
		if err != nil || next <= seq {
			next = max(next, seq)
			return err
		}
		return t.eventsOf(f, seq, func(e call.Event) bool {
			events = append(events, e)
			if len(events) < batch(limit) {
				return true
			}
			next = e.Seq
			return false
		})
	})
	if err != nil {
		return nil, seq, fmt.Errorf("read events after %d: %w", seq, err)
	}
	return events, next, nil
}

// Accesses are what was done with the recording of a conference (see call.IsAccess), the newest first: what was before the event of that number,
// 0 for all.
func (s *Store) Accesses(ctx context.Context, conference string, before uint64, limit int) (events []call.Event, err error) {
	if !validID(conference) {
		return nil, nil
	}
	r := kv.Prefix(chosenPrefix(listEvents, conference, accesses))
	r.Reverse = true
	if before > 0 {
		r.To = eventListKey(conference, accesses, before)
	}
	err = s.view(ctx, func(t tx) error {
		for item, err := range t.Scan(r) {
			if err != nil {
				return err
			}
			_, seq := cutSeq(item.Key)
			var e call.Event
			if err := t.load(eventKey(seq), &e); err != nil {
				return fmt.Errorf("event %d: %w", seq, err)
			}
			if events = append(events, e); len(events) >= batch(limit) {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read accesses of %s: %w", conference, err)
	}
	return events, nil
}

// eventsOf yields the events of a filter behind seq until there are enough.
func (t tx) eventsOf(f call.EventFilter, seq uint64, yield func(call.Event) bool) error {
	owner, also := f.Seller, ""
	if f.Buyer != "" { // who has fewer
		owner, also = f.Buyer, f.Seller
	}
	kinds := slices.Compact(slices.Sorted(slices.Values(f.Types)))
	if len(kinds) == 0 {
		kinds = []string{""}
	}
	for n, err := range t.merged(owner, kinds, seq) {
		if err != nil {
			return err
		}
		if also != "" {
			both, err := t.has(kv.Prefix(eventListKey(also, "", n)))
			if err != nil {
				return err
			}
			if !both {
				continue
			}
		}
		var e call.Event
		if err := t.load(eventKey(n), &e); err != nil {
			return fmt.Errorf("event %d: %w", n, err)
		}
		if !yield(e) {
			return nil
		}
	}
	return nil
}

// merged are the numbers behind seq in the lists of an owner's events of some types, in order. With neither it is the whole log.
func (t tx) merged(owner string, kinds []string, seq uint64) iter.Seq2[uint64, error] {
	return func(yield func(uint64, error) bool) {
		type head struct {
			seq  uint64
			next func() (kv.Item, error, bool)
		}
		var heads []head
		for _, kind := range kinds {
			prefix := chosenPrefix(listEvents, owner, kind)
			if owner == "" && kind == "" {
				prefix = []byte(tableEvent)
			}
			r := kv.Prefix(prefix)
			r.From = binary.BigEndian.AppendUint64(slices.Clone(prefix), seq+1)
			next, stop := iter.Pull2(t.Scan(r))
			defer stop()
			heads = append(heads, head{next: next})
		}
		advance := func(i int) error {
			item, err, ok := heads[i].next()
			if err != nil {
				return err
			}
			if !ok {
				heads = slices.Delete(heads, i, i+1)
				return nil
			}
			_, heads[i].seq = cutSeq(item.Key)
			return nil
		}
		for i := len(heads) - 1; i >= 0; i-- {
			if err := advance(i); err != nil {
				yield(0, err)
				return
			}
		}
		for len(heads) > 0 {
			least := 0
			for i, h := range heads {
				if h.seq < heads[least].seq {
					least = i
				}
			}
			if !yield(heads[least].seq, nil) {
				return
			}
			if err := advance(least); err != nil {
				yield(0, err)
				return
			}
		}
	}
}

// repairEventLists puts an event into its lists.
func repairEventLists(t repairer, item kv.Item) ([]byte, error) {
	e, err := decodeEvent(item.Value)
	if err != nil {
		return nil, err
	}
	keys, err := t.eventKeysOf(e)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if err := t.ensure(k, nil); err != nil {
			return nil, err
		}
	}
	return after(item.Key), nil
}

func (t tx) eventKeysOf(e call.Event) ([][]byte, error) {
	o, err := t.ownersOf(e.Stream)
	if err != nil {
		return nil, err
	}
	return eventKeys(e, o), nil
}

// dropUnlessInEventLists drops an event from a list that it does not belong to.
func dropUnlessInEventLists(t repairer, item kv.Item) ([]byte, error) {
	_, seq := cutSeq(item.Key)
	var e call.Event
	err := t.load(eventKey(seq), &e)
	if err != nil && !errors.Is(err, call.ErrNotFound) {
		return nil, err
	}
	if err == nil {
		keys, err := t.eventKeysOf(e)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, item.Key) }) {
			return after(item.Key), nil
		}
	}
	return after(item.Key), t.drop(item.Key)
}
