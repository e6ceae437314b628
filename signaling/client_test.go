package signaling

import (
	"encoding/json"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const patience = 30 * time.Second

type message = map[string]any

// client is an app on a real WebSocket.
type client struct {
	t    *testing.T
	ws   *websocket.Conn
	in   chan message
	end  error // why reading ended; read it after in is closed
	seen []message
	ping atomic.Pointer[func()] // called instead of answering
}

func (w *world) open(header http.Header) *client {
	w.t.Helper()
	c, _, err := w.try(header)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) try(header http.Header) (*client, *http.Response, error) {
	d := websocket.Dialer{NetDialContext: w.dial, HandshakeTimeout: patience}
	ws, response, err := d.Dial("ws://"+w.listen.Addr().String()+"/ws", header)
	if err != nil {
		return nil, response, err
	}
	c := &client{t: w.t, ws: ws, in: make(chan message, 4096)}
	ws.SetPingHandler(func(data string) error {
		if f := c.ping.Load(); f != nil {
			(*f)()
			return nil
		}
		return ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(patience))
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(c.in)
		for {
			_, data, err := ws.ReadMessage()
			if err != nil {
				c.end = err
				return
			}
			var m message
			if err := json.Unmarshal(data, &m); err != nil {
				c.end = err
				return
			}
			c.in <- m
		}
	}()
	w.t.Cleanup(func() { _ = ws.Close(); <-done })
	return c, response, nil
}

func (c *client) send(m message) {
	c.t.Helper()
	if err := c.ws.WriteJSON(m); err != nil {
		c.t.Fatalf("send %v: %v", m["type"], err)
	}
}

func (c *client) sendRaw(text string) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// expect waits for the next message of the type; others are passed over.
func (c *client) expect(kind string) message {
	c.t.Helper()
	return c.expectWhere(kind, func(message) bool { return true })
}

func (c *client) expectWhere(kind string, good func(message) bool) message {
	c.t.Helper()
	return c.wait(kind, patience, good)
}

func (c *client) wait(kind string, d time.Duration, good func(message) bool) message {
	c.t.Helper()
	deadline := time.After(d)
	var passed []any
	for {
		select {
		case m, ok := <-c.in:
			if !ok {
				c.t.Fatalf("waiting for %s: %v; got %v", kind, c.end, passed)
			}
			c.seen = append(c.seen, m)
			if m["type"] == kind && good(m) {
				return m
			}
			passed = append(passed, m)
		case <-deadline:
			c.t.Fatalf("no %s in %v; got %v", kind, d, passed)
		}
	}
}

func (c *client) bye(reason string) message {
	c.t.Helper()
	m := c.expect("bye")
	if m["reason"] != reason {
		c.t.Fatalf("bye %v, want %s", m["reason"], reason)
	}
	return m
}

func (c *client) fails(code Code) message {
	c.t.Helper()
	m := c.expect("error")
	if m["code"] != string(code) {
		c.t.Fatalf("error %v, want %s", m, code)
	}
	if m["message"] == "" {
		c.t.Fatalf("error %s says nothing", code)
	}
	return m
}

// closed waits for the close frame.
func (c *client) closed(code int) {
	c.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case _, ok := <-c.in:
			if ok {
				continue
			}
			var ce *websocket.CloseError
			if !errors.As(c.end, &ce) || ce.Code != code {
				c.t.Fatalf("closed by %v, want code %d", c.end, code)
			}
			return
		case <-deadline:
			c.t.Fatalf("not closed")
		}
	}
}

// sync returns when the conference has dealt with everything sent before.
func (c *client) sync() {
	c.t.Helper()
	c.send(message{"type": "deny", "participant": "nobody", "id": "sync"})
	c.expectWhere("error", func(m message) bool { return m["id"] == "sync" })
}

func (w *world) join(token string) *client {
	w.t.Helper()
	c, _ := w.joined(message{"token": token})
	return c
}

func (w *world) joined(m message) (*client, message) {
	w.t.Helper()
	c := w.open(nil)
	m["type"] = "join"
	c.send(m)
	return c, c.expect("welcome")
}

// both brings a seller and an admitted buyer in.
func (w *world) both() (seller, buyer *client, sellerToken, buyerToken string) {
	w.t.Helper()
	sellerToken, buyerToken = w.token("seller"), w.token("buyer")
	seller, buyer = w.join(sellerToken), w.join(buyerToken)
	seller.expect("knock")
	seller.send(message{"type": "admit", "participant": "buyer"})
	buyer.expect("admitted")
	seller.expect("joined")
	return seller, buyer, sellerToken, buyerToken
}
