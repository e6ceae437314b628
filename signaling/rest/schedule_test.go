package rest

import (
	"strings"
	"testing"
	"time"
)

// TestReschedule: the plan changes, the link that was sent goes on working, and the buyer is asked again.
func TestReschedule(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	at := "/conferences/" + v.conference
	b.wantAs(200, v.token, "POST", "/invitation/accept", "")
	if c := b.want(200, "PATCH", at, `{"vehicle": {"title": "Fiat Pulse 2024", "link": "https://cars.example/pulse"}}`); c.str("accepted_at") == "" {
		t.Errorf("not asked again for the same time: %s", c.Body)
	}
	c := b.want(200, "PATCH", at, `{"starts_at": "2026-11-27T12:30:00Z", "duration_minutes": 45, "language": "es", "vehicle": {"title": " Fiat Pulse 2025 ", "photo": "https://cdn.example/pulse.jpg"}}`)
	vehicle, _ := c.body["vehicle"].(map[string]any)
	if c.str("starts_at") != "2026-11-27T12:30:00Z" || c.body["duration_minutes"] != 45.0 || c.str("subject") != "Secret car" || c.str("language") != "es" ||
		c.str("accepted_at") != "" || vehicle["title"] != "Fiat Pulse 2025" || vehicle["link"] != nil {
		t.Errorf("rescheduled: %s", c.Body)
	}
	b.now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC) // the link's first end has long passed
	early := b.wantAs(200, v.token, "GET", "/invitation", "")
	if early.body["open"] != false || early.str("opens_at") != "2026-11-27T12:15:00Z" || early.str("now") != "2026-11-27T12:00:00Z" {
		t.Errorf("before the time: %s", early.Body)
	}
	inv := early.body["conference"].(map[string]any)
	if inv["accepted"] != false || inv["vehicle"].(map[string]any)["photo"] != "https://cdn.example/pulse.jpg" {
		t.Errorf("invitation: %v", inv)
	}
	if c := b.wantAs(200, v.token, "POST", "/invitation/decline", `{"reason": "travelling"}`); c.body["conference"].(map[string]any)["declined"] != true {
		t.Errorf("declined: %s", c.Body)
	}
	if c := b.want(200, "GET", at, ""); c.str("decline_reason") != "travelling" || c.str("declined_at") == "" {
		t.Errorf("declined: %s", c.Body)
	}
	seller := b.want(201, "POST", at+"/links", `{"role": "seller"}`)
	b.wantAs(403, seller.str("token"), "POST", "/invitation/decline", "")
	if a := b.want(409, "POST", at+"/no-show", ""); !strings.Contains(a.str("detail"), "not begun") {
		t.Errorf("too early: %s", a.Body)
	}
	b.now = b.now.Add(time.Hour)
	if c := b.want(200, "POST", at+"/no-show", ""); c.str("state") != "finished" || c.str("finish_reason") != "no_show" {
		t.Errorf("no-show: %s", c.Body)
	}
	b.want(409, "PATCH", at, `{"subject": "X"}`)
}

// TestOverlap: two conferences of one seller at a time only when asked for; of two sellers always.
func TestOverlap(t *testing.T) {
	b := newBench(t)
	v, other := b.visit(), b.visit()
	plan := func(seller, more string) string {
		return `{"seller": "` + seller + `", "buyer": "` + v.buyer + `", "subject": "S", "starts_at": "2026-11-20T12:44:00Z"` + more + `}`
	}
	if a := b.want(409, "POST", "/conferences", plan(v.seller, "")); a.code() != "overlap" || !strings.Contains(a.str("detail"), v.conference) {
		t.Errorf("overlap: %s", a.Body)
	}
	b.want(201, "POST", "/conferences", plan(v.seller, `, "allow_overlap": true`))
	if a := b.want(409, "POST", "/conferences", plan(other.seller, "")); a.code() != "overlap" {
		t.Errorf("overlap: %s", a.Body)
	}
	b.want(200, "POST", "/conferences/"+other.conference+"/cancel", "")
	made := b.want(201, "POST", "/conferences", plan(other.seller, "")).str("id")
	b.want(200, "PATCH", "/conferences/"+made, `{"starts_at": "2026-11-20T12:50:00Z"}`) // its own time is no obstacle
	for body, field := range map[string]string{
		`{"seller": "` + v.seller + `"}`: "seller", `{"vehicle": {"photo": "https://a.b/c"}}`: "vehicle.title", `{"vehicle": {"title": "x", "photo": "http://a.b/c"}}`: "vehicle.photo",
		`{"vehicle": {"title": "x", "link": "javascript:alert(1)"}}`: "vehicle.link", `{"duration_minutes": 0}`: "duration_minutes", `{"starts_at": "2020-01-01T00:00:00Z"}`: "starts_at",
	} {
		if a := b.want(422, "PATCH", "/conferences/"+made, body); a.str("field") != field {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
}
