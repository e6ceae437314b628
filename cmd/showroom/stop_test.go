package main

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestTwoSignals stops a process in the middle of a call: the first SIGTERM takes no new calls and lets this one go on, the second ends it and
// keeps the recording.
func TestTwoSignals(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := launch(t, data, "demo", "--drain-timeout", "1h", "--listen", "127.0.0.1:0")
	id := p.newest().ID
	other := p.schedule()
	buyer, _ := dial(t, "buyer", p.buyer)
	seller, _ := dial(t, "seller", p.seller)
	met(seller, buyer)
	if status, body := p.get("/readyz"); status != http.StatusOK {
		t.Fatalf("before the signal it is not ready: %d %s", status, body)
	}

	p.terminate()
	p.until("readyz says draining", func() bool {
		status, body := p.get("/readyz")
		return status == http.StatusServiceUnavailable && body == "draining\n"
	})
	if status, body := p.get("/livez"); status != http.StatusOK {
		t.Errorf("it drains and is not alive: %d %s", status, body)
	}
	late, refused := dial(t, "seller", other.seller)
	if refused.Type != "error" || refused.Code != "unavailable" || refused.Message == "" {
		t.Errorf("a new call is answered with %s, want the error unavailable and words", refused.raw)
	}
	late.ends(websocket.CloseTryAgainLater)
	seller.send("chat", map[string]any{"text": "still here"})
	buyer.awaitThat("chat in the running call", func(m message) bool { return m.Type == "chat" && m.Text == "still here" })
	for _, n := range []*native{seller, buyer} {
		n.gets(500 * time.Millisecond)
	}
	buyer.close() // somebody whose connection breaks comes back into the running call
	seller.awaitThat("the buyer's broken socket", func(m message) bool { return m.Type == "changed" })
	buyer = rejoin(t, "buyer", p.buyer)
	buyer.offer()
	buyer.gets(500 * time.Millisecond)

	p.terminate()
	for _, n := range []*native{seller, buyer} {
		if bye := n.await("bye"); bye.Reason != "server_closing" || bye.Message == "" {
			t.Errorf("the %s is told %s, want server_closing and words", n.is, bye.raw)
		}
		n.ends(websocket.CloseGoingAway)
	}
	if code := <-p.done; code != 0 {
		t.Errorf("the process ended with %d, want 0", code)
	}
	close(p.done)

	again := launch(t, data, "serve", "--drain-timeout", "1s", "--listen", "127.0.0.1:0")
	again.key = p.key
	files := again.recording(id)
	checkFiles(t, files, 3)
	for _, f := range files {
		if f.Participant == "seller" && f.DurationMS < 2000 {
			t.Errorf("%s lasts %d ms, want the call's 2 s and more", f.Name, f.DurationMS)
		}
	}
}

// ends waits until the server has closed the socket with a code.
func (n *native) ends(code int) {
	n.t.Helper()
	n.until("the socket's end", func() bool { return n.gone != nil })
	if !websocket.IsCloseError(n.gone, code) {
		n.t.Errorf("the %s's socket ended with %v, want code %d", n.is, n.gone, code)
	}
}

// get asks for a page.
func (p *program) get(path string) (status int, body string) {
	p.t.Helper()
	resp, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// scheduled is a conference with its links.
type scheduled struct{ ID, seller, buyer string }

// schedule makes a conference that begins now, of a seller and a buyer of its own.
func (p *program) schedule() (s scheduled) {
	p.t.Helper()
	var seller, buyer struct{ ID string }
	p.api("POST", "/sellers", map[string]any{"name": "Ana", "monthly_minutes": 60}, &seller)
	p.api("POST", "/buyers", map[string]any{"name": "Bruno"}, &buyer)
	p.api("POST", "/conferences", map[string]any{
		"seller": seller.ID, "buyer": buyer.ID, "subject": "Test drive", "starts_at": time.Now().UTC().Format(time.RFC3339)}, &s)
	for role, to := range map[string]*string{"seller": &s.seller, "buyer": &s.buyer} {
		var link struct{ URL string }
		p.api("POST", fmt.Sprintf("/conferences/%s/links", s.ID), map[string]any{"role": role}, &link)
		*to = link.URL
	}
	return s
}
