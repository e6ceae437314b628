package rest

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"showroom/call"
)

func seqs(a answer) (all []uint64) {
	data, _ := a.body["data"].([]any)
	for _, e := range data {
		all = append(all, uint64(e.(map[string]any)["seq"].(float64)))
	}
	return all
}

// TestEvents walks the whole log by its cursor, and by type and seller: every event once, in order.
func TestEvents(t *testing.T) {
	b := newBench(t)
	v, other := b.visit(), b.visit()
	next, n := "0", uint64(0)
	for {
		a := b.want(200, "GET", "/events?limit=3&after="+next, "")
		for _, seq := range seqs(a) {
			if n++; seq != n {
				t.Fatalf("event %d stands at place %d", seq, n)
			}
		}
		if a.str("next") == next {
			break
		}
		next = a.str("next")
	}
	if want := len(b.store.log); int(n) != want {
		t.Errorf("%d events, the log has %d", n, want)
	}
	scheduled := b.want(200, "GET", "/events?type=scheduled,link.issued", "")
	if got := seqs(scheduled); len(got) != 4 || scheduled.str("next") != fmt.Sprint(n) {
		t.Errorf("two types: %s", scheduled.Body)
	}
	for name, a := range map[string]answer{"a seller's key": b.wantAs(200, v.secret, "GET", "/events", ""), "seller=": b.want(200, "GET", "/events?seller="+v.seller, "")} {
		text := a.Body.String()
		if len(seqs(a)) == 0 || strings.Contains(text, other.seller) || strings.Contains(text, other.conference) || strings.Contains(text, other.buyer) || !strings.Contains(text, v.buyer) {
			t.Errorf("%s: %s", name, text)
		}
	}
	for query, field := range map[string]string{"type=nonsense": "type", "wait=26": "wait", "wait=-1": "wait", "wait=x": "wait", "seller=x": "seller", "after=-1": "after",
		"type=" + strings.Repeat("scheduled,", 60) + "scheduled": "type", "type=" + strings.Repeat("x", 2000): "type"} {
		if a := b.want(422, "GET", "/events?"+query, ""); a.str("field") != field {
			t.Errorf("%s: %s", query, a.Body)
		}
	}
	b.wantAs(422, v.secret, "GET", "/events?seller="+other.seller, "")
}

// TestEventsWait: who waits hears of the next event at once, and of nothing when the time is up.
func TestEventsWait(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	synctest.Test(t, func(t *testing.T) {
		b.store.appended = make(chan struct{}) // of this bubble
		begin := time.Now()
		end := fmt.Sprint(len(b.store.log))
		a := b.want(200, "GET", "/events?wait=20&after="+end, "")
		if len(seqs(a)) != 0 || a.str("next") != end || time.Since(begin) != 20*time.Second {
			t.Errorf("after %s: %s", time.Since(begin), a.Body)
		}
		begin = time.Now()
		go func() {
			time.Sleep(3 * time.Second)
			b.apply(v.conference, call.RevokeLink(v.link, "key_crm"))
		}()
		a = b.want(200, "GET", "/events?wait=20&after="+end, "")
		if len(seqs(a)) != 1 || time.Since(begin) != 3*time.Second {
			t.Errorf("after %s: %s", time.Since(begin), a.Body)
		}
		closing := make(chan struct{})
		b.config.Closing = closing
		b.restart()
		begin = time.Now()
		go func() { time.Sleep(time.Second); close(closing) }()
		if a := b.want(200, "GET", "/events?wait=20&after="+a.str("next"), ""); time.Since(begin) != time.Second {
			t.Errorf("the closing server answers after %s: %s", time.Since(begin), a.Body)
		}
	})
}

func TestTooManyWait(t *testing.T) {
	b := newBench(t)
	a := b.handler.(*api)
	for range maxWaiting {
		if _, room := a.enterFeed(); !room {
			t.Fatal("no room")
		}
	}
	if got := b.want(503, "GET", "/events?wait=1", ""); got.Header().Get("Retry-After") == "" {
		t.Errorf("%v", got.Header())
	}
	b.want(200, "GET", "/events", "")
}

// listener is a WebSocket of live events.
type listener struct {
	t    *testing.T
	ws   *websocket.Conn
	name string
}

func (b *bench) serveLive() (url string) {
	b.t.Helper()
	closing, sockets := make(chan struct{}), new(sync.WaitGroup)
	b.config.Closing, b.config.Sockets = closing, sockets
	b.restart()
	server := httptest.NewServer(b.handler)
	b.t.Cleanup(func() { close(closing); sockets.Wait(); server.Close() })
	return "ws" + strings.TrimPrefix(server.URL, "http") + livePath
}

func listen(t *testing.T, url string, first any) *listener {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	if err := ws.WriteJSON(first); err != nil {
		t.Fatal(err)
	}
	return &listener{t: t, ws: ws}
}

type heard struct {
	Type, Next, Code, Message string
	Event                     struct {
		Seq          uint64
		Type, Stream string
	}
}

func (l *listener) next() (m heard) {
	l.t.Helper()
	l.ws.SetReadDeadline(time.Now().Add(20 * time.Second))
	if err := l.ws.ReadJSON(&m); err != nil {
		l.t.Fatalf("%s: %v", l.name, err)
	}
	return m
}

// TestLiveEvents: from a cursor everything, then what happens, each once; a seller's key hears of its own; a revoked key no more.
func TestLiveEvents(t *testing.T) {
	b := newBench(t)
	v, other := b.visit(), b.visit()
	url := b.serveLive()
	all := listen(t, url, map[string]any{"type": "subscribe", "key": fullKey, "after": "0"})
	if m := all.next(); m.Type != "ready" || m.Next != "0" {
		t.Errorf("%+v", m)
	}
	for i := range b.store.log {
		if m := all.next(); m.Event.Seq != uint64(i+1) {
			t.Fatalf("event %d came at place %d", m.Event.Seq, i+1)
		}
	}
	own := listen(t, url, map[string]any{"type": "subscribe", "key": v.secret, "types": []string{"cancelled"}})
	if m := own.next(); m.Type != "ready" || m.Next != fmt.Sprint(len(b.store.log)) {
		t.Errorf("%+v", m)
	}
	b.apply(other.conference, call.Cancel("key_crm", ""))
	b.apply(v.conference, call.Cancel("key_crm", ""))
	for _, conference := range []string{other.conference, v.conference} {
		if m := all.next(); m.Event.Type != "cancelled" || m.Event.Stream != conference {
			t.Errorf("%+v", m)
		}
	}
	if m := own.next(); m.Event.Stream != v.conference {
		t.Errorf("a seller hears of %+v", m)
	}
	revoked := listen(t, url, map[string]any{"type": "subscribe", "key": v.secret})
	revoked.next()
	b.want(204, "DELETE", "/keys/"+v.key, "")
	b.want(201, "POST", "/buyers", `{"name": "Caio", "seller": "`+v.seller+`"}`)
	if m := all.next(); m.Event.Type != "buyer.registered" {
		t.Errorf("%+v", m)
	}
	if m := revoked.next(); m.Type != "error" || m.Code != "unauthorized" {
		t.Errorf("a revoked key hears of %+v", m)
	}
}

func TestLiveRefusals(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	url := b.serveLive()
	for name, c := range map[string]struct {
		first any
		code  string
	}{
		"not ours":     {map[string]any{"type": "join", "token": "x"}, "invalid"},
		"another type": {map[string]any{"type": "unsubscribe"}, "invalid"},
		"no key":       {map[string]any{"type": "subscribe"}, "unauthorized"},
		"a bad key":    {map[string]any{"type": "subscribe", "key": "sk_guess"}, "unauthorized"},
		"a token":      {map[string]any{"type": "subscribe", "key": v.token}, "unauthorized"},
		"odd scope":    {map[string]any{"type": "subscribe", "key": oddKey}, "forbidden"},
		"bad cursor":   {map[string]any{"type": "subscribe", "key": fullKey, "after": "x"}, "invalid"},
		"bad type":     {map[string]any{"type": "subscribe", "key": fullKey, "types": []string{"x"}}, "invalid"},
		"bad seller":   {map[string]any{"type": "subscribe", "key": v.secret, "seller": "sell_other"}, "invalid"},
		"no object":    {[]int{1}, "bad_request"},
	} {
		l := listen(t, url, c.first)
		l.name = name
		if m := l.next(); m.Type != "error" || m.Code != c.code || m.Message == "" {
			t.Errorf("%s: %+v", name, m)
		}
		if _, _, err := l.ws.ReadMessage(); !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
			t.Errorf("%s: then %v", name, err)
		}
	}
	for origin, want := range map[string]int{"": 101, "https://crm.example": 101, "https://evil.example": 403, "null": 403} {
		b.config.Origins = []string{"https://crm.example"}
		b.restart()
		server := httptest.NewServer(b.handler)
		header := map[string][]string{}
		if origin != "" {
			header["Origin"] = []string{origin}
		}
		ws, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(server.URL, "http")+livePath, header)
		if err == nil {
			ws.Close()
		}
		if resp == nil || resp.StatusCode != want {
			t.Errorf("origin %q: %v, %v; want %d", origin, resp, err, want)
		}
		b.config.Sockets.Wait()
		server.Close()
	}
	if a := b.want(400, "GET", "/events/live", ""); a.code() != "bad_request" {
		t.Errorf("without an upgrade: %s", a.Body)
	}
}
