package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"showroom/call"
	"showroom/signaling/rest"
	"showroom/store"
	"showroom/store/kv"
)

// TestPlanOfTheProgram: a conference is moved with the links that were sent, its door is closed before the time and open when the seller is there.
func TestPlanOfTheProgram(t *testing.T) {
	t.Parallel()
	p := start(t, "demo")
	s := p.schedule()
	tomorrow := time.Now().Add(24 * time.Hour).UTC().Truncate(time.Second)
	p.api("PATCH", "/conferences/"+s.ID, map[string]any{"starts_at": tomorrow.Format(time.RFC3339), "vehicle": map[string]string{"title": "Fiat Uno 1994"}}, nil)
	_, token, _ := strings.Cut(s.buyer, "#")
	if says := p.knock(token); says["code"] != "too_early" {
		t.Errorf("a day before the time the buyer is told %v", says)
	}
	_, sellers, _ := strings.Cut(s.seller, "#")
	if says := p.knock(sellers); says["type"] != "welcome" {
		t.Fatalf("the seller is told %v", says)
	}
	if says := p.knock(token); says["type"] != "welcome" || says["conference"].(map[string]any)["starts_at"] != tomorrow.Format(time.RFC3339) {
		t.Errorf("with the seller there the buyer is told %v", says)
	}
}

// TestNoShowOfTheProgram: what became due while no server ran is closed by the next one.
func TestNoShowOfTheProgram(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	db, err := kv.OpenBolt(databaseFile(data))
	if err != nil {
		t.Fatal(err)
	}
	yesterday, err := store.New(db, func() time.Time { return time.Now().Add(-24 * time.Hour) })
	if err != nil {
		t.Fatal(err)
	}
	id := scheduleIn(t, yesterday, time.Hour)
	secret, _, err := yesterday.CreateKey(t.Context(), call.Key{Name: "test", Scope: rest.ScopeRead})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	p := startIn(t, data, "serve")
	p.key = secret
	type events struct {
		Data []struct{ Type string }
		Next string
	}
	for after, found := "0", false; !found; {
		var page events
		p.api("GET", "/events?wait=25&type=no_show&after="+after, nil, &page)
		found, after = len(page.Data) > 0, page.Next
	}
	var all events
	p.api("GET", "/conferences/"+id+"/events", nil, &all)
	var types []string
	for _, e := range all.Data {
		types = append(types, e.Type)
	}
	if got := strings.Join(types, " "); got != "scheduled no_show call.finished" {
		t.Errorf("the log of what nobody came to: %s", got)
	}
}

// knock joins with a token and keeps the socket; it gives the server's first word.
func (p *program) knock(token string) map[string]any {
	p.t.Helper()
	ws, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/ws", http.Header{})
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body.Close()
	p.t.Cleanup(func() { ws.Close() })
	if err := ws.WriteJSON(map[string]any{"type": "join", "token": token}); err != nil {
		p.t.Fatal(err)
	}
	var says map[string]any
	if err := ws.ReadJSON(&says); err != nil {
		p.t.Fatal(err)
	}
	return says
}
