package rest

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"showroom/call"
)

const (
	maxWait     = 25  // seconds that a request waits for the next event
	maxWaiting  = 500 // requests and sockets that wait at once
	maxTypes    = 50
	typesLength = 1000 // bytes of the parameter
)

// feed reads the log for one subscriber, who may want only what is of a seller or a buyer, and of some types.
type feed struct {
	store  Store
	filter call.EventFilter
}

func (a *api) newFeed(key call.Key, seller, buyer string, types []string) (*feed, error) {
	if key.Scope == ScopeSeller {
		if seller != "" && seller != key.Seller {
			return nil, call.Invalid("seller", "there is no such seller")
		}
		seller = key.Seller
	}
	if seller != "" && !isID("sell_", seller) {
		return nil, call.Invalid("seller", "not the id of a seller")
	}
	if buyer != "" && !isID("buy_", buyer) {
		return nil, call.Invalid("buyer", "not the id of a buyer")
	}
	if len(types) > maxTypes {
		return nil, call.Invalid("type", fmt.Sprintf("more than %d types", maxTypes))
	}
	known := call.Types()
	for _, t := range types {
		if !slices.Contains(known, t) {
			return nil, call.Invalid("type", fmt.Sprintf("there is no event of the type %q", t))
		}
	}
	return &feed{a.Store, call.EventFilter{Seller: seller, Buyer: buyer, Types: types}}, nil
}

// page reads up to limit events behind after, and how far the log was looked at.
func (f *feed) page(ctx context.Context, after uint64, limit int) (events []call.Event, next uint64, err error) {
	return f.store.EventsOf(ctx, f.filter, after, limit)
}

// wait reads the next page, and when there is none waits for an event until ctx ends, patience runs out, or the server closes. Then the
// page is empty.
func (f *feed) wait(ctx context.Context, closing <-chan struct{}, patience time.Duration, after uint64, limit int) (events []call.Event, next uint64, err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for next = after; ; {
		appended := f.store.Appended() // before reading
		if events, next, err = f.page(ctx, next, limit); err != nil || len(events) > 0 {
			return events, next, err
		}
		select {
		case <-appended:
		case <-timer.C:
			return nil, next, nil
		case <-closing:
			return nil, next, nil
		case <-ctx.Done():
			return nil, next, ctx.Err()
		}
	}
}

// eventPage is a page of the log: there always is a cursor, since the log goes on.
type eventPage struct {
	Data []event `json:"data"`
	Next string  `json:"next"`
}

func (a *api) listAllEvents(r *request) (reply, error) {
	q := r.URL.Query()
	cursor, limit, err := paging(q)
	if err != nil {
		return reply{}, err
	}
	after, err := seqCursor(cursor)
	if err != nil {
		return reply{}, err
	}
	patience, err := waitOf(q)
	if err != nil {
		return reply{}, err
	}
	if len(q.Get("type")) > typesLength {
		return reply{}, call.Invalid("type", "too long")
	}
	f, err := a.newFeed(r.subject.key, q.Get("seller"), q.Get("buyer"), splitTypes(q.Get("type")))
	if err != nil {
		return reply{}, err
	}
	var events []call.Event
	var next uint64
	if patience == 0 {
		events, next, err = f.page(r.Context(), after, limit)
	} else {
		leave, room := a.enterFeed()
		if !room {
			return reply{}, fail(codeUnavailable, "too many wait for events at the moment; try again shortly, or ask without wait")
		}
		defer leave()
		events, next, err = f.wait(r.Context(), a.Closing, patience, after, limit)
	}
	if err != nil {
		return reply{}, err
	}
	out := eventPage{Data: []event{}, Next: strconv.FormatUint(next, 10)}
	for _, e := range events {
		out.Data = append(out.Data, showEvent(e))
	}
	return ok(out)
}

// enterFeed takes one of the places for those who wait.
func (a *api) enterFeed() (leave func(), room bool) {
	select {
	case a.waiting <- struct{}{}:
		return func() { <-a.waiting }, true
	default:
		return nil, false
	}
}

func splitTypes(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

func waitOf(q url.Values) (time.Duration, error) {
	if !q.Has("wait") {
		return 0, nil
	}
	seconds, err := strconv.Atoi(q.Get("wait"))
	if err != nil || seconds < 0 || seconds > maxWait {
		return 0, call.Invalid("wait", fmt.Sprintf("not a whole number of seconds between 0 and %d", maxWait))
	}
	return time.Duration(seconds) * time.Second, nil
}
