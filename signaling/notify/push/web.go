package push

import (
	"context"
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/SherClockHolmes/webpush-go"

	"showroom/call"
)

// Web is Web Push: RFC 8030, encrypted for the browser by RFC 8291, signed by RFC 8292.
type Web struct {
	private, public string // VAPID keys, base64url
	contact         string // of this server's operator
	client          *http.Client
	now             func() time.Time
}

// NewWeb makes the sender. The keys follow from the seed: with another one all subscriptions are void. contact is an https address or an e-mail
// address at which the push services' people reach the operator. The client is to refuse addresses that nobody should call: subscriptions come from
// outside.
func NewWeb(seed []byte, contact string, client *http.Client, now func() time.Time) *Web {
	key := vapidKey(seed)
	return &Web{
		private: base64.RawURLEncoding.EncodeToString(key.Bytes()), public: base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()),
		contact: strings.TrimPrefix(contact, "mailto:"), client: client, now: now,
	}
}

// vapidKey is the first scalar of a row of hashes that is a key of P-256: nearly always the first.
func vapidKey(seed []byte) *ecdh.PrivateKey {
	for sum := sha256.Sum256(append([]byte("showroom vapid\x00"), seed...)); ; sum = sha256.Sum256(sum[:]) {
		if key, err := ecdh.P256().NewPrivateKey(sum[:]); err == nil {
			return key
		}
	}
}

// PublicKey is what pages subscribe with (applicationServerKey), base64url.
func (w *Web) PublicKey() string { return w.public }

// Send implements [Service].
func (w *Web) Send(ctx context.Context, d call.Device, m Message) error {
	body, err := json.Marshal(map[string]any{"id": m.ID, "kind": m.Kind, "title": m.Title, "body": m.Body, "url": m.URL, "tag": m.collapse(), "urgent": m.Urgent || m.Ring, "data": m.Data})
	if err != nil {
		return &Error{Verdict: Refused, Service: "webpush", Reason: err.Error()}
	}
	options := &webpush.Options{
		HTTPClient: w.client, Subscriber: w.contact, Topic: m.collapse(), TTL: int(m.ttl(w.now()) / time.Second), Urgency: webpush.UrgencyNormal,
		VAPIDPublicKey: w.public, VAPIDPrivateKey: w.private,
	}
	if m.Urgent || m.Ring {
		options.Urgency = webpush.UrgencyHigh
	}
	subscription := &webpush.Subscription{Endpoint: d.Token, Keys: webpush.Keys{
		P256dh: base64.RawURLEncoding.EncodeToString(d.P256dh), Auth: base64.RawURLEncoding.EncodeToString(d.Auth)}}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	response, err := webpush.SendNotificationWithContext(ctx, body, subscription, options)
	if errors.Is(err, webpush.ErrMaxPadExceeded) {
		return &Error{Verdict: Refused, Service: "webpush", Reason: "the message is too long"}
	}
	if err != nil {
		return unanswered("webpush", err)
	}
	defer response.Body.Close()
	return w.verdict(d, response)
}

// verdict is what an answer means (RFC 8030, sections 5 and 7.3).
func (w *Web) verdict(d call.Device, response *http.Response) error {
	status := response.StatusCode
	e := &Error{Verdict: Refused, Service: "webpush", Status: status, Reason: http.StatusText(status), Scope: serviceScope(d)}
	switch {
	case status >= 200 && status <= 299:
		return nil
	case status == http.StatusNotFound, status == http.StatusGone:
		e.Verdict = Gone
	case temporary(status):
		e.Verdict, e.After = Later, retryAfter(response.Header, w.now())
	}
	return e
}
