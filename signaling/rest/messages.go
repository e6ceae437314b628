package rest

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"showroom/call"
)

// Words words messages and knows how their deliveries stand.
type Words interface {
	Word(c call.Case, m call.Message) (Worded, error)
	// Tries are the deliveries that failed and will be tried again.
	Tries(conference, message string) []Try
	// Channels are those by which messages go out.
	Channels() []string
}

// Worded is a message as it goes out. URL opens the conference, and Text and Calendar contain it.
type Worded struct {
	Subject, Text, URL string
	Calendar           string // RFC 5545; empty where there is nothing to put into a calendar
}

// Try is a delivery that failed and will be tried again.
type Try struct {
	Channel  string
	Failures int
	Error    string
	Next     time.Time // zero while one is under way
}

// message is a message to a person as the API shows it.
type message struct {
	ID         string             `json:"id"`
	Conference about              `json:"conference"`
	Kind       call.Kind          `json:"kind"`
	To         recipient          `json:"to"`
	State      call.DeliveryState `json:"state"`
	QueuedAt   time.Time          `json:"queued_at"`
	Until      time.Time          `json:"worth_until"`
	Subject    string             `json:"subject"`
	Text       string             `json:"text"`
	URL        string             `json:"url,omitempty"`
	Calendar   string             `json:"calendar,omitempty"`
	Deliveries []delivery         `json:"deliveries"`
	Webhooks   []handed           `json:"webhooks"`
}

type about struct {
	ID      string `json:"id"`
	Subject string `json:"subject"`
}

type recipient struct {
	Role     call.Role `json:"role"`
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Email    string    `json:"email,omitempty"`
	Phone    string    `json:"phone,omitempty"`
	Language string    `json:"language"`
	TimeZone string    `json:"time_zone"`
}

// delivery is what became of a message on a channel.
type delivery struct {
	Channel  string             `json:"channel"`
	State    call.DeliveryState `json:"state"`
	At       time.Time          `json:"at"`
	Reason   string             `json:"reason,omitempty"` // of the last failure while it is queued
	Failures int                `json:"failures,omitempty"`
	Next     time.Time          `json:"next_attempt_at,omitzero"`
}

// handed says whether a webhook that subscribed to it has taken the event of a message.
type handed struct {
	ID    string `json:"id"`
	URL   string `json:"url"`
	Taken bool   `json:"taken"`
}

func (a *api) listMessages(r *request) (reply, error) {
	q := r.URL.Query()
	after, limit, err := paging(q)
	if err != nil {
		return reply{}, err
	}
	var placed []call.Placed
	next := ""
	if id := q.Get("conference"); id != "" {
		if !isID("conf_", id) {
			return reply{}, call.Invalid("conference", "not the id of a conference")
		}
		c, err := r.store.Case(r.Context(), id)
		if err != nil {
			return reply{}, err
		}
		placed = messagesOf(c)
	} else if placed, next, err = r.store.Messages(r.Context(), "", after, limit); err != nil {
		return reply{}, err
	}
	hooks, err := a.messageHooks(r)
	if err != nil {
		return reply{}, err
	}
	shown := make([]message, 0, len(placed))
	for _, p := range placed {
		m, err := showMessage(p, a.Words, hooks, r.subject.key.Scope != ScopeRead)
		if err != nil {
			return reply{}, err
		}
		shown = append(shown, m)
	}
	return ok(page(shown, next, func(m message) message { return m }))
}

// resendMessage queues a message once more, with a link that holds now.
func (a *api) resendMessage(r *request) (reply, error) {
	if err := decode(r.body, &struct{}{}); err != nil {
		return reply{}, err
	}
	return a.settleMessage(r, func(id string) call.Rule {
		return call.Resend(id, r.subject.actor(), a.Words.Channels(), func() string { return newID("link_") })
	})
}

// reportMessage notes what somebody who sends messages themselves made of one.
func (a *api) reportMessage(r *request) (reply, error) {
	var in struct {
		Channel string `json:"channel"`
		State   string `json:"state"`
		Reason  string `json:"reason"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	state := call.DeliveryState(in.State)
	if state != call.DeliverySent && state != call.DeliveryFailed {
		return reply{}, call.Invalid("state", "sent or failed is needed")
	}
	return a.settleMessage(r, func(id string) call.Rule {
		return call.Report(id, r.subject.actor(), in.Channel, state == call.DeliverySent, strings.TrimSpace(in.Reason))
	})
}

// settleMessage applies a rule to a message of a conference. The answer is the message, or the one that it became.
func (a *api) settleMessage(r *request, rule func(id string) call.Rule) (reply, error) {
	conference, err := r.pathID("conference", "conf_")
	if err != nil {
		return reply{}, err
	}
	id := r.PathValue("message")
	c, events, err := r.store.Apply(r.Context(), conference, rule(id))
	if err != nil {
		return reply{}, err
	}
	for _, e := range events {
		if q, ok := e.Body.(call.Queued); ok {
			id = q.Message
		}
	}
	shown, err := ShowMessage(call.Placed{Case: c, Message: c.Conference.Messages[id]}, a.Words)
	if err != nil {
		return reply{}, err
	}
	return ok(shown)
}

// messagesOf are the messages of a conference, of which there are few, the newest first.
func messagesOf(c call.Case) (placed []call.Placed) {
	for _, m := range c.Conference.Messages {
		placed = append(placed, call.Placed{Case: c, Message: m})
	}
	slices.SortFunc(placed, func(x, y call.Placed) int {
		return cmp.Or(y.Message.At.Compare(x.Message.At), strings.Compare(y.Message.ID, x.Message.ID))
	})
	return placed
}

// messageHooks are the webhooks that want messages, for whoever may see webhooks.
func (a *api) messageHooks(r *request) ([]call.Webhook, error) {
	if r.subject.key.Scope == ScopeSeller {
		return nil, nil
	}
	hooks, err := a.Store.Webhooks(r.Context())
	return slices.DeleteFunc(hooks, func(w call.Webhook) bool { return !w.Wants(call.Queued{}.Type()) }), err
}

// ShowMessage is a message as the API shows it to a key that may see links, for webhooks.
func ShowMessage(p call.Placed, w Words) (any, error) { return showMessage(p, w, nil, true) }

func showMessage(p call.Placed, w Words, hooks []call.Webhook, secrets bool) (message, error) {
	c, m := p.Case, p.Message
	words, err := w.Word(c, m)
	if err != nil {
		return message{}, err
	}
	if !secrets && words.URL != "" {
		words.Text, words.URL, words.Calendar = strings.ReplaceAll(words.Text, words.URL, "…"), "", ""
	}
	to := c.RecipientOf(m.To)
	shown := message{
		ID: c.Conference.ID + "." + m.ID, Conference: about{c.Conference.ID, c.Conference.Subject}, Kind: m.Kind, State: m.State(), QueuedAt: m.At, Until: m.Until,
		To:      recipient{m.To, to.ID, to.Name, to.Email, to.Phone, to.Language, to.Zone.String()},
		Subject: words.Subject, Text: words.Text, URL: words.URL, Calendar: words.Calendar, Deliveries: []delivery{}, Webhooks: []handed{},
	}
	tries := map[string]Try{}
	for _, t := range w.Tries(c.Conference.ID, m.ID) {
		tries[t.Channel] = t
	}
	for _, d := range m.Deliveries {
		t := tries[d.Channel]
		shown.Deliveries = append(shown.Deliveries, delivery{d.Channel, d.State, d.At, cmp.Or(d.Reason, t.Error), t.Failures, t.Next})
	}
	for _, hook := range hooks {
		if m.At.After(hook.CreatedAt) {
			lane, waits := hook.Lanes[c.Conference.ID]
			shown.Webhooks = append(shown.Webhooks, handed{hook.ID, hook.URL, hook.Cursor >= m.Seq && (!waits || lane.Seq > m.Seq)})
		}
	}
	return shown, nil
}
