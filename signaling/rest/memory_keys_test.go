package rest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"showroom/call"
)

func (m *memory) Key(_ context.Context, secret string) (call.Key, error) {
	k, err := find(m, m.keys, secret)
	if err == nil && !k.Holds(m.now()) {
		err = call.ErrNotFound
	}
	return k, err
}

func (m *memory) Keys(context.Context) ([]call.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.Collect(maps.Values(m.keys))
	all = slices.DeleteFunc(all, func(k call.Key) bool { return k.Scope == oddScope }) // a later version's
	slices.SortFunc(all, func(x, y call.Key) int { return cmp.Compare(x.ID, y.ID) })
	return all, m.broken
}

func (m *memory) CreateKey(_ context.Context, k call.Key) (string, call.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k.Name == "" {
		return "", k, call.Invalid("name", "a name is needed")
	}
	secret := newID("sk_")
	k.ID, k.CreatedAt = newID("key_"), m.now()
	m.keys[secret] = k
	return secret, k, nil
}

// withKey changes a key; the secret stays the same.
func (m *memory) withKey(id string, change func(*call.Key) error) (string, call.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for secret, k := range m.keys {
		if k.ID == id && k.RevokedAt.IsZero() {
			if err := cmp.Or(m.broken, change(&k)); err != nil {
				return "", k, err
			}
			m.keys[secret] = k
			return secret, k, nil
		}
	}
	return "", call.Key{}, call.ErrNotFound
}

func (m *memory) ChangeKey(_ context.Context, id string, change func(call.Key) (call.Key, error)) (call.Key, error) {
	_, k, err := m.withKey(id, func(k *call.Key) (err error) {
		*k, err = change(*k)
		return err
	})
	return k, err
}

func (m *memory) RotateKey(_ context.Context, id string, _ time.Duration) (string, call.Key, error) {
	return m.withKey(id, func(k *call.Key) error {
		k.RotatedAt = m.now()
		return nil
	})
}

func (m *memory) RevokeKey(_ context.Context, id, keeper string) (call.Key, error) {
	_, k, err := m.withKey(id, func(k *call.Key) error {
		if k.Scope == keeper && len(m.keys) == 1 {
			return call.ErrLastKey
		}
		k.RevokedAt = m.now()
		return nil
	})
	return k, err
}

func (m *memory) UsedKey(_ context.Context, id, from string) error {
	_, _, err := m.withKey(id, func(k *call.Key) error {
		k.LastUsedAt, k.LastUsedFrom = m.now(), from
		return nil
	})
	return err
}
