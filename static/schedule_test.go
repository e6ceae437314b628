package static

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestBeforeTheTime: the countdown goes by the server's clock, follows the plan, and the door opens in the page that waits.
func TestBeforeTheTime(t *testing.T) {
	server := func() time.Time { return time.Now().Add(-3 * time.Hour) } // this device's clock is three hours fast
	var mu sync.Mutex
	starts, open := server().Add(26*time.Hour), false
	plan := func(at time.Time, isOpen bool) {
		mu.Lock()
		defer mu.Unlock()
		starts, open = at, isOpen
	}
	f := newFake(t, answers{"GET /invitation": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(message{"role": "buyer", "participant": "buyer", "name": "Bruno Lima", "conference": conferenceOf(starts),
			"now": server().UTC().Format(time.RFC3339), "opens_at": starts.Add(-15 * time.Minute).UTC().Format(time.RFC3339), "open": open})
	})})
	f.welcomes = []message{{"type": "error", "code": "too_early", "message": "not yet"}, welcomeOf("buyer", "knocking")}
	b := newTab(t)
	b.open(f.url + "/join#token")
	b.until(element("countdown") + ".textContent.includes('1 day 2 hr') && " + element("countdown") + ".textContent.includes('come in from')")
	b.shot("invitation-early")
	plan(server().Add(50*time.Minute-20*time.Second), false)
	b.run("document.dispatchEvent(new Event('visibilitychange'))")
	b.until(element("countdown") + ".textContent.includes('50 min')")
	b.click("continue")
	b.until(element("preview") + ".videoWidth > 0 && document.getElementById('join').disabled && document.getElementById('lobby-early').getClientRects().length > 0")
	b.click("consent-yes")
	b.shot("lobby-early")
	plan(server().Add(50*time.Minute), true) // the seller is there already
	b.run("document.dispatchEvent(new Event('visibilitychange'))")
	b.until("!document.getElementById('join').disabled")
	b.click("join")
	f.expect("join") // and has left again
	b.until(visible("join") + " && !document.getElementById('join').disabled && " + element("preview") + ".videoWidth > 0")
	b.click("join")
	b.phase("knocking")
}

// TestPlanInThePages: the buyer sees the vehicle and declines; the console moves the conference and says that somebody did not come.
func TestPlanInThePages(t *testing.T) {
	starts := time.Now().Add(26 * time.Hour).Truncate(time.Minute)
	conf := conferenceOf(starts)
	conf["vehicle"] = message{"title": "Fiat Pulse Drive 1.3 2025, automatic, 12,000 km", "photo": "https://127.0.0.1:1/pulse.jpg", "link": "https://cars.example/pulse"}
	sent := make(chan message, 4)
	answer := func(change message) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			var in message
			_ = json.NewDecoder(r.Body).Decode(&in)
			sent <- in
			for k, v := range change {
				conf[k] = v
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(message{"role": "buyer", "participant": "buyer", "name": "Bruno Lima", "conference": conf})
		}
	}
	whole := message{"id": "conf_1", "subject": "Hatchback 2023", "starts_at": starts.UTC().Format(time.RFC3339), "duration_minutes": 30, "language": "en", "recording": "on", "state": "scheduled",
		"seller": message{"id": "sell_1", "name": "Ana Souza"}, "buyer": message{"id": "buy_1", "name": "Bruno Lima"}, "vehicle": conf["vehicle"], "participants": []any{}, "consents": []any{}, "files": []any{},
		"connected_seconds": 0, "declined_at": "2026-11-20T12:00:00Z", "decline_reason": "travelling that day"}
	patched := func(w http.ResponseWriter, r *http.Request) {
		var in message
		_ = json.NewDecoder(r.Body).Decode(&in)
		sent <- in
		w.Header().Set("Content-Type", "application/problem+json")
		if in["allow_overlap"] == false {
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(message{"status": 409, "code": "overlap", "detail": "the seller has another conference then"})
			return
		}
		_ = json.NewEncoder(w).Encode(whole)
	}
	empty := message{"data": []any{}, "next": nil}
	f := newFake(t, answers{
		"GET /invitation":          message{"role": "buyer", "participant": "buyer", "name": "Bruno Lima", "conference": conf},
		"POST /invitation/decline": answer(message{"declined": true}), "POST /invitation/accept": answer(message{"declined": false, "accepted": true}),
		"GET /me": message{"name": "dev", "scope": "crm"}, "GET /conferences/conf_1": whole, "GET /conferences/conf_1/recording": message{"state": "none", "files": []any{}},
		"GET /conferences/conf_1/events": empty, "GET /conferences/conf_1/links": empty,
		"PATCH /conferences/conf_1": http.HandlerFunc(patched),
	})
	b := newTab(t)
	b.open(f.url + "/join#token")
	b.until(visible("vehicle") + " && " + element("vehicle-link") + ".href === 'https://cars.example/pulse'")
	b.until("document.getElementById('vehicle-photo').hidden") // nothing is there
	b.run("faults.length = 0; const p = document.getElementById('vehicle-photo'); p.src = '/static/favicon.svg'; p.hidden = false; p.style.objectFit = 'contain'")
	b.shot("invitation-vehicle")
	b.click("decline")
	<-sent
	b.until(element("accepted") + ".textContent.includes('Ana Souza') && !" + visible("decline") + " && " + visible("accept"))
	b.shot("invitation-declined")
	b.click("accept")
	<-sent
	b.until(visible("decline") + " && !" + visible("accept"))

	b.open(f.url + "/console#key=sk_good")
	b.until(visible("nav-sellers"))
	b.run("location.hash = '#/conferences/conf_1'")
	b.until(visible("declined") + " && " + visible("reschedule"))
	b.shot("console-declined")
	b.click("reschedule")
	b.until(visible("plan-form"))
	b.shot("console-plan")
	fillIn(b, "plan-form", map[string]string{"starts_at": "2030-05-06T15:00"})
	if m := <-sent; m["vehicle"].(message)["link"] != "https://cars.example/pulse" || m["subject"] != "Hatchback 2023" {
		t.Errorf("sent %v", m)
	}
	b.until(element("form-error") + ".textContent.length > 10")
	b.run(element("allow_overlap") + ".checked = true")
	fillIn(b, "plan-form", nil)
	<-sent
	b.until("location.hash === '#/conferences/conf_1'")
}
