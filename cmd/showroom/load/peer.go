package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
)

const byeTimeout = 2 * time.Second // from leave until the server closes the socket

// settings of a peer.
type settings struct {
	url       string // of the server
	token     string // of the access link
	name      string
	local     net.IP // where its sockets are
	publishes bool
	soundOnly bool    // and no video
	consents  bool    // to be recorded
	kbps      int     // of its camera
	phase     float64 // 0 to 1: when its frames come, within a frame's time
}

// peer is one participant.
type peer struct {
	settings
	*crew
	socket *websocket.Conn
	opened time.Time // the socket
	port   *port
	agent  *ice.Agent // the reading goroutine's until it ends; nil before the offer

	mic, camera *outbound     // nil: does not publish
	transport   atomic.Uint32 // transport-wide sequence number

	connected chan struct{} // closed when media may flow
	flowing   chan struct{} // closed at the first forwarded packet
	ended     chan struct{} // closed when the peer has failed or was closed
	silent    chan struct{} // closed when the socket is
	wg        sync.WaitGroup

	packets, bytes, resent, malformed, damaged, nacked, keyframesAsked, missed atomic.Uint64

	first  atomic.Int64 // when the first forwarded packet came, ns since began; 0: none has
	delays *delays      // where its delays are counted

	opener  atomic.Pointer[opener] // nil until connected
	sealer  atomic.Pointer[sealer] // likewise
	inbound atomic.Pointer[[]*inbound]
	pairs   atomic.Pointer[map[uint32]uint32] // SSRC of retransmissions → of the original; nil until answered

	writing sync.Mutex // one message at a time

	mu      sync.Mutex
	session *dtls.Conn // nil until connecting
	reason  error      // why it failed; nil also after close
	over    bool       // ended is closed
}

// crew is what all peers of a run share: the goroutines that read, publish and report for all of them.
type crew struct {
	identity
	ports     *ports
	publisher *publisher
}

// newCrew starts them.
func newCrew() (*crew, error) {
	id, err := newIdentity()
	if err != nil {
		return nil, err
	}
	ports, err := openPorts()
	if err != nil {
		return nil, err
	}
	return &crew{identity: id, ports: ports, publisher: newPublisher()}, nil
}

// close stops and awaits them. The peers are closed before.
func (c *crew) close() {
	c.publisher.close()
	c.ports.close()
}

// join opens the socket and starts what follows; it returns before the peer is in.
func join(ctx context.Context, c *crew, s settings, d *delays) (*peer, error) {
	p := &peer{
		settings: s, crew: c, delays: d, connected: make(chan struct{}), flowing: make(chan struct{}), ended: make(chan struct{}), silent: make(chan struct{}),
	}
	if s.publishes {
		p.mic = newOutbound("mic", audio, &p.transport)
		p.camera = newOutbound("camera", video, &p.transport)
	}
	local, ok := netip.AddrFromSlice(s.local)
	if !ok {
		return nil, fmt.Errorf("%v is no address of this machine", s.local)
	}
	var err error
	if p.port, err = c.ports.listen(local.Unmap(), p.receive); err != nil {
		return nil, err
	}
	if err := p.dial(ctx); err != nil {
		_ = p.port.Close()
		return nil, err
	}
	p.wg.Go(func() {
		defer close(p.silent)
		p.fail(p.converse())
	})
	if s.publishes {
		p.wg.Go(func() {
			select {
			case <-p.connected:
				c.publisher.add(p)
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

// writeRTCP sends a compound packet, once the peer is connected.
func (p *peer) writeRTCP(packets ...rtcp.Packet) {
	if s := p.sealer.Load(); s != nil {
		_ = s.WriteRTCP(packets...) // it may be closing
	}
}

// close leaves the call and waits until nothing of the peer runs.
func (p *peer) close() error {
	p.fail(nil)
	if p.send(message{"type": "leave"}) == nil { // else the socket is broken
		select { // who closes at once and joins again is found still there
		case <-p.silent:
		case <-time.After(byeTimeout):
		}
	}
	err := p.socket.Close()
	p.mu.Lock()
	session := p.session
	p.mu.Unlock()
	if session != nil {
		_ = session.Close() // the server may have closed it
	}
	p.wg.Wait()
	if p.agent != nil {
		err = errors.Join(err, p.agent.GracefulClose())
	}
	if err = errors.Join(err, p.port.Close()); err != nil {
		return fmt.Errorf("close peer %s: %w", p.name, err)
	}
	return nil
}
