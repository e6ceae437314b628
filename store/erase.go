package store

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

// OrderErasure has everything of a buyer erased, at once and for all: the buyer has no name from the commit on, plans are cancelled, recordings
// are to be deleted. A call that is not over is a call.RunningError, and nothing is changed. What was ordered before is no news.
func (s *Store) OrderErasure(ctx context.Context, buyer, actor, address string) (after call.Buyer, err error) {
	wrote := false
	err = s.update(ctx, func(t tx) error {
		now := s.clock()
		if after, err = object[call.Buyer](t, tableBuyer, buyer); err != nil || after.Erasure.Ordered() {
			return errOr(err, errNothing)
		}
		ids, err := t.conferencesOf(buyer)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, _, err := t.change(applying(id, call.EraseConference(actor, address)), now); err != nil {
				return err
			}
		}
		events, err := after.OrderErasure(actor, address, len(ids), now)
		if err != nil {
			return err
		}
		c, _, err := t.append(call.Case{Buyer: after}, events)
		after, wrote = c.Buyer, err == nil
		return err
	})
	if wrote && (err == nil || commitOpen(err)) {
		s.appended.tell()
	}
	if err != nil {
		return call.Buyer{}, fmt.Errorf("order erasure of %s: %w", buyer, err)
	}
	return after, nil
}

// conferencesOf are the ids of all conferences of a buyer.
func (t tx) conferencesOf(buyer string) (ids []string, err error) {
	list := chosenPrefix(listConferences, buyer, "", "")
	for item, err := range t.Scan(kv.Prefix(list)) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, aged(item.Key[len(list):]))
	}
	return ids, nil
}

// ConferencesOf are the ids of all conferences of a buyer, the earliest first.
func (s *Store) ConferencesOf(ctx context.Context, buyer string) (ids []string, err error) {
	if !validID(buyer) {
		return nil, nil
	}
	err = s.view(ctx, func(t tx) error {
		ids, err = t.conferencesOf(buyer)
		return err
	})
	return ids, err
}

// Erasures are the buyers whose erasure was ordered and is not finished.
func (s *Store) Erasures(ctx context.Context) ([]string, error) { return s.ids(ctx, listErasures) }

// Anonymize rewrites the events of a buyer whose erasure was ordered, and of the buyer's conferences, without anything personal, makes their views
// anew from them, drops the buyer's devices, and what webhooks answered to them. The events stay where they are: numbers, types and times do not change, nor do minutes. It
// may be repeated, and goes on where an earlier one has stopped.
func (s *Store) Anonymize(ctx context.Context, buyer string) (done call.Erased, err error) {
	ids, err := s.ConferencesOf(ctx, buyer)
	if err != nil {
		return done, err
	}
	streams := map[string]bool{}
	for _, stream := range append(ids, buyer) {
		streams[stream] = true
		if err := s.anonymize(ctx, stream, &done); err != nil {
			return done, fmt.Errorf("anonymize %s: %w", stream, err)
		}
	}
	if err := s.forgetDevices(ctx, buyer); err != nil {
		return done, fmt.Errorf("forget devices: %w", err)
	}
	done.Conferences = len(ids)
	hooks, err := s.Webhooks(ctx)
	if err != nil {
		return done, err
	}
	for _, w := range hooks {
		n, err := s.forgetAnswers(ctx, w.ID, streams)
		if err != nil {
			return done, fmt.Errorf("forget answers of %s: %w", w.ID, err)
		}
		done.Attempts += n
	}
	return done, nil
}

// anonymize rewrites one stream and adds what there is of it to done.
func (s *Store) anonymize(ctx context.Context, stream string, done *call.Erased) error {
	events, recorded := 0, call.Conference{}
	err := s.update(ctx, func(t tx) error {
		events = 0
		n := 0
		r := repairer{t, &n}
		c, err := t.rewrite(stream, func(e call.Event) error {
			events++
			data, err := json.Marshal(e)
			if err != nil {
				return err
			}
			return r.ensure(eventKey(e.Seq), data)
		})
		if err != nil {
			return err
		}
		recorded = c.Conference
		return errOr(r.ensureViews(c), r.done())
	})
	if err != nil {
		return err
	}
	done.Events += events
	if len(recorded.Files) > 0 {
		done.Recordings++
	}
	for _, f := range recorded.Files {
		done.Files++
		done.Bytes += f.Size
	}
	return nil
}

// rewrite gives keep each event of a stream without anything personal, and returns the fold of them.
func (t tx) rewrite(stream string, keep func(call.Event) error) (c call.Case, err error) {
	for seq := uint64(0); ; {
		events, err := t.streamEvents(stream, seq, maxBatch)
		if err != nil {
			return c, err
		}
		for _, e := range events {
			if seq = e.Seq; e.Stream != stream { // minutes of the seller
				continue
			}
			if e, err = call.Anonymous(e); err != nil {
				return c, err
			}
			if err := keep(e); err != nil {
				return c, err
			}
			c = fold(c, e)
		}
		if len(events) < maxBatch {
			return c, nil
		}
	}
}

// forgetAnswers drops what a webhook answered to events of some streams, and says how many such attempts there are.
func (s *Store) forgetAnswers(ctx context.Context, webhook string, streams map[string]bool) (n int, err error) {
	err = s.update(ctx, func(t tx) error {
		n = 0
		changed := 0
		for item, err := range t.Scan(kv.Prefix(attemptPrefix(webhook))) {
			if err != nil {
				return err
			}
			var a call.Attempt
			if err := json.Unmarshal(item.Value, &a); err != nil {
				return fmt.Errorf("decode %q: %w", item.Key, err)
			}
			if !streams[a.Stream] {
				continue
			}
			n++
			a.Response = ""
			data, err := json.Marshal(a)
			if err != nil {
				return err
			}
			if !bytes.Equal(data, item.Value) {
				changed++
				if err := t.Put(item.Key, data); err != nil {
					return err
				}
			}
		}
		return repairer{t, &changed}.done()
	})
	return n, err
}

// erased says whether a stream is of a buyer whose data is or was erased.
func (t tx) erased(stream string) (bool, error) {
	o, err := t.ownersOf(stream)
	if err != nil || o.buyer == "" {
		return false, err
	}
	b, err := object[call.Buyer](t, tableBuyer, o.buyer)
	return b.Erasure.Ordered(), err
}

// FinishErasure proves in the log that nothing of the buyer is left.
func (s *Store) FinishErasure(ctx context.Context, buyer string, proof call.Erased) (call.Buyer, error) {
	return s.buyerEvents(ctx, buyer, func(b call.Buyer, now time.Time) ([]call.Event, error) { return b.FinishErasure(proof, now) })
}

// ExportBuyer says in the log that a copy of everything of a buyer is given out.
func (s *Store) ExportBuyer(ctx context.Context, buyer, actor, address, recordings string) (call.Buyer, error) {
	return s.buyerEvents(ctx, buyer, func(b call.Buyer, now time.Time) ([]call.Event, error) {
		return b.Export(actor, address, recordings, now)
	})
}

// Scrub overwrites what was deleted and replaced so far, where the database can.
func (s *Store) Scrub(ctx context.Context) error {
	db, ok := s.db.(kv.Scrubber)
	if !ok {
		return nil
	}
	return db.Scrub(ctx)
}
