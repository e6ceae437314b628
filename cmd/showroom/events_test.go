package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// TestEventsUntilTheEnd: who listens hears the log from the beginning, and both who listens and who waits for an event are told when the server
// closes, and do not hold it up.
func TestEventsUntilTheEnd(t *testing.T) {
	t.Parallel()
	p := start(t, "demo")
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/api/v1/events/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if err := ws.WriteJSON(map[string]any{"type": "subscribe", "key": p.key, "after": "0"}); err != nil {
		t.Fatal(err)
	}
	var page struct {
		Data []struct{ Seq int }
		Next string
	}
	p.api("GET", "/events", nil, &page)
	for n := range len(page.Data) + 1 {
		var m struct{ Event struct{ Seq int } } // the first is ready
		if err := ws.ReadJSON(&m); err != nil || m.Event.Seq != n {
			t.Fatalf("event %d came at place %d, %v", m.Event.Seq, n, err)
		}
	}
	waited := make(chan int, 1)
	go func() {
		req, _ := http.NewRequest("GET", p.url+"/api/v1/events?wait=25&after="+page.Next, nil)
		req.Header.Set("Authorization", "Bearer "+p.key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			waited <- 0
			return
		}
		resp.Body.Close()
		waited <- resp.StatusCode
	}()
	p.api("POST", "/buyers", map[string]string{"name": "wakes the one who waits"}, nil)
	if status := <-waited; status != http.StatusOK {
		t.Errorf("who waits is answered with %d", status)
	}
	var m struct{ Event struct{ Type string } }
	for m.Event.Type != "buyer.registered" { // the demo's own people were registered before
		if err := ws.ReadJSON(&m); err != nil {
			t.Fatal(err)
		}
	}
	p.close()
	for err == nil { // the demo's people are told of their call meanwhile
		_, _, err = ws.ReadMessage()
	}
	if !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("at the end the socket says %v, want 1001", err)
	}
}
