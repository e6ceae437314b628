package rest

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"showroom/call"
)

func TestWebhooks(t *testing.T) {
	b := newBench(t)
	b.visit()
	w := b.want(201, "POST", "/webhooks", `{"url": "https://crm.example/hooks", "events": ["call.*", "accepted", "accepted"], "description": "CRM"}`)
	id, secret := w.str("id"), w.str("secret")
	if key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")); err != nil || len(key) != 32 {
		t.Errorf("secret %q: %v", secret, err)
	}
	if w.str("state") != "active" || fmt.Sprint(w.body["events"]) != "[accepted call.*]" || w.body["cursor"] != float64(b.store.seq) {
		t.Errorf("created: %s", w.Body)
	}
	at := "/webhooks/" + id
	for _, a := range []answer{b.want(200, "GET", at, ""), b.want(200, "GET", "/webhooks", ""), b.want(200, "PATCH", at, `{"description": "the CRM"}`)} {
		if strings.Contains(a.Body.String(), "whsec_") {
			t.Errorf("the secret is shown again: %s", a.Body)
		}
	}
	if w := b.want(200, "GET", at, ""); w.str("description") != "the CRM" || w.str("url") != "https://crm.example/hooks" {
		t.Errorf("changed: %s", w.Body)
	}
	rotated := b.want(200, "POST", at+"/rotate", "")
	if rotated.str("secret") == secret || rotated.str("old_secret_expires_at") != "2026-11-21T12:00:00Z" {
		t.Errorf("rotated: %s", rotated.Body)
	}
	if len(b.store.hooks[id].Signing(b.now)) != 2 || len(b.store.hooks[id].Signing(b.now.Add(24*time.Hour))) != 1 {
		t.Error("both secrets sign for a day, then the new one alone")
	}
	if r := b.want(200, "POST", at+"/redeliver", `{"after": 2}`); r.body["cursor"] != 2.0 {
		t.Errorf("redeliver: %s", r.Body)
	}
	for name, body := range map[string]string{"none": `{}`, "beyond the head": `{"after": 1000}`} {
		if a := b.want(422, "POST", at+"/redeliver", body); a.str("field") != "after" {
			t.Errorf("%s: %s", name, a.Body)
		}
	}
	b.want(204, "DELETE", at, "")
	b.want(404, "GET", at, "")
	b.want(404, "DELETE", at, "")
	b.want(404, "GET", at+"/deliveries", "")
}

func TestWebhookTrouble(t *testing.T) {
	b := newBench(t)
	id := b.want(201, "POST", "/webhooks", `{"url": "https://crm.example/hooks"}`).str("id")
	w := b.store.hooks[id]
	for range 3 {
		w.Progress = w.Failed("conf_a", 7, "answered 500", b.now)
	}
	w.Progress = w.PutAside("gone", b.now)
	b.store.hooks[id] = w
	shown := b.want(200, "GET", "/webhooks/"+id, "")
	if shown.str("state") != "set_aside" || shown.str("set_aside_reason") != "gone" || !strings.Contains(shown.Body.String(), `"seq":7`) {
		t.Errorf("set aside: %s", shown.Body)
	}
	if shown := b.want(200, "POST", "/webhooks/"+id+"/resume", ""); shown.str("state") != "failing" || shown.body["set_aside_at"] != nil {
		t.Errorf("resumed: %s", shown.Body)
	}
	for n := range uint64(5) {
		b.store.attempts[id] = append(b.store.attempts[id], call.Attempt{N: n + 1, Seq: n})
	}
	first := b.want(200, "GET", "/webhooks/"+id+"/deliveries?limit=3", "")
	rest := b.want(200, "GET", "/webhooks/"+id+"/deliveries?limit=3&after="+first.str("next"), "")
	if first.str("next") != "3" || rest.body["next"] != nil || len(rest.body["data"].([]any)) != 2 {
		t.Errorf("pages: %s %s", first.Body, rest.Body)
	}
	b.config.TestWebhook = nil
	b.restart()
	b.want(503, "POST", "/webhooks/"+id+"/test", "")
	b.config.TestWebhook = func(_ context.Context, w call.Webhook) call.Attempt { return call.Attempt{Status: 204, Stream: w.ID} }
	b.restart()
	if a := b.want(200, "POST", "/webhooks/"+id+"/test", ""); a.body["status"] != 204.0 {
		t.Errorf("test: %s", a.Body)
	}
}

func TestBadWebhooks(t *testing.T) {
	b := newBench(t)
	for body, field := range map[string]string{
		`{}`:                                       "url",
		`{"url": "http://crm.example/"}`:           "url",
		`{"url": "ftp://crm.example/"}`:            "url",
		`{"url": "https://a:b@crm.example/"}`:      "url",
		`{"url": "https://crm.example/#x"}`:        "url",
		`{"url": "https:///x"}`:                    "url",
		`{"url": "https://a.b", "events": []}`:     "events",
		`{"url": "https://a.b", "events": ["x*"]}`: "events",
		`{"url": "https://a.b", "secret": "mine"}`: "secret",
	} {
		if a := b.want(422, "POST", "/webhooks", body); a.str("field") != field {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	for range call.MaxWebhooks {
		b.want(201, "POST", "/webhooks", `{"url": "https://crm.example/hooks"}`)
	}
	if a := b.want(409, "POST", "/webhooks", `{"url": "https://crm.example/hooks"}`); a.code() != "conflict" {
		t.Errorf("one too many: %s", a.Body)
	}
	b.config.PlainWebhooks = true
	b.restart()
	for id := range b.store.hooks {
		b.want(200, "PATCH", "/webhooks/"+id, `{"url": "http://crm.intranet/hooks"}`)
		break
	}
}
