package load

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

const (
	dialTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
	silence      = 45 * time.Second // the server pings every 15 s
	maxMessage   = 4 << 20          // bytes: what the server sends is as large as its room
)

// refused is the server's word for why somebody is not in the call.
type refused struct{ how, code, message string }

func (r *refused) Error() string {
	if r.message == "" {
		return r.how + ": " + r.code
	}
	return r.how + ": " + r.code + ": " + r.message
}

// message is one to the server.
type message map[string]any

// received is one from the server: the fields of all types that matter here.
type received struct {
	Type        string          `json:"type"`
	You         participant     `json:"you"`
	Participant json.RawMessage `json:"participant"` // an object, or in some an id
	SDP         string          `json:"sdp"`
	Reason      string          `json:"reason"`
	Code        string          `json:"code"`
	Message     string          `json:"message"`
}

type participant struct {
	ID    string `json:"id"`
	State string `json:"state"`
}

func (p *peer) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	address := "ws" + strings.TrimPrefix(p.url, "http") + "/ws" // http → ws, https → wss
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: p.local}}
	dialer := websocket.Dialer{NetDialContext: from.DialContext}
	socket, response, err := dialer.DialContext(ctx, address, nil)
	if response != nil {
		defer response.Body.Close()
	}
	if err != nil {
		if response != nil {
			return &refused{how: "socket: the server answered", code: response.Status}
		}
		return fmt.Errorf("socket: %w", err)
	}
	socket.SetReadLimit(maxMessage)
	p.socket, p.opened = socket, time.Now()
	return nil
}

func (p *peer) send(m message) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := p.socket.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if err := p.socket.WriteJSON(m); err != nil {
		return fmt.Errorf("socket: send %v: %w", m["type"], err)
	}
	return nil
}

// converse joins and answers what the server says, until the socket is closed. It returns why it was.
func (p *peer) converse() error {
	alive := func(string) error { return p.socket.SetReadDeadline(time.Now().Add(silence)) }
	p.socket.SetPingHandler(func(data string) error {
		if err := alive(data); err != nil {
			return err
		}
		return p.socket.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout))
	})
	if err := alive(""); err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	if err := p.send(message{"type": "join", "token": p.token, "protocol": 1}); err != nil {
		return err
	}
	for {
		var m received
		if err := p.socket.ReadJSON(&m); err != nil {
			return fmt.Errorf("socket: %w", err)
		}
		if err := p.take(m); err != nil {
			return err
		}
	}
}

// take acts on one message.
func (p *peer) take(m received) error {
	switch m.Type {
	case "welcome":
		if m.You.State == "knocking" {
			return nil // admitted follows
		}
		return p.enter()
	case "admitted":
		return p.enter()
	case "knock":
		var who participant
		if err := json.Unmarshal(m.Participant, &who); err != nil {
			return fmt.Errorf("message knock: %w", err)
		}
		return p.send(message{"type": "admit", "participant": who.ID})
	case "answer":
		return p.answered(m.SDP)
	case "bye":
		return &refused{how: "bye", code: m.Reason}
	case "error":
		return &refused{"error", m.Code, m.Message}
	}
	return nil // what others do, minutes, chat
}

// enter is what a client does once it is in the room: it consents if it should, and offers.
func (p *peer) enter() error {
	if p.consents {
		consent := message{"type": "consent", "accepted": true, "text": "This is a test call. It may be recorded.", "language": "en"}
		if err := p.send(consent); err != nil {
			return err
		}
	}
	live := message{"type": "state", "audio": p.publishes, "video": p.publishes && !p.soundOnly, "screen": false}
	if err := p.send(live); err != nil {
		return err
	}
	return p.offer()
}
