package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"
)

// native is a participant without a browser, as an app of its own would be: one WebSocket and one PeerConnection, by docs/protocol.md alone.
//
// It owns the goroutines that read the socket and the media and the one that sends media; leave them to close, which every test's end calls.
type native struct {
	t  *testing.T
	is string // for messages: seller or buyer
	ws *websocket.Conn
	pc *webrtc.PeerConnection
	wg sync.WaitGroup

	// sound and pictures of a second that are sent again and again; by default a tone and a clip with one keyframe.
	sound, pictures [][]byte

	mic, camera *webrtc.TrackLocalStaticSample
	keyframe    chan struct{} // the server asks for one
	offered     chan struct{} // closed when candidates may be sent
	stop        chan struct{}
	once        sync.Once

	writing sync.Mutex // of the socket

	mu       sync.Mutex
	changed  chan struct{} // closed at each change of what follows, and made anew
	heard    []message     // not awaited yet
	gone     error         // why the socket ended
	received received
	sent     map[string]stretch // by kind
	requests int
}

// stretch is from the first packet or frame to the last.
type stretch struct{ first, last time.Time }

// sends notes that something of a kind is sent now.
func (n *native) sends(kind string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, now := n.sent[kind], time.Now()
	if s.first.IsZero() {
		s.first = now
	}
	s.last = now
	n.sent[kind] = s
}

// hasSent is what was sent so far, by kind.
func (n *native) hasSent() map[string]stretch {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.sent)
}

// message is one of the server's. Fields that are an object in one message and an id in another stay as they came.
type message struct {
	Type, Code, Reason, Message, SDP, State, Text, Resume string

	ID                        int
	You                       nativeParticipant
	Participant, Participants json.RawMessage
	Slots                     []struct{ MID, Participant, Source, Kind string }
	raw                       []byte
}

type nativeParticipant struct{ ID, Role, Name, State string }

// dial opens the socket of a program's page and joins with the link's token. It returns the welcome, or the error the server has for it.
func dial(t *testing.T, is, link string) (*native, message) {
	t.Helper()
	page, token, ok := strings.Cut(link, "#")
	if !ok {
		t.Fatalf("%q is no access link", link)
	}
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(strings.TrimSuffix(page, "/join"), "http")+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := &native{
		t: t, is: is, ws: ws, keyframe: make(chan struct{}, 1), offered: make(chan struct{}), stop: make(chan struct{}), changed: make(chan struct{}), sent: map[string]stretch{},
	}
	n.wg.Go(n.read)
	t.Cleanup(n.close)
	n.send("join", map[string]any{"token": token, "protocol": 1})
	return n, n.await("welcome", "error")
}

// close ends everything, however far it got.
func (n *native) close() {
	n.once.Do(func() {
		close(n.stop)
		n.ws.Close()
		if n.pc != nil {
			if err := n.pc.GracefulClose(); err != nil {
				n.t.Errorf("%s: %v", n.is, err)
			}
		}
		n.wg.Wait()
	})
}

// send writes one message and returns its id.
func (n *native) send(kind string, fields map[string]any) int {
	n.t.Helper()
	m := map[string]any{"type": kind}
	for key, value := range fields {
		m[key] = value
	}
	n.mu.Lock()
	n.requests++
	id := n.requests
	n.mu.Unlock()
	m["id"] = id
	n.writing.Lock()
	defer n.writing.Unlock()
	if err := n.ws.WriteJSON(m); err != nil {
		n.t.Errorf("%s sends %s: %v", n.is, kind, err)
	}
	return id
}

// read keeps what the server says until the socket ends.
func (n *native) read() {
	for {
		_, data, err := n.ws.ReadMessage()
		m := message{raw: data}
		if err == nil {
			err = json.Unmarshal(data, &m)
		}
		n.change(func() {
			if err != nil {
				n.gone = err
			} else {
				n.heard = append(n.heard, m)
			}
		})
		if err != nil {
			return
		}
	}
}

func (n *native) change(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
	close(n.changed)
	n.changed = make(chan struct{})
}

// until waits until is, which is called with the lock held, at every change.
func (n *native) until(what string, is func() bool) {
	n.t.Helper()
	end := time.NewTimer(within)
	defer end.Stop()
	for {
		n.mu.Lock()
		ok, changed := is(), n.changed
		n.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-end.C:
			n.t.Fatalf("%s: in vain: %s; %s", n.is, what, n.account())
		}
	}
}

// await takes the oldest message of one of the types out of those not awaited yet. An error or a bye that nobody asked for fails the test.
func (n *native) await(kinds ...string) message {
	n.t.Helper()
	return n.awaitThat(strings.Join(kinds, " or "), func(m message) bool {
		for _, kind := range kinds {
			if m.Type == kind {
				return true
			}
		}
		return false
	})
}

// awaitThat takes the oldest message that suits, as await does.
func (n *native) awaitThat(what string, suits func(message) bool) (found message) {
	n.t.Helper()
	ended := false
	n.until(what, func() bool {
		for i, m := range n.heard {
			if suits(m) {
				found, n.heard = m, append(n.heard[:i:i], n.heard[i+1:]...)
				return true
			}
			if m.Type == "error" || m.Type == "bye" {
				ended = true
			}
		}
		ended = ended || n.gone != nil
		return ended
	})
	if found.raw == nil {
		n.t.Fatalf("%s: no %s comes any more; %s", n.is, what, n.account())
	}
	return found
}

// account is what a failed test says of the client.
func (n *native) account() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	said := fmt.Sprintf("media %+v, socket %v, unawaited:", n.received, n.gone)
	for _, m := range n.heard {
		said += fmt.Sprintf("\n\t%.300s", m.raw)
	}
	return said
}

// consent allows the recording.
func (n *native) consent() {
	n.t.Helper()
	n.send("consent", map[string]any{"accepted": true, "text": "This call is recorded. Do you agree?", "language": "en"})
}

// offer negotiates microphone and camera and says that both are live; media flows once the connection is there.
func (n *native) offer() {
	n.t.Helper()
	n.connect()
	desc, err := n.pc.CreateOffer(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := n.pc.SetLocalDescription(desc); err != nil {
		n.t.Fatal(err)
	}
	tracks := map[string]string{}
	for i, tr := range n.pc.GetTransceivers() {
		tracks[tr.Mid()] = []string{"mic", "camera"}[i]
	}
	n.send("offer", map[string]any{"sdp": desc.SDP, "tracks": tracks})
	close(n.offered)
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: n.await("answer").SDP}
	if err := n.pc.SetRemoteDescription(answer); err != nil {
		n.t.Fatalf("%s: the answer: %v\n%s", n.is, err, answer.SDP)
	}
	n.send("state", map[string]any{"audio": true, "video": true, "screen": false})
}
