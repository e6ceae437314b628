package rest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"showroom/call"
)

// memory is a Store over the folds of package call, nothing more.
type memory struct {
	mu      sync.Mutex
	now     func() time.Time
	seq     uint64
	confs   map[string]call.Conference
	sellers map[string]call.Seller
	buyers  map[string]call.Buyer
	keys    map[string]call.Key
	answers map[string][2][]byte // digest, answer
	log     []call.Event
	broken  error // what every call fails with
}

func newMemory(now func() time.Time) *memory {
	return &memory{
		now: now, confs: map[string]call.Conference{}, sellers: map[string]call.Seller{}, buyers: map[string]call.Buyer{},
		keys: map[string]call.Key{}, answers: map[string][2][]byte{},
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
	events, err := rule(c, m.now())
	return m.fold(c, events, err)
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
	c := call.Case{Seller: s, Buyer: b}
	events, err := rule(c, m.now())
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
		if c.ID != "" && (f.Seller == "" || f.Seller == c.Seller) && (f.State == "" || f.State == c.State) {
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

func (m *memory) RegisterSeller(_ context.Context, p call.Profile) (call.Seller, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := newID("sell_")
	events, err := call.Register(id, p, m.now())
	c, _, err := m.fold(call.Case{Seller: call.Seller{ID: id}}, events, err)
	return c.Seller, err
}

func (m *memory) ChangeSeller(_ context.Context, id string, change func(call.Profile) (call.Profile, error)) (call.Seller, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.sellers[id]
	if !ok {
		return s, call.ErrNotFound
	}
	p, err := change(s.Profile)
	if err != nil {
		return s, err
	}
	events, err := s.Change(p, m.now())
	c, _, err := m.fold(call.Case{Seller: s}, events, err)
	return c.Seller, err
}

func (m *memory) RegisterBuyer(_ context.Context, in call.Contact) (call.Buyer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := newID("buy_")
	events, err := call.RegisterBuyer(id, in, m.now())
	c, _, err := m.fold(call.Case{Buyer: call.Buyer{ID: id}}, events, err)
	return c.Buyer, err
}

func (m *memory) Seller(_ context.Context, id string) (call.Seller, error) {
	return find(m, m.sellers, id)
}
func (m *memory) Buyer(_ context.Context, id string) (call.Buyer, error) {
	return find(m, m.buyers, id)
}
func (m *memory) Key(_ context.Context, secret string) (call.Key, error) {
	return find(m, m.keys, secret)
}

func (m *memory) Sellers(_ context.Context, after string, limit int) ([]call.Seller, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return cut(newestFirst(m.sellers, func(s call.Seller) (time.Time, string) { return s.CreatedAt, s.ID }), after, limit)
}

func (m *memory) Buyers(_ context.Context, after string, limit int) ([]call.Buyer, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return cut(newestFirst(m.buyers, func(b call.Buyer) (time.Time, string) { return b.CreatedAt, b.ID }), after, limit)
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
