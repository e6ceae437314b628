package load

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/transport/v4/deadline"
)

const (
	maxDatagram = 1500
	queued      = 64 // datagrams of STUN and DTLS that wait for Pion; more are dropped, and come again
)

// port is one peer's UDP socket. What is media (first byte 128 to 191, RFC 7983 §7) goes to a handler, on the one goroutine
// that reads all ports; the rest waits for Pion's ICE agent, to which the port is socket and mux.
type port struct {
	media   func(b []byte, arrived time.Duration) // arrived: since began
	local   netip.AddrPort
	dropped atomic.Uint64 // datagrams the kernel did not take
	overrun atomic.Uint64 // datagrams that came faster than they were read

	queue    chan datagram
	deadline *deadline.Deadline
	once     sync.Once
	closed   chan struct{}

	system
}

// datagram is one that is no media.
type datagram struct {
	b    []byte
	from netip.AddrPort
}

func newPort(media func([]byte, time.Duration)) *port {
	return &port{media: media, queue: make(chan datagram, queued), deadline: deadline.New(), closed: make(chan struct{})}
}

func isMedia(b []byte) bool { return len(b) > 0 && b[0] >= 128 && b[0] <= 191 }

// take distributes what arrived. from is asked for only if need be.
func (p *port) take(b []byte, arrived time.Duration, from func() netip.AddrPort) {
	if isMedia(b) {
		p.media(b, arrived)
		return
	}
	select {
	case p.queue <- datagram{append([]byte(nil), b...), from()}:
	default:
	}
}

// ReadFromAddrPort gives the next datagram that is no media.
func (p *port) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-p.queue:
		return copy(b, d.b), d.from, nil
	case <-p.deadline.Done():
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	case <-p.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// ReadFrom is ReadFromAddrPort for those who want a net.Addr.
func (p *port) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := p.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

var errNotUDP = errors.New("not a UDP address")

// WriteTo sends a datagram.
func (p *port) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, errNotUDP
	}
	return p.WriteToAddrPort(b, udp.AddrPort())
}

// LocalAddr is the port's address.
func (p *port) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(p.local) }

// SetDeadline of reads; no write waits.
func (p *port) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetReadDeadline of Pion's reads.
func (p *port) SetReadDeadline(t time.Time) error {
	p.deadline.Set(t)
	return nil
}

// SetWriteDeadline does nothing: no write waits.
func (p *port) SetWriteDeadline(time.Time) error { return nil }

// Close closes the socket; who reads it is told.
func (p *port) Close() error {
	p.once.Do(func() {
		close(p.closed)
		p.system.close()
	})
	return nil
}

// GetConn gives Pion the port for its only candidate.
func (p *port) GetConn(string, net.Addr) (net.PacketConn, error) { return p, nil }

// RemoveConnByUfrag does nothing: the port is closed with its peer.
func (p *port) RemoveConnByUfrag(string) {}

// GetListenAddresses tells Pion the candidate.
func (p *port) GetListenAddresses() []net.Addr { return []net.Addr{p.LocalAddr()} }

var (
	_ ice.UDPMux               = (*port)(nil)
	_ ice.AddrPortReaderWriter = (*port)(nil)
)
