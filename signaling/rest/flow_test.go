package rest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"showroom/call"
)

// TestFlow is a CRM's day: register, schedule, invite, accept, talk, look at what was used.
func TestFlow(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	at := "/conferences/" + v.conference

	b.want(200, "PATCH", "/sellers/"+v.seller, `{"monthly_minutes": 10, "email": "ana@example.com"}`)
	s := b.want(200, "GET", "/sellers/"+v.seller, "")
	if s.str("name") != "Ana Secret" || s.str("email") != "ana@example.com" || s.body["monthly_minutes"] != 10.0 || s.body["taken"] != nil {
		t.Errorf("seller: %s", s.Body)
	}

	inv := b.wantAs(200, v.token, "GET", "/invitation", "")
	c := inv.body["conference"].(map[string]any)
	if inv.str("role") != "buyer" || inv.str("name") != "Bruno Secret" || c["subject"] != "Secret car" || c["language"] != "pt-BR" ||
		c["duration_minutes"] != 30.0 || c["seller"].(map[string]any)["name"] != "Ana Secret" || c["starts_at"] != "2026-11-20T12:15:00Z" {
		t.Errorf("invitation: %s", inv.Body)
	}
	if strings.Contains(inv.Body.String(), v.seller) {
		t.Errorf("an invitation shows the seller's id: %s", inv.Body)
	}
	b.wantAs(200, v.token, "POST", "/invitation/accept", "")
	b.wantAs(200, v.token, "POST", "/invitation/accept", "{}") // again is no error
	if accepted := b.want(200, "GET", at, "").str("accepted_at"); accepted != "2026-11-20T12:00:00Z" {
		t.Errorf("accepted_at: %q", accepted)
	}

	sl := b.want(201, "POST", at+"/links", `{"role": "seller"}`)
	if got := sl.str("expires_at"); got != "2026-11-21T00:45:00Z" { // 12 h behind the planned end
		t.Errorf("expires_at: %q", got)
	}
	if want := "https://meet.example/join#" + sl.str("token"); sl.str("url") != want {
		t.Errorf("url %q, want %q", sl.str("url"), want)
	}
	a := b.wantAs(403, sl.str("token"), "POST", "/invitation/accept", "")
	if a.code() != "forbidden" {
		t.Errorf("the seller accepts: %s", a.Body)
	}
	b.want(422, "POST", at+"/links", `{"role": "guest"}`)
	b.want(201, "POST", at+"/links", `{"role": "guest", "name": "Carla"}`)

	b.apply(v.conference, call.Arrive(v.link), call.Arrive(sl.str("id")), call.Admit("buyer", "seller"))
	if a := b.want(409, "POST", at+"/cancel", ""); a.code() != "conflict" {
		t.Errorf("cancel of a running conference: %s", a.Body)
	}
	b.now = b.now.Add(90 * time.Second)
	live := b.want(200, "GET", at, "")
	if live.str("state") != "ongoing" || live.body["connected_seconds"] != 90.0 || live.str("ongoing_since") != "2026-11-20T12:00:00Z" {
		t.Errorf("live: %s", live.Body)
	}
	people := live.body["participants"].([]any)
	if p := people[0].(map[string]any); len(people) != 2 || p["id"] != "buyer" || p["name"] != "Bruno Secret" || p["present"] != true {
		t.Errorf("participants: %v", people)
	}
	done := b.want(200, "POST", at+"/end", `{"reason": "sold"}`)
	if done.str("state") != "finished" || done.str("finish_reason") != "sold" || done.str("finished_at") == "" {
		t.Errorf("ended: %s", done.Body)
	}
	b.want(409, "POST", at+"/end", "")
	if a := b.wantAs(410, v.token, "GET", "/invitation", ""); a.code() != "conference_over" {
		t.Errorf("invitation afterwards: %s", a.Body)
	}

	u := b.want(200, "GET", "/sellers/"+v.seller+"/usage", "")
	if u.str("month") != "2026-11" || u.body["cap_seconds"] != 600.0 || u.str("time_zone") != "America/Sao_Paulo" ||
		u.body["used_seconds"].(float64)+u.body["remaining_seconds"].(float64) != 600 {
		t.Errorf("usage: %s", u.Body)
	}
	if u := b.want(200, "GET", "/sellers/"+v.seller+"/usage?month=2026-10", ""); u.body["used_seconds"] != 0.0 {
		t.Errorf("usage of another month: %s", u.Body)
	}
}

func TestRevokedAndExpiredLinks(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	at := "/conferences/" + v.conference
	b.want(204, "DELETE", at+"/links/"+v.link, "")
	b.want(204, "DELETE", at+"/links/"+v.link, "") // again is no error
	if a := b.wantAs(401, v.token, "GET", "/invitation", ""); a.code() != "token_revoked" {
		t.Errorf("%s", a.Body)
	}
	if a := b.wantAs(401, v.token, "POST", "/invitation/accept", ""); a.code() != "token_revoked" {
		t.Errorf("%s", a.Body)
	}
	links := b.want(200, "GET", at+"/links", "")
	l := links.body["data"].([]any)[0].(map[string]any)
	if l["id"] != v.link || l["revoked_at"] == nil || l["token"] != nil || links.body["next"] != nil {
		t.Errorf("links: %s", links.Body)
	}
	short := b.want(201, "POST", at+"/links", `{"role": "buyer", "expires_at": "2026-11-20T13:00:00+00:00"}`).str("token")
	b.now = b.now.Add(2 * time.Hour)
	if a := b.wantAs(401, short, "GET", "/invitation", ""); a.code() != "token_expired" {
		t.Errorf("%s", a.Body)
	}
	late := b.want(201, "POST", at+"/links", `{"role": "buyer"}`) // after the planned end: 12 h from now
	if got := late.str("expires_at"); got != "2026-11-21T02:00:00Z" {
		t.Errorf("expires_at: %q", got)
	}
	b.want(200, "POST", at+"/cancel", `{"reason": "rain"}`)
	if a := b.wantAs(410, late.str("token"), "GET", "/invitation", ""); a.code() != "conference_cancelled" {
		t.Errorf("%s", a.Body)
	}
	b.want(409, "POST", at+"/cancel", "")
	b.want(409, "POST", at+"/links", `{"role": "buyer"}`)
}

func TestTooManyLinks(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	for range maxLinks - 1 {
		b.want(201, "POST", "/conferences/"+v.conference+"/links", `{"role": "buyer"}`)
	}
	if a := b.want(409, "POST", "/conferences/"+v.conference+"/links", `{"role": "buyer"}`); a.code() != "conflict" {
		t.Errorf("%s", a.Body)
	}
}

// TestPages walks every list two at a time and finds each item once, in order.
func TestPages(t *testing.T) {
	b := newBench(t)
	var seller string
	var conferences, sellers, buyers []string
	for i := range 5 {
		b.now = b.now.Add(time.Minute)
		seller = b.want(201, "POST", "/sellers", `{"name": "S", "monthly_minutes": 1}`).str("id")
		buyer := b.want(201, "POST", "/buyers", `{"name": "B"}`).str("id")
		c := b.want(201, "POST", "/conferences", `{"seller": "`+seller+`", "buyer": "`+buyer+`", "subject": "S", "starts_at": "2026-11-2`+strconv.Itoa(i+1)+`T10:00:00Z"}`)
		sellers, buyers, conferences = append(sellers, seller), append(buyers, buyer), append(conferences, c.str("id"))
	}
	for path, want := range map[string][]string{"/sellers": sellers, "/buyers": buyers, "/conferences": conferences, "/conferences?state=scheduled": conferences} {
		got := b.walk(path)
		slices.Reverse(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want the reverse of %v", path, got, want)
		}
	}
	if got := b.walk("/conferences?seller=" + seller); len(got) != 1 || got[0] != conferences[4] {
		t.Errorf("conferences of one seller: %v", got)
	}
	if got := b.walk("/conferences?state=ongoing"); len(got) != 0 {
		t.Errorf("ongoing conferences: %v", got)
	}
	at := "/conferences/" + conferences[0]
	for range 4 {
		b.want(201, "POST", at+"/links", `{"role": "buyer"}`)
	}
	events := b.walk(at + "/events")
	older := func(x, y string) int { return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)) }
	if len(events) != 5 || !slices.IsSortedFunc(events, older) || !strings.HasPrefix(events[0], "evt_") {
		t.Errorf("events: %v", events)
	}
	first := b.want(200, "GET", at+"/events?limit=1", "").body["data"].([]any)[0].(map[string]any)
	if first["type"] != "scheduled" || first["actor"] != "key_full" || first["at"] == nil || first["data"].(map[string]any)["subject"] != "S" {
		t.Errorf("event: %v", first)
	}
}

// walk follows next to the end and returns the ids.
func (b *bench) walk(path string) []string {
	b.t.Helper()
	var ids []string
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for next := ""; ; {
		a := b.want(200, "GET", path+sep+"limit=2"+next, "")
		for _, item := range a.body["data"].([]any) {
			ids = append(ids, item.(map[string]any)["id"].(string))
		}
		cursor, more := a.body["next"].(string)
		if !more {
			return ids
		}
		next = "&after=" + cursor
	}
}
