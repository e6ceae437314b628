package static

import (
	"encoding/json"
	"net/http"
	"testing"
)

// TestConsoleSandbox: every page says that it is a sandbox; the clock is set, a buyer comes, and what would be sent is shown.
func TestConsoleSandbox(t *testing.T) {
	sent := make(chan message, 4)
	state := message{"now": "2026-11-20T12:00:00Z", "buyers": []message{}}
	take := func(change func()) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var in message
			_ = json.NewDecoder(r.Body).Decode(&in)
			change()
			sent <- in
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(state)
		}
	}
	api := answers{
		"GET /me":          message{"name": "dev", "scope": "operator"},
		"GET /sellers":     message{"data": []any{}, "next": nil},
		"GET /conferences": message{"data": []message{{"id": "conf_1", "subject": "Fiat Pulse Drive 1.3 2025, automatic", "state": "scheduled", "starts_at": "2026-11-23T15:00:00Z", "duration_minutes": 30, "seller": message{"id": "sell_1", "name": "Ana Souza"}, "buyer": message{"id": "buy_1", "name": "Bruno Lima"}, "participants": []any{}}}, "next": nil},
		"GET /sandbox":     http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(state) }),
		"GET /sandbox/messages": message{"next": nil, "data": []message{
			{"n": 1, "at": "2026-11-20T12:00:00Z", "channel": "email", "kind": "invitation", "conference": "conf_1", "message": "m", "to": "bruno.lima@a-mail-service.example", "subject": "Ana Souza invites you to a video call", "text": "x"}}},
		"POST /sandbox/clock": take(func() { state["now"] = "2026-11-21T12:00:00Z" }),
		"POST /sandbox/buyers": take(func() {
			state["buyers"] = []message{{"id": "visit_1", "conference": "conf_1", "state": "knocking", "started_at": "2026-11-21T12:00:00Z", "packets_received": 0}}
		}),
	}
	f := newFake(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Showroom-Sandbox", "2026-11-20T12:00:00Z")
		api.ServeHTTP(w, r)
	}))
	b := newTab(t)
	b.open(f.url + "/console#key=sk_good")
	b.click("sandbox-open")
	b.until(visible("sandbox-now") + " && " + element("sandbox-messages") + ".children.length === 1")
	b.click("advance-day")
	if in := <-sent; in["advance_seconds"] != 86400.0 {
		t.Errorf("the clock: %v", in)
	}
	b.until(element("sandbox-now") + ".textContent.includes('21')")
	b.click("advance-start")
	if in := <-sent; in["to"] != "2026-11-23T14:55:00.000Z" {
		t.Errorf("the clock: %v", in)
	}
	b.click("buyer-comes")
	if in := <-sent; in["conference"] != "conf_1" {
		t.Errorf("the buyer: %v", in)
	}
	b.until(element("sandbox-buyers") + ".textContent.includes('At the door')")
	b.shot("sandbox")
}

func init() {
	composed["sandbox"], composed["sandbox.is"] = "10min hour day", "joining knocking talking left failed"
}
