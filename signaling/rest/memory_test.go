package rest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"showroom/call"
)

// memory is a Store over the folds of package call, nothing more.
type memory struct {
	mu       sync.Mutex
	now      func() time.Time
	seq      uint64
	confs    map[string]call.Conference
	sellers  map[string]call.Seller
	buyers   map[string]call.Buyer
	keys     map[string]call.Key
	answers  map[string][2][]byte // digest, answer
	hooks    map[string]call.Webhook
	attempts map[string][]call.Attempt
	devices  map[string]call.Device
	log      []call.Event
	people
	appended chan struct{}
	broken   error // what every call fails with
}

func newMemory(now func() time.Time) *memory {
	return &memory{
		now: now, confs: map[string]call.Conference{}, sellers: map[string]call.Seller{}, buyers: map[string]call.Buyer{},
		people: newPeople(), appended: make(chan struct{}), keys: map[string]call.Key{}, answers: map[string][2][]byte{}, hooks: map[string]call.Webhook{}, attempts: map[string][]call.Attempt{},
		devices: map[string]call.Device{},
	}
}

func find[T any](m *memory, in map[string]T, key string) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := in[key]
	if m.broken != nil {
		return v, m.broken
	}
	if !ok {
		return v, call.ErrNotFound
	}
	return v, nil
}

// fold appends events and keeps the case after them. The caller holds mu.
func (m *memory) fold(c call.Case, events []call.Event, err error) (call.Case, []call.Event, error) {
	if err = cmp.Or(m.broken, err); err != nil {
		return call.Case{}, nil, err
	}
	for i := range events {
		m.seq++
		events[i].Seq = m.seq
		c = c.Apply(events[i])
		m.log = append(m.log, events[i])
	}
	if len(events) > 0 {
		close(m.appended)
		m.appended = make(chan struct{})
	}
	m.confs[c.Conference.ID], m.sellers[c.Seller.ID], m.buyers[c.Buyer.ID] = c.Conference, c.Seller, c.Buyer
	return c, events, nil
}

func (m *memory) caseOf(id string) (call.Case, error) {
	f, ok := m.confs[id]
	if !ok || id == "" {
		return call.Case{}, call.ErrNotFound
	}
	return call.Case{Conference: f, Seller: m.sellers[f.Seller], Buyer: m.buyers[f.Buyer]}, nil
}

func (m *memory) Case(_ context.Context, id string) (call.Case, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.caseOf(id)
	return c, cmp.Or(m.broken, err)
}

func (m *memory) Apply(_ context.Context, id string, rule call.Rule) (call.Case, []call.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.caseOf(id)
	if err != nil {
		return call.Case{}, nil, err
	}
	c.Busy = m.busy(c.Seller.ID)
	events, err := rule(c, m.now())
	c.Busy = nil
	return m.fold(c, events, err)
}

func (m *memory) busy(seller string) call.Busy {
	return func(from, until time.Time) (found []call.Conference, _ error) {
		for _, c := range m.confs {
			if c.Seller == seller && !c.StartsAt.Before(from) && c.StartsAt.Before(until) {
				found = append(found, c)
			}
		}
		return found, nil
	}
}

func (m *memory) Schedule(_ context.Context, seller, buyer string, rule call.Rule) (call.Case, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, known := m.sellers[seller]
	if !known {
		return call.Case{}, call.Invalid("seller", "there is no such seller")
	}
	b, known := m.buyers[buyer]
	if !known {
		return call.Case{}, call.Invalid("buyer", "there is no such buyer")
	}
	c := call.Case{Seller: s, Buyer: b, Busy: m.busy(s.ID)}
	events, err := rule(c, m.now())
	c.Busy = nil
	if err == nil {
		c.Conference.ID = events[0].Stream
	}
	c, _, err = m.fold(c, events, err)
	return c, err
}

func (m *memory) Conferences(_ context.Context, f call.Filter, after string, limit int) ([]call.Conference, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []call.Conference
	for _, c := range m.confs {
		if c.ID != "" && (f.Seller == "" || f.Seller == c.Seller) && (f.Buyer == "" || f.Buyer == c.Buyer) && (f.State == "" || f.State == c.State) && inSpan(f.Span, c.StartsAt) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(x, y call.Conference) int {
		return cmp.Or(y.StartsAt.Compare(x.StartsAt), cmp.Compare(y.ID, x.ID))
	})
	return cut(all, after, limit)
}

// cut is one page; its cursor is a position.
func cut[T any](all []T, after string, limit int) ([]T, string, error) {
	from := 0
	if after != "" {
		var err error
		if from, err = strconv.Atoi(after); err != nil || from < 0 || from > len(all) {
			return nil, "", badCursor()
		}
	}
	all = all[from:]
	if len(all) <= limit {
		return all, "", nil
	}
	return all[:limit], strconv.Itoa(from + limit), nil
}

func (m *memory) Messages(_ context.Context, seller, after string, limit int) ([]call.Placed, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []call.Placed
	for _, f := range m.confs {
		if c, err := m.caseOf(f.ID); err == nil && (seller == "" || f.Seller == seller) {
			all = append(all, messagesOf(c)...)
		}
	}
	slices.SortFunc(all, func(x, y call.Placed) int { return cmp.Compare(y.Message.Seq, x.Message.Seq) })
	return cut(all, after, limit)
}

func (m *memory) StreamEvents(_ context.Context, stream string, after uint64, limit int) ([]call.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []call.Event
	for _, e := range m.log {
		if e.Stream == stream && e.Seq > after && len(found) < limit {
			found = append(found, e)
		}
	}
	return found, nil
}

func (m *memory) Before(_ context.Context, t time.Time) (seq uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.log {
		if e.At.Before(t) {
			seq = e.Seq
		}
	}
	return seq, m.broken
}

func (m *memory) EventsOf(_ context.Context, f call.EventFilter, after uint64, limit int) (found []call.Event, next uint64, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for next = after; next < m.seq; {
		e := m.log[next]
		next++
		c := m.confs[e.Stream]
		seller, buyer := cmp.Or(c.Seller, m.buyers[e.Stream].Seller, e.Stream), cmp.Or(c.Buyer, e.Stream)
		if (f.Seller == "" || f.Seller == seller) && (f.Buyer == "" || f.Buyer == buyer) && (len(f.Types) == 0 || slices.Contains(f.Types, e.Body.Type())) {
			found = append(found, e)
		}
		if len(found) == limit {
			break
		}
	}
	return found, next, m.broken
}

func inSpan(s call.Span, t time.Time) bool {
	return !t.Before(s.From) && (s.To.IsZero() || t.Before(s.To))
}

func inPeople(f call.PeopleFilter, created time.Time, places []string) bool {
	return inSpan(f.Span, created) && (f.Text == "" || slices.ContainsFunc(places, func(p string) bool { return strings.HasPrefix(p, call.SearchText(f.Text)) }))
}

func (m *memory) Head(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.seq, m.broken
}

func (m *memory) Appended() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.appended
}

func (m *memory) RegisterSeller(_ context.Context, actor string, p call.Profile) (call.Seller, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := newID("sell_")
	events, err := call.Register(id, actor, p, m.now())
	c, _, err := m.fold(call.Case{Seller: call.Seller{ID: id}}, events, err)
	return c.Seller, err
}

func (m *memory) ChangeSeller(_ context.Context, id, actor string, change func(call.Seller) (call.Profile, error)) (call.Seller, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sellers[id]
	if !ok {
		return s, call.ErrNotFound
	}
	p, err := change(s)
	if err != nil {
		return s, err
	}
	events, err := s.Change(actor, p, m.now())
	c, _, err := m.fold(call.Case{Seller: s}, events, err)
	return c.Seller, err
}

func (m *memory) RegisterBuyer(_ context.Context, actor string, in call.Contact) (call.Buyer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := newID("buy_")
	events, err := call.RegisterBuyer(id, actor, in, m.now())
	c, _, err := m.fold(call.Case{Buyer: call.Buyer{ID: id}}, events, err)
	return c.Buyer, err
}

func (m *memory) ChangeBuyer(_ context.Context, id, actor string, change func(call.Buyer) (call.Contact, error)) (call.Buyer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.buyers[id]
	if !ok {
		return b, call.ErrNotFound
	}
	c, err := change(b)
	if err != nil {
		return b, err
	}
	events, err := b.Change(actor, c, m.now())
	after, _, err := m.fold(call.Case{Buyer: b}, events, err)
	return after.Buyer, err
}

func (m *memory) Seller(_ context.Context, id string) (call.Seller, error) {
	return find(m, m.sellers, id)
}
func (m *memory) Buyer(_ context.Context, id string) (call.Buyer, error) {
	return find(m, m.buyers, id)
}

func (m *memory) Sellers(_ context.Context, f call.PeopleFilter, after string, limit int) ([]call.Seller, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := newestFirst(m.sellers, func(s call.Seller) (time.Time, string) { return s.CreatedAt, s.ID })
	return cut(slices.DeleteFunc(all, func(s call.Seller) bool { return !inPeople(f, s.CreatedAt, s.SearchPlaces()) }), after, limit)
}

func (m *memory) Buyers(_ context.Context, f call.PeopleFilter, after string, limit int) ([]call.Buyer, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := newestFirst(m.buyers, func(b call.Buyer) (time.Time, string) { return b.CreatedAt, b.ID })
	return cut(slices.DeleteFunc(all, func(b call.Buyer) bool {
		return f.Seller != "" && b.Seller != f.Seller || !inPeople(f, b.CreatedAt, b.SearchPlaces())
	}), after, limit)
}

func newestFirst[T any](in map[string]T, by func(T) (time.Time, string)) []T {
	var all []T
	for id, v := range in {
		if id != "" {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(x, y T) int {
		tx, ix := by(x)
		ty, iy := by(y)
		return cmp.Or(ty.Compare(tx), cmp.Compare(iy, ix))
	})
	return all
}

func (m *memory) Remembered(_ context.Context, key string, digest []byte) ([]byte, error) {
	kept, err := find(m, m.answers, key)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(kept[0], digest) {
		return nil, call.ErrReused
	}
	return kept[1], nil
}

func (m *memory) Remember(_ context.Context, key string, digest, answer []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers[key] = [2][]byte{digest, answer}
	return nil
}
