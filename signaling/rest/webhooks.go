package rest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"showroom/call"
)

// webhook is a webhook as the API shows it.
type webhook struct {
	ID           string    `json:"id"`
	URL          string    `json:"url"`
	Description  string    `json:"description,omitempty"`
	Events       []string  `json:"events"`
	State        string    `json:"state"`
	CreatedAt    time.Time `json:"created_at"`
	Cursor       uint64    `json:"cursor"`  // every event up to it was delivered or waits
	Waiting      []waiting `json:"waiting"` // streams whose next event was not taken
	FailingSince time.Time `json:"failing_since,omitzero"`
	NextAttempt  time.Time `json:"next_attempt_at,omitzero"`
	DeliveredAt  time.Time `json:"delivered_at,omitzero"`
	SetAsideAt   time.Time `json:"set_aside_at,omitzero"`
	SetAside     string    `json:"set_aside_reason,omitempty"`
	Secret       string    `json:"secret,omitempty"`               // only when it is new
	OldSecret    time.Time `json:"old_secret_expires_at,omitzero"` // until then the one before signs, too
}

type waiting struct {
	Stream   string    `json:"stream"`
	Seq      uint64    `json:"seq"`
	Attempts int       `json:"attempts"`
	Since    time.Time `json:"since"`
	Next     time.Time `json:"next_attempt_at"`
	Held     bool      `json:"held"`
	Error    string    `json:"error"`
}

func showWebhook(w call.Webhook, now time.Time) webhook {
	shown := webhook{
		ID: w.ID, URL: w.URL, Description: w.Description, Events: w.Events, State: webhookState(w), CreatedAt: w.CreatedAt, Cursor: w.Cursor,
		Waiting: []waiting{}, FailingSince: w.FailingSince, NextAttempt: w.Wake(now), DeliveredAt: w.DeliveredAt, SetAsideAt: w.SetAsideAt, SetAside: w.SetAside,
	}
	for _, stream := range slices.Sorted(maps.Keys(w.Lanes)) {
		l := w.Lanes[stream]
		shown.Waiting = append(shown.Waiting, waiting{stream, l.Seq, l.Attempts, l.Since, l.Next, l.Held, l.Error})
	}
	if signing := w.Signing(now); len(signing) > 1 {
		shown.OldSecret = signing[1].Until
	}
	return shown
}

func webhookState(w call.Webhook) string {
	switch {
	case !w.SetAsideAt.IsZero():
		return "set_aside"
	case w.Failures > 0 || len(w.Lanes) > 0:
		return "failing"
	}
	return "active"
}

type webhookInput struct {
	URL         *string  `json:"url"`
	Description *string  `json:"description"`
	Events      []string `json:"events"`
}

// over is what the input leaves of what was there.
func (in webhookInput) over(w call.Webhook) call.Endpoint {
	e := call.Endpoint{URL: strings.TrimSpace(or(in.URL, w.URL)), Description: strings.TrimSpace(or(in.Description, w.Description)), Events: w.Events}
	if in.Events != nil {
		e.Events = in.Events
	}
	return e
}

const webhookKey = 32 // bytes

func newWebhookKey() []byte {
	key := make([]byte, webhookKey)
	rand.Read(key) // never fails, see crypto/rand
	return key
}

func (a *api) createWebhook(r *request) (reply, error) {
	var in webhookInput
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	head, err := a.Store.Head(r.Context())
	if err != nil {
		return reply{}, err
	}
	endpoint := in.over(call.Webhook{Events: []string{"*"}})
	w, err := call.AddWebhook(newID("hook_"), endpoint, newWebhookKey(), head, a.PlainWebhooks, r.now)
	if err != nil {
		return reply{}, err
	}
	if err := a.Store.AddWebhook(r.Context(), w); errors.Is(err, call.ErrTooMany) {
		return reply{}, fail(codeConflict, fmt.Sprintf("there are %d webhooks already; remove one", call.MaxWebhooks))
	} else if err != nil {
		return reply{}, err
	}
	shown := showWebhook(w, r.now)
	shown.Secret = w.Secrets[0].Text()
	return created(shown)
}

func (a *api) listWebhooks(r *request) (reply, error) {
	all, err := a.Store.Webhooks(r.Context())
	if err != nil {
		return reply{}, err
	}
	return ok(page(all, "", func(w call.Webhook) webhook { return showWebhook(w, r.now) }))
}

func (a *api) readWebhook(r *request) (reply, error) {
	w, err := a.webhookOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok(showWebhook(w, r.now))
}

func (a *api) webhookOf(r *request) (call.Webhook, error) {
	id, err := r.pathID("webhook", "hook_")
	if err != nil {
		return call.Webhook{}, err
	}
	return a.Store.Webhook(r.Context(), id)
}

func (a *api) changeWebhook(r *request) (reply, error) {
	var in webhookInput
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	return a.alterWebhook(r, func(w call.Webhook) (call.Webhook, error) { return w.Change(in.over(w), a.PlainWebhooks) })
}

func (a *api) alterWebhook(r *request, change func(call.Webhook) (call.Webhook, error)) (reply, error) {
	id, err := r.pathID("webhook", "hook_")
	if err != nil {
		return reply{}, err
	}
	w, err := a.Store.ChangeWebhook(r.Context(), id, change)
	if err != nil {
		return reply{}, err
	}
	return ok(showWebhook(w, r.now))
}

func (a *api) deleteWebhook(r *request) (reply, error) {
	id, err := r.pathID("webhook", "hook_")
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusNoContent}, a.Store.RemoveWebhook(r.Context(), id)
}

func (a *api) rotateWebhook(r *request) (reply, error) {
	if err := decode(r.body, &struct{}{}); err != nil {
		return reply{}, err
	}
	key := newWebhookKey()
	answer, err := a.alterWebhook(r, func(w call.Webhook) (call.Webhook, error) { return w.Rotate(key, r.now), nil })
	if err != nil {
		return reply{}, err
	}
	shown := answer.body.(webhook)
	shown.Secret = call.Secret{Key: key}.Text()
	return ok(shown)
}

func (a *api) resumeWebhook(r *request) (reply, error) {
	if err := decode(r.body, &struct{}{}); err != nil {
		return reply{}, err
	}
	return a.alterWebhook(r, func(w call.Webhook) (call.Webhook, error) {
		w.Progress = w.Resume(r.now)
		return w, nil
	})
}

func (a *api) redeliverWebhook(r *request) (reply, error) {
	var in struct {
		After *uint64 `json:"after"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	head, err := a.Store.Head(r.Context())
	if err != nil {
		return reply{}, err
	}
	if in.After == nil || *in.After > head {
		return reply{}, call.Invalid("after", "the number of an event is needed, 0 to "+strconv.FormatUint(head, 10)+": what came after it is delivered again")
	}
	return a.alterWebhook(r, func(w call.Webhook) (call.Webhook, error) {
		w.Progress = w.Redeliver(*in.After, r.now)
		return w, nil
	})
}

// testWebhook sends a message that is no event, and tells how it went.
func (a *api) testWebhook(r *request) (reply, error) {
	if err := decode(r.body, &struct{}{}); err != nil {
		return reply{}, err
	}
	w, err := a.webhookOf(r)
	if err != nil {
		return reply{}, err
	}
	if a.TestWebhook == nil {
		return reply{}, fail(codeUnavailable, "this server sends no webhooks")
	}
	return ok(a.TestWebhook(r.Context(), w))
}

func (a *api) listDeliveries(r *request) (reply, error) {
	after, limit, err := paging(r.URL.Query())
	if err != nil {
		return reply{}, err
	}
	before, err := seqCursor(after)
	if err != nil {
		return reply{}, err
	}
	w, err := a.webhookOf(r)
	if err != nil {
		return reply{}, err
	}
	attempts, err := a.Store.Attempts(r.Context(), w.ID, before, limit+1)
	if err != nil {
		return reply{}, err
	}
	attempts, next := shorten(attempts, limit, func(t call.Attempt) uint64 { return t.N })
	return ok(page(attempts, next, func(t call.Attempt) call.Attempt { return t }))
}
