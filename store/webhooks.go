package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"showroom/call"
	"showroom/store/kv"
)

const keptAttempts = 500 // of each webhook

// Webhooks are all webhooks, by id.
func (s *Store) Webhooks(ctx context.Context) (all []call.Webhook, err error) {
	err = s.view(ctx, func(t tx) (err error) {
		all, err = t.webhooks()
		return err
	})
	return all, err
}

func (t tx) webhooks() (all []call.Webhook, err error) {
	for item, err := range t.Scan(kv.Prefix([]byte(tableWebhook))) {
		if err != nil {
			return nil, err
		}
		w, err := object[call.Webhook](t, tableWebhook, string(item.Key[len(tableWebhook):]))
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// Webhook returns a webhook, or call.ErrNotFound.
func (s *Store) Webhook(ctx context.Context, id string) (call.Webhook, error) {
	return read[call.Webhook](ctx, s, tableWebhook, id)
}

// AddWebhook keeps a new webhook; more than call.MaxWebhooks is call.ErrTooMany.
func (s *Store) AddWebhook(ctx context.Context, w call.Webhook) error {
	return s.changeWebhooks(ctx, w.ID, func(t tx) error {
		all, err := t.webhooks()
		if err != nil {
			return err
		}
		if len(all) >= call.MaxWebhooks {
			return call.ErrTooMany
		}
		return t.save(idKey(tableWebhook, w.ID), w)
	})
}

// ChangeWebhook replaces a webhook by what change makes of it, for somebody who wants that: deliveries under way then move nothing.
func (s *Store) ChangeWebhook(ctx context.Context, id string, change func(call.Webhook) (call.Webhook, error)) (w call.Webhook, err error) {
	err = s.changeWebhooks(ctx, id, func(t tx) (err error) {
		if w, err = object[call.Webhook](t, tableWebhook, id); err != nil {
			return err
		}
		if w, err = change(w); err != nil {
			return err
		}
		w.Generation++
		return t.save(idKey(tableWebhook, id), w)
	})
	return w, err
}

// RemoveWebhook forgets a webhook and its attempts.
func (s *Store) RemoveWebhook(ctx context.Context, id string) error {
	return s.changeWebhooks(ctx, id, func(t tx) error {
		if _, err := object[call.Webhook](t, tableWebhook, id); err != nil {
			return err
		}
		if err := t.dropRange(kv.Prefix(attemptPrefix(id))); err != nil {
			return err
		}
		return t.Delete(idKey(tableWebhook, id))
	})
}

func (s *Store) changeWebhooks(ctx context.Context, id string, change func(tx) error) error {
	if err := s.update(ctx, change); err != nil {
		return fmt.Errorf("webhook %s: %w", id, err)
	}
	s.webhooks.tell()
	return nil
}

// WebhooksChanged returns a channel that is closed when somebody changes a webhook. Take it before reading.
func (s *Store) WebhooksChanged() <-chan struct{} { return s.webhooks.wait() }

// Delivered keeps how far a webhook was told and what was tried, and returns the webhook as it is now. What somebody changed meanwhile wins:
// then only the attempts are kept.
func (s *Store) Delivered(ctx context.Context, w call.Webhook, attempts []call.Attempt) (now call.Webhook, err error) {
	err = s.update(ctx, func(t tx) (err error) {
		if now, err = object[call.Webhook](t, tableWebhook, w.ID); err != nil {
			return err
		}
		count := now.Attempts
		if now.Generation == w.Generation {
			now.Progress = w.Progress
		}
		now.Attempts = count
		for _, a := range attempts {
			now.Attempts++
			a.N = now.Attempts
			if gone, err := t.erased(a.Stream); err != nil {
				return err
			} else if gone { // it was under way when the buyer's data was erased
				a.Response = ""
			}
			if err := t.save(attemptKey(w.ID, a.N), a); err != nil {
				return err
			}
		}
		if now.Attempts > keptAttempts {
			old := kv.Prefix(attemptPrefix(w.ID))
			old.To = attemptKey(w.ID, now.Attempts-keptAttempts+1)
			if err := t.dropRange(old); err != nil {
				return err
			}
		}
		return t.save(idKey(tableWebhook, w.ID), now)
	})
	if err != nil {
		return call.Webhook{}, fmt.Errorf("webhook %s: %w", w.ID, err)
	}
	return now, nil
}

// Attempts are the last deliveries of a webhook, the newest first: those before the number, 0 for all.
func (s *Store) Attempts(ctx context.Context, webhook string, before uint64, limit int) (all []call.Attempt, err error) {
	if !validID(webhook) {
		return nil, nil
	}
	r := kv.Prefix(attemptPrefix(webhook))
	r.Reverse = true
	if before > 0 {
		r.To = attemptKey(webhook, before)
	}
	err = s.view(ctx, func(t tx) error {
		for item, err := range t.Scan(r) {
			if err != nil {
				return err
			}
			var a call.Attempt
			if err := t.load(item.Key, &a); err != nil {
				return err
			}
			if all = append(all, a); len(all) >= batch(limit) {
				return nil
			}
		}
		return nil
	})
	return all, err
}

func attemptPrefix(webhook string) []byte { return []byte(tableAttempt + webhook + "\x00") }

func attemptKey(webhook string, n uint64) []byte {
	return binary.BigEndian.AppendUint64(attemptPrefix(webhook), n)
}

func (t tx) dropRange(r kv.Range) error {
	for item, err := range t.Scan(r) {
		if err = errors.Join(err, t.Delete(item.Key)); err != nil {
			return err
		}
	}
	return nil
}
