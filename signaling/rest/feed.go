package rest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"showroom/call"
)

const (
	maxWait     = 25     // seconds that a request waits for the next event
	maxWaiting  = 500    // requests and sockets that wait at once
	scanAtOnce  = 500    // events read of the log at once
	scanAtMost  = 20_000 // events looked at for one page: past that the page is given as it is, and its cursor goes on
	maxTypes    = 50
	typesLength = 1000 // bytes of the parameter
)

// feed reads the log for one subscriber: what is of a seller, if it is for one, and of some types, if it names any.
type feed struct {
	store  Store
	seller string
	types  []string
	owners map[string]string // seller of each conference and buyer that was seen
}

func (a *api) newFeed(key call.Key, seller string, types []string) (*feed, error) {
	if key.Scope == ScopeSeller {
		if seller != "" && seller != key.Seller {
			return nil, call.Invalid("seller", "there is no such seller")
		}
		seller = key.Seller
	}
	if seller != "" && !isID("sell_", seller) {
		return nil, call.Invalid("seller", "not the id of a seller")
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
	return &feed{store: a.Store, seller: seller, types: types, owners: map[string]string{}}, nil
}

// page reads up to limit events behind after, and how far the log was looked at. An empty page at the end of the log is done.
func (f *feed) page(ctx context.Context, after uint64, limit int) (events []call.Event, next uint64, err error) {
	for next = after; next-after < scanAtMost; {
		batch, err := f.store.Events(ctx, next, scanAtOnce)
		if err != nil {
			return nil, after, err
		}
		for _, e := range batch {
			mine, err := f.wants(ctx, e)
			if err != nil {
				return nil, after, err
			}
			next = e.Seq
			if mine {
				events = append(events, e)
			}
			if len(events) == limit {
				return events, next, nil
			}
		}
		if len(batch) < scanAtOnce {
			break
		}
	}
	return events, next, nil
}

func (f *feed) wants(ctx context.Context, e call.Event) (bool, error) {
	if len(f.types) > 0 && !slices.Contains(f.types, e.Body.Type()) {
		return false, nil
	}
	if f.seller == "" || e.Stream == f.seller {
		return true, nil
	}
	owner, known := f.owners[e.Stream]
	if !known {
		var err error
		if owner, err = f.ownerOf(ctx, e.Stream); err != nil && !errors.Is(err, call.ErrNotFound) {
			return false, err
		}
		f.owners[e.Stream] = owner
	}
	return owner == f.seller, nil
}

func (f *feed) ownerOf(ctx context.Context, stream string) (string, error) {
	switch {
	case strings.HasPrefix(stream, "conf_"):
		c, err := f.store.Case(ctx, stream)
		return c.Conference.Seller, err
	case strings.HasPrefix(stream, "buy_"):
		b, err := f.store.Buyer(ctx, stream)
		return b.Seller, err
	}
	return "", nil
}

// wait reads the next page, and when there is none waits for an event until ctx ends, patience runs out, or the server closes. Then the
// page is empty.
func (f *feed) wait(ctx context.Context, closing <-chan struct{}, patience time.Duration, after uint64, limit int) (events []call.Event, next uint64, err error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for next = after; ; {
		appended := f.store.Appended() // before reading
		from := next
		if events, next, err = f.page(ctx, next, limit); err != nil || len(events) > 0 {
			return events, next, err
		}
		if next-from >= scanAtMost {
			continue // there is more to look at
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
	f, err := a.newFeed(r.subject.key, q.Get("seller"), splitTypes(q.Get("type")))
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
