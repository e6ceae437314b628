package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"
)

const (
	dialTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
	silence      = 45 * time.Second // the server pings every 15 s
	maxMessage   = 4 << 20          // bytes: what the server sends is as large as its room
)

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
	socket, response, err := websocket.DefaultDialer.DialContext(ctx, address, nil)
	if response != nil {
		defer response.Body.Close()
	}
	if err != nil {
		if response != nil {
			return fmt.Errorf("socket: the server answered %s", response.Status)
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
		return fmt.Errorf("bye: %s", m.Reason)
	case "error":
		return fmt.Errorf("error: %s: %s", m.Code, m.Message)
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
	live := message{"type": "state", "audio": p.publishes, "video": p.publishes, "screen": false}
	if err := p.send(live); err != nil {
		return err
	}
	return p.offer()
}

// offer sends the first offer with all candidates in it: there is one, so nothing is won by trickling.
func (p *peer) offer() error {
	offer, err := p.pc.CreateOffer(nil)
	if err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	select {
	case <-gathered:
	case <-p.ended:
		return errors.New("offer: closed")
	}
	tracks := map[string]string{}
	for _, t := range p.pc.GetTransceivers() {
		if sender := t.Sender(); sender != nil {
			if o, ok := sender.Track().(*outbound); ok {
				tracks[t.Mid()] = o.source
			}
		}
	}
	return p.send(message{"type": "offer", "id": 1, "sdp": p.pc.LocalDescription().SDP, "tracks": tracks})
}

// answered connects. The streams are known before the first packet can come.
func (p *peer) answered(sdp string) error {
	p.mu.Lock()
	p.pairs = pairsOf(sdp)
	p.mu.Unlock()
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp}
	if err := p.pc.SetRemoteDescription(answer); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}
