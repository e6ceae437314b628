package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"

	"showroom/signaling/rest"
)

const (
	visitTimeout  = 10 * time.Second // of a request, a handshake, a message
	visitSilence  = 60 * time.Second // the server pings every 15 s
	visitGoodbye  = 2 * time.Second  // from leave to the end of the socket
	visitorsWords = "Synthetic buyer of a sandbox: agrees to the recording."
)

// reach is this very server: its address, and that its certificate need not fit it.
func (s *sandbox) reach() (address string, config *tls.Config) {
	host, port, _ := net.SplitHostPort(s.listener.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	address = net.JoinHostPort(host, port)
	if s.cfg.TLSCert == "" {
		return address, nil
	}
	return address, &tls.Config{InsecureSkipVerify: true} // it does not leave this process
}

// come is all of a visit, by docs/protocol.md as any client; it returns when it is over. What is not nil is why it was, if ctx was not.
func (v *visitor) come(ctx context.Context, token string) error {
	address, config := v.reach()
	scheme := ""
	if config != nil {
		scheme = "s"
	}
	if v.visit.Accept {
		if err := accept(ctx, "http"+scheme+"://"+address, config, token); err != nil {
			return err
		}
	}
	dialer := websocket.Dialer{HandshakeTimeout: visitTimeout, TLSClientConfig: config}
	socket, response, err := dialer.DialContext(ctx, "ws"+scheme+"://"+address+"/ws", nil)
	if response != nil {
		response.Body.Close()
	}
	if err != nil {
		return fmt.Errorf("open the socket: %w", err)
	}
	t := &talker{visitor: v, socket: socket, keyframe: make(chan struct{}, 1), connected: make(chan struct{}), done: make(chan struct{})}
	defer t.close()
	t.wg.Go(func() { t.goodbye(ctx) })
	if err := t.send("join", map[string]any{"token": token, "protocol": 1}); err != nil {
		return err
	}
	return t.converse()
}

// accept says that the buyer will come.
func accept(ctx context.Context, server string, config *tls.Config, token string) error {
	ctx, cancel := context.WithTimeout(ctx, visitTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, server+"/api/v1/invitation/accept", bytes.NewReader([]byte("{}")))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000)) // what came is enough
		return fmt.Errorf("accept: the server answered %s: %s", response.Status, text)
	}
	return nil
}

// talker is a visitor's socket and connection.
type talker struct {
	*visitor
	socket   *websocket.Conn
	writing  sync.Mutex
	keyframe chan struct{} // somebody needs one

	pc          *webrtc.PeerConnection // the reading goroutine's
	mic, camera *webrtc.TrackLocalStaticSample
	connected   chan struct{}
	done        chan struct{} // closed when the visit is over
	wg          sync.WaitGroup
}

func (t *talker) close() {
	close(t.done)
	t.socket.Close()
	if t.pc != nil {
		_ = t.pc.GracefulClose() // the call is over
	}
	t.wg.Wait()
}

// goodbye leaves when somebody wants that, or the visitor has talked enough.
func (t *talker) goodbye(ctx context.Context) {
	enough := make(<-chan time.Time)
	connected := t.connected
	for {
		select {
		case <-t.done:
			return
		case <-connected:
			connected = nil
			if t.visit.Talk > 0 {
				enough = time.After(t.visit.Talk)
			}
			continue
		case <-ctx.Done():
		case <-enough:
		}
		if t.send("leave", nil) != nil {
			t.socket.Close()
			return
		}
		_ = t.socket.SetReadDeadline(time.Now().Add(visitGoodbye)) // the reader sees it
		return
	}
}

func (t *talker) send(kind string, fields map[string]any) error {
	m := map[string]any{"type": kind}
	for k, value := range fields {
		m[k] = value
	}
	t.writing.Lock()
	defer t.writing.Unlock()
	if err := t.socket.SetWriteDeadline(time.Now().Add(visitTimeout)); err != nil {
		return err
	}
	return t.socket.WriteJSON(m)
}

// heard is a message of the server's, as far as a visitor listens.
type heard struct {
	Type, SDP, Reason, Code, Message string
	You                              struct{ State string }
	Candidate, MID                   string
	Recording                        string
}

// converse answers what the server says until the visit is over.
func (t *talker) converse() error {
	t.socket.SetPingHandler(func(data string) error {
		_ = t.socket.SetReadDeadline(time.Now().Add(visitSilence)) // the next read sees it
		return t.socket.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(visitTimeout))
	})
	for {
		var m heard
		_, text, err := t.socket.ReadMessage()
		if err != nil {
			return fmt.Errorf("the socket: %w", err)
		}
		if err := json.Unmarshal(text, &m); err != nil && m.Type == "" { // fields of other types are none of the visitor's
			continue
		}
		if err := t.take(m); err != nil {
			return err
		}
	}
}

func (t *talker) take(m heard) error {
	switch m.Type {
	case "welcome":
		if m.You.State == "knocking" {
			t.change(func(is *rest.Visitor) { is.State = "knocking" })
			return nil
		}
		return t.enter()
	case "admitted":
		return t.enter()
	case "answer":
		return t.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: m.SDP})
	case "bye":
		return &endedError{m.Reason}
	case "error":
		return fmt.Errorf("%s: %s", m.Code, m.Message)
	}
	return nil
}

// enter is what a client does once it is let in: agree or not, and offer.
func (t *talker) enter() error {
	if err := t.send("consent", map[string]any{"accepted": t.visit.Consent, "text": visitorsWords, "language": "en"}); err != nil {
		return err
	}
	if err := t.connect(); err != nil {
		return err
	}
	offer, err := t.pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(t.pc)
	if err := t.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered // it ends by itself: there are no servers to ask
	tracks := map[string]string{}
	for i, tr := range t.pc.GetTransceivers() {
		tracks[tr.Mid()] = []string{"mic", "camera"}[i]
	}
	if err := t.send("offer", map[string]any{"sdp": t.pc.LocalDescription().SDP, "tracks": tracks}); err != nil {
		return err
	}
	return t.send("state", map[string]any{"audio": true, "video": true, "screen": false})
}
