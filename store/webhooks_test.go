package store

import (
	"errors"
	"fmt"
	"testing"

	"showroom/call"
)

func TestWebhooksAreKept(t *testing.T) {
	s := openShop(t)
	changed := s.WebhooksChanged()
	w, err := call.AddWebhook("hook_a", call.Endpoint{URL: "https://crm.example/", Events: []string{"*"}}, make([]byte, 32), 5, false, noon)
	if err = errors.Join(err, s.AddWebhook(s.ctx, w)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody was told of the new webhook")
	}
	w.Progress = w.Failed("conf_a", 6, "refused", noon)
	w.Cursor = 9
	told, err := s.Delivered(s.ctx, w, []call.Attempt{{Seq: 6}, {Seq: 7}})
	if err != nil || told.Attempts != 2 || told.Lanes["conf_a"].Seq != 6 {
		t.Fatalf("%+v, %v", told, err)
	}

	// What somebody changes meanwhile wins over a round that was under way.
	if _, err := s.ChangeWebhook(s.ctx, "hook_a", func(w call.Webhook) (call.Webhook, error) {
		w.Progress = w.Redeliver(1, noon)
		return w, nil
	}); err != nil {
		t.Fatal(err)
	}
	told.Cursor = 12
	now, err := s.Delivered(s.ctx, told, []call.Attempt{{Seq: 8}})
	if err != nil || now.Cursor != 1 || now.Attempts != 3 {
		t.Fatalf("%+v, %v", now, err)
	}

	many := make([]call.Attempt, keptAttempts)
	if _, err := s.Delivered(s.ctx, now, many); err != nil {
		t.Fatal(err)
	}
	kept := 0
	for before := uint64(0); ; {
		page := need(s.Attempts(s.ctx, "hook_a", before, 100))(t)
		if len(page) == 0 {
			break
		}
		kept += len(page)
		before = page[len(page)-1].N
	}
	if newest := need(s.Attempts(s.ctx, "hook_a", 0, 1))(t); kept != keptAttempts || newest[0].N != keptAttempts+3 {
		t.Errorf("%d attempts are kept, the newest %d", kept, newest[0].N)
	}

	if err := s.RemoveWebhook(s.ctx, "hook_a"); err != nil {
		t.Fatal(err)
	}
	if left := dump(t, s.db); len(left) != 1 { // the format
		t.Errorf("a removed webhook left %v", left)
	}
	_, err = s.Delivered(s.ctx, now, nil)
	for _, err := range []error{err, s.RemoveWebhook(s.ctx, "hook_a")} {
		if !errors.Is(err, call.ErrNotFound) {
			t.Errorf("of a removed one: %v", err)
		}
	}
}

func TestWebhooksAreFew(t *testing.T) {
	s := openShop(t)
	for i := range call.MaxWebhooks {
		if err := s.AddWebhook(s.ctx, call.Webhook{ID: fmt.Sprint("hook_", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.AddWebhook(s.ctx, call.Webhook{ID: "hook_z"}); !errors.Is(err, call.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	if all := need(s.Webhooks(s.ctx))(t); len(all) != call.MaxWebhooks {
		t.Errorf("%d are listed", len(all))
	}
}
