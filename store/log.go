package store

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sort"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

const maxBatch = 1000 // events or objects read at once, at most

// Events returns up to limit events after seq, in order.
func (s *Store) Events(ctx context.Context, after uint64, limit int) ([]call.Event, error) {
	if after == math.MaxUint64 {
		return nil, nil
	}
	r := kv.Prefix([]byte(tableEvent))
	r.From = eventKey(after + 1)
	var events []call.Event
	err := s.view(ctx, func(t tx) error {
		for item, err := range t.Scan(r) {
			if err != nil {
				return err
			}
			e, err := decodeEvent(item.Value)
			if err != nil {
				return err
			}
			if events = append(events, e); len(events) >= batch(limit) {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read log after %d: %w", after, err)
	}
	return events, nil
}

// StreamEvents returns up to limit events after seq that concern a conference, seller or buyer, in order. Those of a conference
// include its minutes, which are events of the seller. Of what does not exist there are none.
func (s *Store) StreamEvents(ctx context.Context, stream string, after uint64, limit int) ([]call.Event, error) {
	if !validID(stream) || after == math.MaxUint64 {
		return nil, nil
	}
	var events []call.Event
	err := s.view(ctx, func(t tx) (err error) {
		events, err = t.streamEvents(stream, after, batch(limit))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read events of %s: %w", stream, err)
	}
	return events, nil
}

func (t tx) streamEvents(stream string, after uint64, limit int) ([]call.Event, error) {
	r := kv.Prefix(streamPrefix(stream))
	r.From = streamKey(stream, after+1)
	var events []call.Event
	for item, err := range t.Scan(r) {
		if err != nil {
			return nil, err
		}
		_, seq := cutSeq(item.Key)
		data, err := t.Get(eventKey(seq))
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", seq, err)
		}
		e, err := decodeEvent(data)
		if err != nil {
			return nil, err
		}
		if events = append(events, e); len(events) >= limit {
			break
		}
	}
	return events, nil
}

// batch is how many to read when limit are asked for.
func batch(limit int) int { return min(max(limit, 1), maxBatch) }

func decodeEvent(data []byte) (e call.Event, err error) {
	err = json.Unmarshal(data, &e)
	return e, err
}

// Head is the number of the last event, 0 before the first.
func (s *Store) Head(ctx context.Context) (seq uint64, err error) {
	err = s.view(ctx, func(t tx) error {
		seq, err = t.lastSeq()
		return err
	})
	return seq, err
}

// Before is the number of the last event before a time, 0 if there is none. It looks at a few events only: where the clock was set back, it is as
// far off as the clock was.
func (s *Store) Before(ctx context.Context, at time.Time) (seq uint64, err error) {
	err = s.view(ctx, func(t tx) error {
		last, err := t.lastSeq()
		if err != nil || last > math.MaxInt {
			return err
		}
		n := sort.Search(int(last), func(i int) bool { // events have the numbers from 1 on
			if err != nil {
				return true
			}
			var e call.Event
			err = t.load(eventKey(uint64(i)+1), &e)
			return err != nil || !e.At.Before(at)
		})
		seq = uint64(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("look for the last event before %s: %w", at, err)
	}
	return seq, nil
}

// lastSeq is the number of the last event, 0 before the first.
func (t tx) lastSeq() (uint64, error) {
	r := kv.Prefix([]byte(tableEvent))
	r.Reverse = true
	for item, err := range t.Scan(r) {
		if err != nil {
			return 0, err
		}
		_, seq := cutSeq(item.Key)
		return seq, nil
	}
	return 0, nil
}

// putEvent writes one event that belongs to the case.
func (t tx) putEvent(c call.Case, e call.Event) error {
	if e.Body == nil || !validID(e.Stream) {
		return fmt.Errorf("a rule made an event without a body or a stream of ours: %q", e.Stream)
	}
	if e.Stream != c.Conference.ID && e.Stream != c.Seller.ID && e.Stream != c.Buyer.ID {
		return fmt.Errorf("a rule on conference %s made %s for %s, which is not part of it", c.Conference.ID, e.Body.Type(), e.Stream)
	}
	if err := t.save(eventKey(e.Seq), e); err != nil {
		return err
	}
	keys := eventKeys(e, ownersIn(c, e))
	for _, stream := range concerned(e) {
		keys = append(keys, streamKey(stream, e.Seq))
	}
	for _, k := range keys {
		if err := t.Put(k, nil); err != nil {
			return err
		}
	}
	return nil
}

// concerned are the streams under which an event is found: its own, and for minutes the conference that spends them.
func concerned(e call.Event) []string {
	conference := ""
	switch b := e.Body.(type) {
	case call.Reserved:
		conference = b.Conference
	case call.Returned:
		conference = b.Conference
	}
	if conference == e.Stream || !validID(conference) {
		return []string{e.Stream}
	}
	return []string{e.Stream, conference}
}

// unused says that a stream can be opened, or call.ErrExists.
func (t tx) unused(stream string) error {
	found, err := t.has(kv.Prefix(streamPrefix(stream)))
	if err != nil {
		return err
	}
	if found {
		return call.ErrExists
	}
	return nil
}

// Cursor returns the durable cursor of that name, 0 at first.
func (s *Store) Cursor(ctx context.Context, name string) (seq uint64, err error) {
	err = s.view(ctx, func(t tx) error {
		data, err := t.Get(idKey(tableCursor, name))
		if errors.Is(err, kv.ErrNotFound) {
			return nil
		}
		if err == nil && len(data) != 8 {
			err = fmt.Errorf("%d bytes instead of 8", len(data))
		}
		if err != nil {
			return err
		}
		seq = binary.BigEndian.Uint64(data)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("read cursor %s: %w", name, err)
	}
	return seq, nil
}

// SetCursor moves the cursor, forwards or back.
func (s *Store) SetCursor(ctx context.Context, name string, seq uint64) error {
	if !validID(name) {
		return fmt.Errorf("move cursor %q: the name must be 1 to %d of a-z, 0-9 and _", name, maxID)
	}
	err := s.update(ctx, func(t tx) error {
		return t.Put(idKey(tableCursor, name), binary.BigEndian.AppendUint64(nil, seq))
	})
	if err != nil {
		return fmt.Errorf("move cursor %s: %w", name, err)
	}
	return nil
}
