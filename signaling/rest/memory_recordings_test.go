package rest

import (
	"cmp"
	"context"
	"slices"

	"showroom/call"
)

func (m *memory) OrderErasure(_ context.Context, id, actor, address string) (call.Buyer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.buyers[id]
	if !ok || b.Erasure.Ordered() {
		return b, cmp.Or(m.broken, map[bool]error{false: call.ErrNotFound}[ok])
	}
	var all [][]call.Event
	for _, c := range m.confs {
		if c.Buyer == id && c.ID != "" {
			events, err := call.EraseConference(actor, address)(call.Case{Conference: c, Seller: m.sellers[c.Seller], Buyer: b}, m.now())
			if err != nil {
				return b, err
			}
			all = append(all, events)
		}
	}
	for _, events := range all {
		if len(events) > 0 {
			c, err := m.caseOf(events[0].Stream)
			if _, _, err = m.fold(c, events, err); err != nil {
				return b, err
			}
		}
	}
	events, err := b.OrderErasure(actor, address, len(all), m.now())
	after, _, err := m.fold(call.Case{Buyer: b}, events, err)
	return after.Buyer, err
}

func (m *memory) ExportBuyer(_ context.Context, id, actor, address, recordings string) (call.Buyer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.buyers[id]
	if !ok {
		return b, call.ErrNotFound
	}
	events, err := b.Export(actor, address, recordings, m.now())
	after, _, err := m.fold(call.Case{Buyer: b}, events, err)
	return after.Buyer, err
}

func (m *memory) ConferencesOf(_ context.Context, buyer string) (ids []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, c := range m.confs {
		if c.Buyer == buyer && id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, m.broken
}

func (m *memory) Recordings(_ context.Context, f call.RecordingFilter, after string, limit int) ([]call.Conference, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []call.Conference
	for _, c := range m.confs {
		if !c.RecordedAt.IsZero() && (f.Seller == "" || f.Seller == c.Seller) && (f.Buyer == "" || f.Buyer == c.Buyer) && (f.State == "" || f.State == c.RecordingState()) && inSpan(f.Span, c.RecordedAt) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(x, y call.Conference) int {
		return cmp.Or(y.RecordedAt.Compare(x.RecordedAt), cmp.Compare(y.ID, x.ID))
	})
	return cut(all, after, limit)
}

func (m *memory) Accesses(_ context.Context, conference string, before uint64, limit int) (found []call.Event, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range slices.Backward(m.log) {
		if e.Stream == conference && call.IsAccess(e.Body) && (before == 0 || e.Seq < before) && len(found) < limit {
			found = append(found, e)
		}
	}
	return found, m.broken
}

// unnoted is a memory that refuses to append for a while.
type unnoted struct {
	*memory
	err error
}

func (u *unnoted) Apply(ctx context.Context, id string, rule call.Rule) (call.Case, []call.Event, error) {
	if u.err != nil {
		return call.Case{}, nil, u.err
	}
	return u.memory.Apply(ctx, id, rule)
}
