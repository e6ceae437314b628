package static

import (
	"encoding/json"
	"net/http"
	"testing"
)

// TestConsoleWebhooks adds a webhook, sees its secret once and its deliveries, tests, rotates, delivers again, resumes and removes it.
func TestConsoleWebhooks(t *testing.T) {
	hook := message{"id": "hook_1", "url": "https://crm.example.com/hooks/a-long-path-that-has-no-place-to-break-for-itself", "events": []string{"accepted", "call.*"}, "state": "active",
		"created_at": "2026-11-20T12:00:00Z", "cursor": 1234, "waiting": []message{}, "delivered_at": "2026-11-20T12:05:00Z"}
	aside := message{"id": "hook_1", "url": hook["url"], "events": hook["events"], "state": "set_aside", "created_at": "2026-11-20T12:00:00Z", "cursor": 1234,
		"set_aside_at": "2026-11-21T12:05:00Z", "set_aside_reason": "nothing was taken for a day; last: answered 500", "failing_since": "2026-11-20T12:05:00Z",
		"waiting": []message{{"stream": "conf_6b5mqvsfhmdcyjocjzybi6zdwq", "seq": 1200, "attempts": 142, "since": "2026-11-20T12:05:00Z", "next_attempt_at": "2026-11-21T12:05:00Z", "held": true, "error": "answered 500 Internal Server Error"}}}
	added, now := false, hook
	sent := make(chan message, 10)
	with := func(name string, answer any) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var in message
			_ = json.NewDecoder(r.Body).Decode(&in)
			sent <- message{"name": name, "body": in}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer)
		}
	}
	secret := message{"id": "hook_1", "secret": "whsec_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}
	api := answers{
		"GET /me": message{"name": "dev", "scope": "crm"},
		"GET /webhooks": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			data := []message{}
			if added {
				data = append(data, now)
			}
			_ = json.NewEncoder(w).Encode(message{"data": data, "next": nil})
		}),
		"GET /webhooks/hook_1": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(now) }),
		"GET /webhooks/hook_1/deliveries": message{"next": nil, "data": []message{
			{"n": 2, "seq": 1234, "type": "call.ongoing", "stream": "conf_1", "at": "2026-11-20T12:05:00Z", "duration_ms": 41, "status": 204},
			{"n": 1, "seq": 1233, "type": "call.standby", "stream": "conf_1", "at": "2026-11-20T12:04:00Z", "duration_ms": 15000, "error": "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"}}},
		"POST /webhooks": with("add", secret), "POST /webhooks/hook_1/rotate": with("rotate", secret), "POST /webhooks/hook_1/redeliver": with("redeliver", hook),
		"POST /webhooks/hook_1/resume": with("resume", hook), "POST /webhooks/hook_1/test": with("test", message{"status": 204}), "PATCH /webhooks/hook_1": with("change", hook),
		"DELETE /webhooks/hook_1": with("remove", nil),
	}
	expect := func(name string) message {
		t.Helper()
		m := <-sent
		if m["name"] != name {
			t.Fatalf("the page asked for %v, want %s", m, name)
		}
		return m["body"].(message)
	}
	f := newFake(t, api)
	b := newTab(t)
	b.open(f.url + "/console#key=sk_good")
	b.click("nav-webhooks")
	b.until(visible("empty") + " && document.querySelector('[aria-current]').id === 'nav-webhooks'")
	b.click("new-webhook")
	b.until(visible("webhook-form"))
	b.shot("webhook-new")
	added = true
	fillIn(b, "webhook-form", map[string]string{"url": "https://crm.example.com/hooks", "events": "call.*, accepted"})
	if m := expect("add"); m["url"] != "https://crm.example.com/hooks" || len(m["events"].([]any)) != 2 {
		t.Errorf("added %v", m)
	}
	b.until(element("secret") + ".value.startsWith('whsec_')")
	b.until("document.querySelectorAll('[data-testid=delivery]').length === 2")
	b.shot("webhook")
	b.click("webhook-test")
	expect("test")
	b.until(element("webhook-test") + ".textContent.includes('204')")
	fillIn(b, "redeliver-form", map[string]string{"after": "1000"})
	if m := expect("redeliver"); m["after"] != 1000.0 {
		t.Errorf("redelivery of %v", m)
	}
	now = aside
	b.until(visible("waiting") + " && " + visible("webhook-resume"))
	b.shot("webhook-set-aside")
	b.run("location.hash = '#/webhooks'")
	b.until(visible("webhook"))
	b.shot("webhooks")
	b.run("location.hash = '#/webhooks/hook_1'")
	b.until("!" + visible("secret-box"))
	b.click("webhook-resume")
	expect("resume")
	b.click("webhook-rotate")
	b.click("webhook-rotate") // asks once
	expect("rotate")
	b.until(visible("secret-box"))
	b.click("webhook-remove")
	b.click("webhook-remove")
	expect("remove")
	b.until(visible("webhook"))
}
