package rest

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"showroom/call"
)

func (m *memory) AddWebhook(_ context.Context, w call.Webhook) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.hooks) >= call.MaxWebhooks {
		return call.ErrTooMany
	}
	m.hooks[w.ID] = w
	return m.broken
}

func (m *memory) ChangeWebhook(_ context.Context, id string, change func(call.Webhook) (call.Webhook, error)) (call.Webhook, error) {
	w, err := find(m, m.hooks, id)
	if err == nil {
		w, err = change(w)
	}
	if err == nil {
		m.hooks[id] = w
	}
	return w, err
}

func (m *memory) RemoveWebhook(_ context.Context, id string) error {
	_, err := find(m, m.hooks, id)
	delete(m.hooks, id)
	return err
}

func (m *memory) Webhook(_ context.Context, id string) (call.Webhook, error) {
	return find(m, m.hooks, id)
}

func (m *memory) Webhooks(context.Context) ([]call.Webhook, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.SortedFunc(maps.Values(m.hooks), func(x, y call.Webhook) int { return cmp.Compare(x.ID, y.ID) }), m.broken
}

func (m *memory) Attempts(_ context.Context, webhook string, before uint64, limit int) ([]call.Attempt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []call.Attempt
	for _, a := range slices.Backward(m.attempts[webhook]) {
		if (before == 0 || a.N < before) && len(found) < limit {
			found = append(found, a)
		}
	}
	return found, m.broken
}
