package sfu_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/pion/logging"
	"github.com/pion/turn/v5"
	"github.com/pion/webrtc/v4"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// nat stands between a client and the server, and can give the client another address.
type nat struct {
	path
	t      *testing.T
	server *net.UDPAddr
	inside *net.UDPConn // of the client's side
	wg     sync.WaitGroup

	mu      sync.Mutex
	client  *net.UDPAddr
	outside []*net.UDPConn // the last is the current one
}

func byUDP(t *testing.T, s *sfu.Server) *path {
	t.Helper()
	n := &nat{t: t, server: s.UDPAddr().(*net.UDPAddr), inside: listenUDP(t)}
	n.path.offer, n.path.answer, n.foreign = hide, redirect(n.inside.LocalAddr()), stranger(t, s)
	n.insert = func(b []byte) error {
		_, err := n.current().WriteToUDP(b, n.server)
		return err
	}
	n.move = n.rebind
	n.rebind()
	n.wg.Go(func() {
		buf := make([]byte, 2048)
		for {
			size, from, err := n.inside.ReadFromUDP(buf)
			if err != nil {
				return
			}
			n.mu.Lock()
			n.client = from
			n.mu.Unlock()
			if n.carry(true, buf[:size]) {
				_, _ = n.current().WriteToUDP(buf[:size], n.server)
			}
		}
	})
	t.Cleanup(func() {
		_ = n.inside.Close()
		n.mu.Lock()
		for _, c := range n.outside {
			_ = c.Close()
		}
		n.mu.Unlock()
		n.wg.Wait()
	})
	return &n.path
}

func (n *nat) current() *net.UDPConn {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.outside[len(n.outside)-1]
}

// rebind gives the client a new address in the server's eyes. What comes to the old one is lost.
func (n *nat) rebind() {
	c := listenUDP(n.t)
	n.mu.Lock()
	n.outside = append(n.outside, c)
	n.mu.Unlock()
	n.wg.Go(func() {
		buf := make([]byte, 2048)
		for {
			size, _, err := c.ReadFromUDP(buf)
			if err != nil {
				return
			}
			n.mu.Lock()
			client := n.client
			n.mu.Unlock()
			if n.current() == c && client != nil && n.carry(false, buf[:size]) {
				_, _ = n.inside.WriteToUDP(buf[:size], client)
			}
		}
	})
}

// proxy passes ICE-TCP on, packet by packet.
type proxy struct {
	path
	t      *testing.T
	server string
	wg     sync.WaitGroup

	mu    sync.Mutex // of what is written to the server, too
	up    net.Conn   // the current one
	conns []net.Conn
}

func byTCP(t *testing.T, s *sfu.Server) *path {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	x := &proxy{t: t, server: s.TCPAddr().String()}
	x.path.options, x.path.offer, x.path.answer = sfutest.Options{TCP: true}, hide, redirect(l.Addr())
	x.insert = x.write
	x.move = x.drop
	var other net.Conn
	byUDP := stranger(t, s)
	x.foreign = func(b []byte) error {
		if other != nil {
			if _, err := other.Write(framed(b)); err == nil {
				return byUDP(b)
			}
			_ = other.Close() // the server ends those that say nothing for 5 s
		}
		var err error
		if other, err = net.Dial("tcp4", x.server); err != nil {
			return err
		}
		return byUDP(b)
	}
	x.wg.Go(func() {
		for {
			down, err := l.Accept()
			if err != nil {
				return
			}
			x.wg.Go(func() { x.serve(down) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		if other != nil {
			_ = other.Close()
		}
		x.drop()
		x.wg.Wait()
	})
	return &x.path
}

func framed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

func (x *proxy) serve(down net.Conn) {
	up, err := net.Dial("tcp4", x.server)
	if err != nil {
		_ = down.Close()
		return
	}
	x.mu.Lock()
	x.up, x.conns = up, append(x.conns, up, down)
	x.mu.Unlock()
	x.wg.Go(func() { x.pump(up, down, false) })
	x.pump(down, up, true)
}

func (x *proxy) pump(from, to net.Conn, up bool) {
	defer func() { _, _ = from.Close(), to.Close() }()
	for {
		var head [2]byte
		if _, err := io.ReadFull(from, head[:]); err != nil {
			return
		}
		b := make([]byte, binary.BigEndian.Uint16(head[:]))
		if _, err := io.ReadFull(from, b); err != nil {
			return
		}
		if !x.carry(up, b) {
			continue
		}
		x.mu.Lock() // a packet that is inserted must not tear this one
		_, err := to.Write(framed(b))
		x.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (x *proxy) write(b []byte) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, err := x.up.Write(framed(b))
	return err
}

// drop ends the connections, as a network that changes does.
func (x *proxy) drop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range x.conns {
		_ = c.Close()
	}
	x.conns = nil
}

// relayed is the server's side of a TURN allocation.
type relayed struct {
	net.PacketConn
	path *path
}

func (r *relayed) WriteTo(b []byte, to net.Addr) (int, error) {
	if !r.path.carry(true, b) {
		return len(b), nil
	}
	return r.PacketConn.WriteTo(b, to)
}

func (r *relayed) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := r.PacketConn.ReadFrom(b)
		if err != nil || r.path.carry(false, b[:n]) {
			return n, from, err
		}
	}
}

// allocator gives the TURN server its sockets.
type allocator struct {
	turn.RelayAddressGenerator
	path *path

	mu   sync.Mutex
	last net.PacketConn
}

func (a *allocator) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	conn, addr, err := a.RelayAddressGenerator.AllocatePacketConn(c)
	if err != nil {
		return nil, nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = conn
	return &relayed{conn, a.path}, addr, nil
}

// byTURN is a client that can reach nothing but its TURN server, which relays to the loopback here.
func byTURN(t *testing.T, s *sfu.Server) *path {
	t.Helper()
	const user, realm, password = "user", "realm", "password"
	p := &path{foreign: stranger(t, s)}
	a := &allocator{path: p, RelayAddressGenerator: &turn.RelayAddressGeneratorStatic{RelayAddress: net.IPv4(127, 0, 0, 1), Address: "127.0.0.1"}}
	conn := listenUDP(t)
	server, err := turn.NewServer(turn.ServerConfig{
		Realm: realm, LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard},
		AuthHandler: func(*turn.RequestAttributes) (string, []byte, bool) {
			return user, turn.GenerateAuthKey(user, realm, password), true
		},
		PacketConnConfigs: []turn.PacketConnConfig{{PacketConn: conn, RelayAddressGenerator: a}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	p.options.Configuration = webrtc.Configuration{
		ICETransportPolicy: webrtc.ICETransportPolicyRelay,
		ICEServers: []webrtc.ICEServer{{
			URLs: []string{fmt.Sprintf("turn:%s?transport=udp", conn.LocalAddr())}, Username: user, Credential: password,
		}},
	}
	p.insert = func(b []byte) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		_, err := a.last.WriteTo(b, s.UDPAddr())
		return err
	}
	p.move = func() {} // an ICE restart takes another allocation
	return p
}
