package signaling

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"showroom/call"
)

func TestFirstMessage(t *testing.T) {
	w := newWorld(t, options{})
	expired, _ := w.link(conf, call.RoleBuyer, time.Millisecond)
	foreign, err := NewTokens([]Key{{ID: "k1", Secret: make([]byte, 32)}})
	if err != nil {
		t.Fatal(err)
	}
	pass := call.Pass{Conference: conf, Link: "link_x", Participant: "buyer", Role: call.RoleBuyer, Expires: time.Now().Add(time.Hour)}
	other, err := foreign.Issue(pass)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(p call.Pass) string {
		token, err := w.tokens.Issue(p)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	elsewhere, old := pass, pass
	elsewhere.Conference = "conf_none"
	old.Expires = time.Now().Add(-time.Hour)
	_, buyerLink := w.link(conf, call.RoleBuyer, time.Hour)
	raised := call.Pass{Conference: conf, Link: buyerLink, Participant: "seller", Role: call.RoleSeller, Expires: pass.Expires}
	for name, c := range map[string]struct {
		text string
		code Code
	}{
		"not JSON":         {`hello`, codeBadMessage},
		"not join":         {`{"type":"ping"}`, codeJoinFirst},
		"unknown":          {`{"type":"dance"}`, codeUnknownType},
		"future protocol":  {`{"type":"join","protocol":9}`, codeBadMessage},
		"no token":         {`{"type":"join"}`, codeTokenInvalid},
		"garbage token":    {`{"type":"join","token":"a.b.c"}`, codeTokenInvalid},
		"foreign key":      {`{"type":"join","token":"` + other + `"}`, codeTokenInvalid},
		"no conference":    {`{"type":"join","token":"` + issue(elsewhere) + `"}`, codeTokenInvalid},
		"link not issued":  {`{"type":"join","token":"` + issue(pass) + `"}`, codeTokenRevoked},
		"expired by token": {`{"type":"join","token":"` + issue(old) + `"}`, codeTokenExpired},
		"expired by link":  {`{"type":"join","token":"` + expired + `"}`, codeTokenExpired},
		"role raised":      {`{"type":"join","token":"` + issue(raised) + `"}`, codeTokenInvalid},
		"17 KiB":           {`{"type":"join","token":"` + strings.Repeat("a", 17<<10) + `"}`, codeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			app := w.open(nil)
			app.t = t
			app.sendRaw(c.text)
			app.fails(c.code)
			if c.code == codeTooLarge {
				app.closed(websocket.CloseMessageTooBig)
			} else {
				app.closed(websocket.ClosePolicyViolation)
			}
		})
	}
	if n := len(w.desk.conference(conf).Inside()); n != 0 {
		// The raised pass let its link's own participant in for a moment, who leaves again.
		w.join(w.token(call.RoleSeller)).sync()
		if inside := w.desk.conference(conf).Inside(); !slices.Equal(inside, []string{"seller"}) {
			t.Fatalf("inside: %v", inside)
		}
	}
	if s := w.lines.String(); strings.Contains(s, expired) || strings.Contains(s, other) {
		t.Fatal("a token is in the log")
	}
}

func TestBadMessagesAfterJoin(t *testing.T) {
	w := newWorld(t, options{})
	seller, buyer, token, _ := w.both()
	for _, c := range []struct {
		text string
		code Code
	}{
		{`{`, codeBadMessage},
		{`{"type":"dance","id":1}`, codeUnknownType},
		{`{"type":"chat","text":7,"id":1}`, codeBadMessage},
		{`{"type":"join","token":"` + token + `","id":1}`, codeJoinedHere},
		{`{"type":"offer","sdp":"garbage","id":1}`, codeBadSDP},
		{`{"type":"offer","sdp":"","tracks":{"0":"telepathy"},"id":1}`, codeBadMessage},
		{`{"type":"candidate","candidate":"x","mid":"0","line":0,"id":1}`, codeBadCandidate},
	} {
		buyer.sendRaw(c.text)
		if m := buyer.fails(c.code); c.text != "{" && m["id"] != 1.0 {
			t.Errorf("%s: reply without id: %v", c.text, m)
		}
	}
	if err := buyer.ws.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	buyer.fails(codeBadMessage)
	buyer.send(message{"type": "ping", "id": "p"})
	if m := buyer.expect("pong"); m["id"] != "p" {
		t.Fatalf("pong: %v", m)
	}
	buyer.send(message{"type": "chat", "text": strings.Repeat("a", 64<<10)})
	buyer.fails(codeTooLarge)
	buyer.closed(websocket.CloseMessageTooBig)
	if m := seller.expect("changed"); m["participant"].(message)["state"] != "reconnecting" {
		t.Fatalf("changed: %v", m)
	}
	for _, m := range seller.seen {
		if m["type"] == "error" || m["type"] == "left" {
			t.Fatalf("the seller noticed: %v", m)
		}
	}
}

func TestFlood(t *testing.T) {
	w := newWorld(t, options{})
	seller, buyer, _, _ := w.both()
	for range 200 {
		if buyer.ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping"}`)) != nil {
			break // closed already
		}
	}
	buyer.fails(codeTooMany)
	buyer.closed(websocket.ClosePolicyViolation)
	n := 0
	for _, m := range buyer.seen {
		if m["type"] == "pong" {
			n++
		}
	}
	if n < 55 || n > 65 {
		t.Errorf("%d pings were answered, want about 60", n)
	}
	seller.sync()
}

func TestMegabytesAreNotRead(t *testing.T) {
	w := newWorld(t, options{})
	seller, _, _, _ := w.both()
	if err := seller.ws.WriteMessage(websocket.TextMessage, make([]byte, 10<<20)); err != nil {
		t.Logf("write: %v", err) // the server may close before it has all
	}
	for range seller.in {
	}
	if seller.end == nil {
		t.Fatal("still open")
	}
}

func TestCompressionIsOff(t *testing.T) {
	w := newWorld(t, options{})
	_, response, err := w.try(http.Header{"Sec-WebSocket-Extensions": {"permessage-deflate"}})
	if err == nil && response.Header.Get("Sec-WebSocket-Extensions") != "" {
		t.Fatalf("extensions: %q", response.Header.Get("Sec-WebSocket-Extensions"))
	}
}

func TestOriginOverHTTP(t *testing.T) {
	w := newWorld(t, options{config: func(c *Config) { c.Origins = []string{"https://crm.example.com"} }})
	for origin, status := range map[string]int{
		"http://" + w.listen.Addr().String(): 101, "https://crm.example.com": 101, "https://evil.example": 403, "null": 403,
	} {
		_, response, _ := w.try(http.Header{"Origin": {origin}})
		if response == nil || response.StatusCode != status {
			t.Errorf("%s: %v, want %d", origin, response, status)
		}
	}
}

func TestUnauthenticatedSocketsAreFew(t *testing.T) {
	w := newWorld(t, options{config: func(c *Config) { c.Unauthenticated = 3 }})
	seller := w.join(w.token(call.RoleSeller)) // does not count any more
	for range 3 {
		w.open(nil)
	}
	_, response, err := w.try(nil)
	if err == nil || response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
		t.Fatalf("the fourth: %v %v", response, err)
	}
	seller.sync()
}

func TestSocketsAreLimited(t *testing.T) {
	w := newWorld(t, options{config: func(c *Config) { c.Sockets = 1 }})
	w.join(w.token(call.RoleSeller))
	_, response, err := w.try(nil)
	if err == nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("the second: %v %v", response, err)
	}
}

func TestNoJoinInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		c := w.open(nil)
		began := time.Now()
		c.fails(codeJoinFirst)
		c.closed(websocket.ClosePolicyViolation)
		if d := time.Since(began); d < 5*time.Second || d > 7*time.Second {
			t.Fatalf("closed after %v", d)
		}
	})
}

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		token := w.token(call.RoleSeller)
		seller := w.join(token)
		time.Sleep(10 * time.Minute) // the app answers pings
		seller.sync()
		ignore := func() {}
		seller.ping.Store(&ignore)
		began := time.Now()
		for range seller.in {
		}
		if d := time.Since(began); d < 30*time.Second || d > 50*time.Second {
			t.Fatalf("closed after %v", d)
		}
	})
}

func TestSlowReaderIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller, buyer, _, _ := w.both()
		stop := make(chan struct{})
		release := make(chan struct{})
		var once sync.Once
		hang := func() { once.Do(func() { close(stop); <-release }) } // reads nothing from now on
		seller.ping.Store(&hang)
		t.Cleanup(sync.OnceFunc(func() { close(release) }))
		<-stop
		began := time.Now()
		for i := range 400 {
			buyer.send(message{"type": "state", "audio": i%2 == 0})
			time.Sleep(50 * time.Millisecond)
		}
		buyer.expectWhere("changed", stateIs("reconnecting"))
		if d := time.Since(began); d > 25*time.Second {
			t.Fatalf("closed %v after it stopped reading", d)
		}
	})
}

func TestTooManyJoins(t *testing.T) {
	w := newWorld(t, options{})
	token := w.token(call.RoleSeller)
	for range joinBurst {
		w.joined(message{"token": token, "takeover": true})
	}
	c := w.open(nil)
	c.send(message{"type": "join", "token": token, "takeover": true})
	c.fails(codeTooMany)
	c.closed(websocket.ClosePolicyViolation)
}

// TestTooManyResumes: each makes the others hear of it twice.
func TestTooManyResumes(t *testing.T) {
	w := newWorld(t, options{})
	_, buyer, _, token := w.both()
	secret := w.resumeOf(buyer)
	var last *client
	for range joinBurst - 1 { // both has joined once
		last, _ = w.joined(message{"token": token, "resume": secret})
	}
	c := w.open(nil)
	c.send(message{"type": "join", "token": token, "resume": secret})
	c.fails(codeTooMany)
	c.closed(websocket.ClosePolicyViolation)
	last.send(message{"type": "ping"}) // who is there stays
	last.expect("pong")
}

// TestControlFramesCount: pings and pongs cost as much as messages.
func TestControlFramesCount(t *testing.T) {
	for _, kind := range []int{websocket.PingMessage, websocket.PongMessage} {
		w := newWorld(t, options{})
		seller, buyer, _, _ := w.both()
		for range 10_000 {
			if buyer.ws.WriteControl(kind, nil, time.Now().Add(patience)) != nil {
				break
			}
		}
		if m := seller.expect("changed"); m["participant"].(message)["state"] != "reconnecting" {
			t.Fatalf("changed: %v", m)
		}
	}
}

// TestTokensThatAreNotOurs are told so ten times, and no more lines are logged.
func TestTokensThatAreNotOurs(t *testing.T) {
	w := newWorld(t, options{})
	try := func(token string, code Code) {
		t.Helper()
		c := w.open(nil)
		c.send(message{"type": "join", "token": token})
		c.fails(code)
		c.closed(websocket.ClosePolicyViolation)
	}
	for range maxMisses {
		try("a.b.c", codeTokenInvalid)
	}
	for range 20 {
		try("a.b.c", codeTooMany)
	}
	if n := strings.Count(w.lines.String(), "token refused"); n != maxMisses {
		t.Errorf("%d lines in the log, want %d", n, maxMisses)
	}
	w.join(w.token(call.RoleSeller)).sync() // a good one is good
}

func TestMissesAreForgotten(t *testing.T) {
	m, now := misses{seen: map[string]missed{}}, time.Now()
	for i := range 3 * missAddresses {
		m.add(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).String(), now)
	}
	if len(m.seen) > missAddresses+1 {
		t.Errorf("%d addresses are remembered", len(m.seen))
	}
	if m.add("192.0.2.1", now) {
		t.Error("one address more is allowed when all share a count")
	}
	if now = now.Add(missWindow); !m.add("192.0.2.1", now) || len(m.seen) != 1 {
		t.Errorf("after a minute %d are remembered", len(m.seen))
	}
}

func TestRoomFull(t *testing.T) {
	w := newWorld(t, options{config: func(c *Config) { c.Participants = 2 }})
	w.both()
	c := w.open(nil)
	c.send(message{"type": "join", "token": w.token(call.RoleGuest)})
	c.fails(codeRoomFull)
	c.closed(websocket.ClosePolicyViolation)
}
