package static

import (
	"encoding/json"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// TestBuyerIsToldTheTruth: who waits at the door reads whether the seller was told, and when.
func TestBuyerIsToldTheTruth(t *testing.T) {
	var told atomic.Pointer[message]
	api := invitationOf("buyer", time.Now())
	inv := api["GET /invitation"].(message)
	api["GET /invitation"] = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conf := conferenceOf(time.Now())
		if m := told.Load(); m != nil {
			for k, v := range *m {
				conf[k] = v
			}
		}
		_ = json.NewEncoder(w).Encode(message{"role": inv["role"], "participant": inv["participant"], "name": inv["name"], "conference": conf})
	})
	f := newFake(t, api)
	f.welcomes = []message{welcomeOf("buyer", "knocking")}
	b := newTab(t)
	toLobby(b, f)
	b.click("consent-no")
	b.click("join")
	b.phase("knocking")
	says := func(m message, words string) {
		t.Helper()
		told.Store(&m)
		b.until(element("knocking-told") + ".textContent.includes('" + words + "') && " + visible("knocking-told"))
	}
	says(message{"state": "waiting", "told": message{"state": "sending"}}, "We are telling Ana Souza")
	says(message{"state": "waiting", "told": message{"state": "none"}}, "could not send Ana Souza a message")
	says(message{"state": "waiting", "told": message{"state": "sent", "seller_at": "2026-11-20T15:02:00Z", "colleague_at": "2026-11-20T15:07:00Z"}}, "in the place of Ana Souza")
	b.shot("knocking-told")
	says(message{"state": "standby"}, "sees you at the door")
	told.Store(&message{"state": "scheduled"})
	b.until("!" + visible("knocking-told"))
}
