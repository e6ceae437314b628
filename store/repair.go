package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"showroom/call"
	"showroom/store/kv"
)

func repairStreams(t repairer, item kv.Item) ([]byte, error) {
	e, err := decodeEvent(item.Value)
	if err != nil {
		return nil, err
	}
	if _, seq := cutSeq(item.Key); seq != e.Seq {
		return nil, fmt.Errorf("event %d stands at place %d of the log", e.Seq, seq)
	}
	for _, stream := range concerned(e) {
		if err := t.ensure(streamKey(stream, e.Seq), nil); err != nil {
			return nil, err
		}
	}
	return after(item.Key), nil
}

// dropUnlessEvent drops an event from a stream that it does not concern.
func dropUnlessEvent(t repairer, item kv.Item) ([]byte, error) {
	prefix, seq := cutSeq(item.Key)
	var e call.Event
	err := t.load(eventKey(seq), &e)
	if err != nil && !errors.Is(err, call.ErrNotFound) {
		return nil, err
	}
	if err == nil && slices.Contains(concerned(e), streamOf(prefix)) {
		return after(item.Key), nil
	}
	return after(item.Key), t.drop(item.Key)
}

// repairViews folds a stream, and goes on behind it.
func repairViews(t repairer, item kv.Item) ([]byte, error) {
	prefix, _ := cutSeq(item.Key)
	stream := streamOf(prefix)
	var c call.Case
	for seq := uint64(0); ; {
		events, err := t.streamEvents(stream, seq, maxBatch)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			if seq = e.Seq; e.Stream == stream {
				c = fold(c, e)
			}
		}
		if len(events) < maxBatch {
			return kv.Prefix(prefix).To, t.ensureViews(c)
		}
	}
}

// fold folds the events of one stream; its first says whose it is.
func fold(c call.Case, e call.Event) call.Case {
	switch e.Body.(type) {
	case call.Scheduled:
		c.Conference.ID = e.Stream
	case call.SellerRegistered:
		c.Seller.ID = e.Stream
	case call.BuyerRegistered:
		c.Buyer.ID = e.Stream
	}
	return c.Apply(e)
}

func (r repairer) ensureViews(c call.Case) error {
	if c.Conference.ID != "" {
		return r.ensureView(tableConference, c.Conference.ID, c.Conference, conferenceKeys(c.Conference))
	}
	if c.Seller.ID != "" {
		return r.ensureView(tableSeller, c.Seller.ID, c.Seller, sellerKeys(c.Seller))
	}
	if c.Buyer.ID != "" {
		return r.ensureView(tableBuyer, c.Buyer.ID, c.Buyer, buyerKeys(c.Buyer))
	}
	return nil
}

func (r repairer) ensureView(table, id string, v any, listed [][]byte) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", id, err)
	}
	if err := r.ensure(idKey(table, id), data); err != nil {
		return err
	}
	for _, k := range listed {
		if err := r.ensure(k, nil); err != nil {
			return err
		}
	}
	return nil
}

// dropUnlessStream drops a view of what the log does not know.
func dropUnlessStream(t repairer, item kv.Item) ([]byte, error) {
	id := item.Key[len(tableConference):] // all three tables' names are as long
	found, err := t.has(kv.Prefix(streamPrefix(string(id))))
	if err == nil && !found {
		err = t.drop(item.Key)
	}
	return after(item.Key), err
}

// dropUnlessListed drops a place in a list that the view does not have.
func dropUnlessListed(t repairer, item kv.Item) ([]byte, error) {
	keys, err := t.keysOf(item.Key)
	if err != nil && !errors.Is(err, call.ErrNotFound) {
		return nil, err
	}
	if slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, item.Key) }) {
		return after(item.Key), nil
	}
	return after(item.Key), t.drop(item.Key)
}

// keysOf are all places in lists of what stands at one of them.
func (t tx) keysOf(key []byte) ([][]byte, error) {
	list, rest := string(key[:len(listConferences)]), key[len(listConferences):]
	cut := func(words int) []byte {
		id := rest
		for range words {
			_, id, _ = bytes.Cut(id, []byte{0})
		}
		return id
	}
	conference := func(id string) ([][]byte, error) {
		c, err := object[call.Conference](t, tableConference, id)
		return conferenceKeys(c), err
	}
	seller := func(id string) ([][]byte, error) {
		s, err := object[call.Seller](t, tableSeller, id)
		return sellerKeys(s), err
	}
	buyer := func(id string) ([][]byte, error) {
		b, err := object[call.Buyer](t, tableBuyer, id)
		return buyerKeys(b), err
	}
	switch list {
	case listConferences, listRecordings:
		return conference(aged(cut(3))) // behind buyer, seller and state
	case listKept:
		return conference(aged(cut(1)))
	case listMessages:
		return conference(conferenceOf(cut(1)))
	case listUnfinished, listTasks, listOpen:
		return conference(string(rest))
	case listAwaited:
		return conference(aged(rest))
	case listSellers:
		return seller(aged(rest))
	case listSellerWords:
		return seller(string(cut(2))) // the choice's end, and the place
	case listErasures:
		return buyer(string(rest))
	case listBuyers:
		return buyer(aged(cut(1)))
	default:
		return buyer(string(cut(2)))
	}
}

// aged is the id behind a time, none if there is no time.
func aged(end []byte) string {
	if len(end) < timeSize {
		return ""
	}
	return string(end[timeSize:])
}
