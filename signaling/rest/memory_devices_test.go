package rest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"showroom/call"
)

func (m *memory) RegisterDevice(_ context.Context, actor string, d call.Device) (call.Device, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, err := m.owner(d.Owner)
	if err != nil {
		return d, false, err
	}
	old := call.Device{}
	for _, other := range m.devices {
		if other.Token == d.Token {
			old = other
		}
	}
	if old.Owner != d.Owner {
		delete(m.devices, old.ID)
		old = call.Device{}
		d.ID = fmt.Sprintf("dev_%d", m.seq+1)
	}
	kept, events := d.Register(old, actor, m.now())
	_, _, err = m.fold(c, events, nil)
	m.devices[kept.ID] = kept
	return kept, old.ID == "", err
}

// owner is a seller or a buyer. The caller holds mu.
func (m *memory) owner(id string) (c call.Case, err error) {
	var is bool
	if c.Seller, is = m.sellers[id]; !is {
		if c.Buyer, is = m.buyers[id]; !is {
			return c, cmp.Or(m.broken, call.ErrNotFound)
		}
	}
	return c, m.broken
}

func (m *memory) Devices(_ context.Context, owner string) (all []call.Device, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.owner(owner); err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(m.devices)) {
		if m.devices[id].Owner == owner {
			all = append(all, m.devices[id])
		}
	}
	return all, nil
}

func (m *memory) RemoveDevice(_ context.Context, owner, id, _ string) error {
	d, err := find(m, m.devices, id)
	if err != nil || d.Owner != owner {
		return cmp.Or(err, call.ErrNotFound)
	}
	delete(m.devices, id)
	return nil
}
