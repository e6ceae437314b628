package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"showroom/call"
)

// delivery is an event as a webhook is sent it: as the API shows it, and the timestamp of Standard Webhooks.
type delivery struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	ID        string    `json:"id"`
	Seq       uint64    `json:"seq"`
	Stream    string    `json:"stream"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor"`
	Data      any       `json:"data"`
}

func eventID(seq uint64) string { return "evt_" + strconv.FormatUint(seq, 10) }

// deliver sends one event and says how that went. Only an answer of class 2xx is a delivery.
func (w *Webhooks) deliver(ctx context.Context, hook call.Webhook, e call.Event) call.Attempt {
	d := delivery{Type: e.Body.Type(), Timestamp: e.At, ID: eventID(e.Seq), Seq: e.Seq, Stream: e.Stream, At: e.At, Actor: e.Actor, Data: e.Body}
	if q, ok := e.Body.(call.Queued); ok && w.Message != nil {
		message, err := w.Message(ctx, e.Stream, q.Message)
		switch {
		case err == nil:
			d.Data = message
		case !errors.Is(err, call.ErrNotFound): // of what is gone the event is all that there is
			return call.Attempt{Seq: e.Seq, Type: d.Type, Stream: e.Stream, At: w.Now().UTC(), Error: readable(err)}
		}
	}
	return w.attempt(ctx, hook, d)
}

// Test sends a signed message that is no event, of the type webhook.test.
func (w *Webhooks) Test(ctx context.Context, hook call.Webhook) call.Attempt {
	now := w.Now().UTC()
	return w.attempt(ctx, hook, delivery{Type: "webhook.test", Timestamp: now, ID: "test_" + rand.Text(), Stream: hook.ID, At: now, Actor: call.System, Data: call.Unknown{}})
}

func (w *Webhooks) attempt(ctx context.Context, hook call.Webhook, d delivery) call.Attempt {
	began := w.Now()
	a := call.Attempt{Seq: d.Seq, Type: d.Type, Stream: d.Stream, At: began.UTC()}
	body, err := json.Marshal(d)
	if err == nil {
		err = w.post(ctx, hook, d.ID, body, &a)
	}
	a.DurationMS = w.Now().Sub(began).Milliseconds()
	if err != nil {
		a.Error = readable(err)
	}
	return a
}

// post is one signed request. It fills in what the answer was.
func (w *Webhooks) post(ctx context.Context, hook call.Webhook, id string, body []byte, a *call.Attempt) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Showroom")
	r.Header["Idempotency-Key"] = nil                           // sends none, and has net/http try again when the receiver has closed a kept connection
	sign(r.Header, hook.Signing(w.Now()), id, body, time.Now()) // the receiver's clock is the real one, also for a sandbox
	response, err := w.Client.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(response.Body, maxResponse)) // what came is enough
	a.Status, a.Response = response.StatusCode, excerpt(text)
	if a.Status < 200 || a.Status > 299 {
		return fmt.Errorf("answered %s", response.Status)
	}
	return nil
}

const excerptSize = 300 // bytes of an answer that are kept

func excerpt(text []byte) string {
	return strings.ToValidUTF8(string(text[:min(len(text), excerptSize)]), "")
}

// readable is an error without the method and address, which whoever reads it knows.
func readable(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil || !strings.HasPrefix(err.Error(), "Post ") {
			break
		}
		err = inner
	}
	text := err.Error()
	return strings.ToValidUTF8(text[:min(len(text), excerptSize)], "")
}
