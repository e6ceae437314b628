package static

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestConsoleOutbox reads messages with their links and fates, asks for older ones, and sets when a seller's people are told.
func TestConsoleOutbox(t *testing.T) {
	letter := func(n, kind, role, state string, more message) message {
		m := message{"id": "conf_1." + n, "conference": message{"id": "conf_1", "subject": "Fiat Pulse 2025"}, "kind": kind, "state": state,
			"to":        message{"role": role, "id": "buy_1", "name": "Bruno Lima", "email": "bruno.lima@mail.example", "phone": "+55 11 99999-0000", "language": "pt-BR", "time_zone": "America/Sao_Paulo"},
			"queued_at": "2026-11-20T12:00:00Z", "worth_until": "2026-11-20T15:30:00Z", "subject": "Videochamada com Ana Souza: Fiat Pulse 2025, sexta-feira, 20 de novembro 12:00",
			"text": "Olá, Bruno!\n\nAna Souza convida você para uma videochamada sobre Fiat Pulse 2025.\n", "deliveries": []message{}, "webhooks": []message{}}
		for k, v := range more {
			m[k] = v
		}
		return m
	}
	link := "https://calls.example.com/join#eyJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ." + strings.Repeat("x", 240)
	first := message{"data": []message{
		letter("c", "waiting", "colleague", "queued", message{"subject": "Bruno Lima is waiting for Ana Souza: can you take the call?",
			"deliveries": []message{{"channel": "email", "state": "queued", "at": "2026-11-20T12:00:00Z", "reason": "dial tcp 127.0.0.1:587: connect: connection refused", "failures": 3, "next_attempt_at": "2026-11-20T12:01:00Z"}}}),
		letter("b", "invitation", "buyer", "sent", message{"url": link, "calendar": "BEGIN:VCALENDAR\r\n",
			"deliveries": []message{{"channel": "email", "state": "sent", "at": "2026-11-20T12:00:01Z"}, {"channel": "push", "state": "skipped", "at": "2026-11-20T12:00:01Z", "reason": "overtaken"}}}),
		letter("a", "reminder", "seller", "kept", message{"webhooks": []message{{"id": "hook_1", "url": "https://crm.example.com/hooks", "taken": true}}}),
	}, "next": "more"}
	last := message{"data": []message{letter("z", "cancellation", "buyer", "kept", nil)}, "next": nil}
	changed := make(chan message, 1)
	f := newFake(t, answers{
		"GET /me": message{"name": "dev", "scope": "crm"},
		"GET /messages": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := first
			if r.URL.Query().Get("after") == "more" {
				answer = last
			}
			_ = json.NewEncoder(w).Encode(answer)
		}),
		"POST /conferences/conf_1/messages/b/resend": message{"id": "conf_1.b_again_4"},
		"GET /sellers/sell_1":                        message{"id": "sell_1", "name": "Ana Souza", "time_zone": "America/Sao_Paulo", "language": "pt-BR", "monthly_minutes": 60, "retention_days": 0, "without_consent": "unrecorded", "reminder_minutes": []int{1440, 15}},
		"GET /sellers/sell_1/usage":                  message{"month": "2026-11", "time_zone": "America/Sao_Paulo", "cap_seconds": 3600, "used_seconds": 0, "remaining_seconds": 3600},
		"PATCH /sellers/sell_1": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var in message
			_ = json.NewDecoder(r.Body).Decode(&in)
			changed <- in
			_ = json.NewEncoder(w).Encode(in)
		}),
	})
	b := newTab(t)
	b.open(f.url + "/console#key=sk_good")
	b.until(visible("nav-outbox"))
	b.click("nav-outbox")
	b.until("document.querySelectorAll('[data-testid=message]').length === 3")
	b.shot("outbox")
	b.run("document.querySelector('[data-id=\"conf_1.b\"] summary').click()")
	b.until(element("message-url") + ".value.endsWith('xxx') && " + element("message-text") + ".textContent.startsWith('Olá') && " + element("fates") + ".children.length === 2")
	b.run("document.querySelector('[data-id=\"conf_1.c\"] summary').click()")
	b.until("document.querySelector('[data-id=\"conf_1.c\"]').textContent.includes('connection refused')")
	b.shot("outbox-open")
	b.run("document.querySelector('[data-id=\"conf_1.b\"] [data-testid=resend]').click()")
	b.until("document.querySelector('[data-id=\"conf_1.b\"] [data-testid=resend]').textContent.includes('once more')")
	b.click("older")
	b.until("document.querySelectorAll('[data-testid=message]').length === 4 && document.querySelector('[data-id=\"conf_1.b\"] details').open && !" + visible("older"))
	b.run("location.hash = '#/sellers/sell_1'")
	b.until(element("reminder_minutes") + "?.value === '1440, 15'")
	b.shot("seller-notices")
	fillIn(b, "seller-form", map[string]string{"reminder_minutes": "", "colleague_name": "Caio", "colleague_email": "caio@cars.example"})
	if m := <-changed; m["reminder_minutes"] != nil || m["colleague_email"] != "caio@cars.example" {
		t.Errorf("changed %v", m)
	}
}
