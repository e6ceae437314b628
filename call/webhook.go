package call

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Webhook is an address that is told of events, and how far it was told. It is no event: it stands beside the log as API keys and cursors do.
type Webhook struct {
	ID          string    `json:"id"`
	URL         string    `json:"url"`
	Description string    `json:"description,omitempty"`
	Events      []string  `json:"events"`  // types; "call.*" is every type that begins with "call.", "*" every type
	Secrets     []Secret  `json:"secrets"` // the newest first; an older one signs, too, until it expires
	CreatedAt   time.Time `json:"created_at"`
	Generation  uint64    `json:"generation"` // counts what people changed: deliveries begun before that move nothing
	Progress
}

// Secret signs what a webhook is sent.
type Secret struct {
	Key   []byte    `json:"key"`            // 32 random bytes
	Until time.Time `json:"until,omitzero"` // zero: for ever
}

// Text is the secret as the receiver wants it (Standard Webhooks 1.0.0, "Signature scheme").
func (s Secret) Text() string { return "whsec_" + base64.StdEncoding.EncodeToString(s.Key) }

// Limits of webhooks.
const (
	MaxWebhooks    = 32 // of an installation
	maxEventTypes  = 64
	maxURL         = 2000 // bytes
	secretKeptFor  = 24 * time.Hour
	maxSecrets     = 4
	webhookKeySize = 32 // bytes; the scheme asks for 24 to 64
)

// Endpoint is what a CRM says of a webhook.
type Endpoint struct {
	URL         string
	Description string
	Events      []string
}

// AddWebhook makes a webhook that is told of what comes after the event numbered head. plain allows http.
func AddWebhook(id string, e Endpoint, key []byte, head uint64, plain bool, now time.Time) (Webhook, error) {
	w := Webhook{ID: id, Secrets: []Secret{{Key: key}}, CreatedAt: now, Progress: Progress{Cursor: head}}
	return w.Change(e, plain)
}

// Change replaces what the CRM says of it.
func (w Webhook) Change(e Endpoint, plain bool) (Webhook, error) {
	if err := checkURL(e.URL, plain); err != nil {
		return w, err
	}
	if err := checkShort("description", e.Description); err != nil {
		return w, err
	}
	if len(e.Events) == 0 || len(e.Events) > maxEventTypes {
		return w, Invalid("events", fmt.Sprintf("1 to %d types of events are needed, such as call.*; * is every type", maxEventTypes))
	}
	for _, pattern := range e.Events {
		if !eventPattern.MatchString(pattern) {
			return w, Invalid("events", fmt.Sprintf("%.60q is not a type such as call.ongoing, nor call.*, nor *", pattern))
		}
	}
	w.URL, w.Description = e.URL, e.Description
	w.Events = slices.Compact(slices.Sorted(slices.Values(e.Events)))
	return w, nil
}

var eventPattern = regexp.MustCompile(`^(\*|[a-z_]{1,40}(\.[a-z_]{1,40}){0,3}(\.\*)?)$`)

func checkURL(text string, plain bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || len(text) > maxURL:
		return Invalid("url", "an address such as https://crm.example.com/hooks is needed")
	case u.Scheme == "http" && !plain:
		return Invalid("url", "an https address is needed; http is for networks of --webhook-networks")
	case u.Scheme != "http" && u.Scheme != "https":
		return Invalid("url", fmt.Sprintf("%.20q is not https", u.Scheme))
	case u.User != nil:
		return Invalid("url", "no user name or password: deliveries are signed")
	case u.Fragment != "":
		return Invalid("url", "an address has no # here")
	}
	return nil
}

// Rotate signs with a new key. The old one signs, too, for another day, so that the receiver can change in peace.
func (w Webhook) Rotate(key []byte, now time.Time) Webhook {
	old := w.Signing(now)
	for i := range old {
		if old[i].Until.IsZero() {
			old[i].Until = now.Add(secretKeptFor)
		}
	}
	w.Secrets = append([]Secret{{Key: key}}, old[:min(len(old), maxSecrets-1)]...)
	return w
}

// Signing are the secrets that sign now, the newest first.
func (w Webhook) Signing(now time.Time) []Secret {
	return slices.DeleteFunc(slices.Clone(w.Secrets), func(s Secret) bool { return !s.Until.IsZero() && !now.Before(s.Until) })
}

// Wants says whether the webhook subscribed to a type.
func (w Webhook) Wants(kind string) bool {
	for _, pattern := range w.Events {
		prefix, open := strings.CutSuffix(pattern, "*")
		if pattern == kind || open && strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return false
}

// LaneOf is the stream in whose order an event is delivered: the conference for minutes, else its own.
func LaneOf(e Event) string {
	switch b := e.Body.(type) {
	case Reserved:
		return b.Conference
	case Returned:
		return b.Conference
	}
	return e.Stream
}

// Attempt is one try to deliver one event.
type Attempt struct {
	N          uint64    `json:"n"` // counts a webhook's attempts from 1
	Seq        uint64    `json:"seq"`
	Type       string    `json:"type"`
	Stream     string    `json:"stream"`
	At         time.Time `json:"at"`
	DurationMS int64     `json:"duration_ms"`
	Status     int       `json:"status,omitempty"`   // HTTP; 0: there was no answer
	Error      string    `json:"error,omitempty"`    // empty: delivered
	Response   string    `json:"response,omitempty"` // how the answer begins
}
