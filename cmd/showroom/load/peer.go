package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"
)

// settings of a peer.
type settings struct {
	url       string // of the server
	token     string // of the access link
	name      string
	local     net.IP // where its candidate is
	publishes bool
	consents  bool    // to be recorded
	kbps      int     // of its camera
	phase     float64 // 0 to 1: when its frames come, within a frame's time
}

// peer is one participant.
type peer struct {
	settings
	socket *websocket.Conn
	opened time.Time // the socket
	pc     *webrtc.PeerConnection

	mic, camera *outbound     // nil: does not publish
	transport   atomic.Uint32 // transport-wide sequence number

	connected chan struct{} // closed when media may flow
	flowing   chan struct{} // closed at the first forwarded packet
	ended     chan struct{} // closed when the peer has failed or was closed
	wg        sync.WaitGroup

	packets, bytes, resent, malformed, nacked, keyframesAsked, missed atomic.Uint64

	first atomic.Int64 // when the first forwarded packet came, ns since began; 0: none has

	writing sync.Mutex // one message at a time

	mu      sync.Mutex
	inbound map[uint32]*inbound // by SSRC
	pairs   map[uint32]uint32   // SSRC of retransmissions → of the original
	reason  error               // why it failed; nil also after close
	over    bool                // ended is closed
}

// join opens the socket and starts what follows; it returns before the peer is in.
func join(ctx context.Context, s settings) (*peer, error) {
	p := &peer{
		settings: s, connected: make(chan struct{}), flowing: make(chan struct{}), ended: make(chan struct{}),
		inbound: map[uint32]*inbound{},
	}
	if err := p.dial(ctx); err != nil {
		return nil, err
	}
	var err error
	if p.pc, err = p.newConnection(s.local); err == nil {
		err = p.addSections()
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	var once sync.Once
	p.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			once.Do(func() { close(p.connected) })
		case webrtc.PeerConnectionStateFailed:
			p.fail(errors.New("media: no connection, or it was lost: is the server's UDP port reachable from here?"))
		}
	})
	p.wg.Go(func() { p.fail(p.converse()) })
	if s.publishes {
		p.wg.Go(func() {
			select {
			case <-p.connected:
				p.publish(p.ended, p.sendReports)
			case <-p.ended:
			}
		})
	}
	return p, nil
}

// fail notes why the peer is out of the call; the first reason counts.
func (p *peer) fail(reason error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	p.over, p.reason = true, reason
	close(p.ended)
}

// failure is why the peer is out of the call; nil while it is in, and after close.
func (p *peer) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}

// joinTime is from the open socket to the first forwarded packet; 0 if none has come.
func (p *peer) joinTime() time.Duration {
	at := p.first.Load()
	if at == 0 {
		return 0
	}
	return time.Duration(at) - p.opened.Sub(began)
}

// close leaves the call and waits until nothing of the peer runs.
func (p *peer) close() error {
	p.fail(nil)
	_ = p.send(message{"type": "leave"}) // the socket may be broken
	err := p.socket.Close()
	if p.pc != nil {
		err = errors.Join(err, p.pc.GracefulClose())
	}
	p.wg.Wait()
	if err != nil {
		return fmt.Errorf("close peer %s: %w", p.name, err)
	}
	return nil
}
