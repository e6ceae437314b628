package sfu

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// tcpStall is how long one write to an ICE-TCP client may take before its connection is
// given up.
const tcpStall = 10 * time.Second

// Limits of ICE-TCP connections, with which anybody may begin. Pion closes those that say nothing for 5 s, and 30 s after a STUN
// message those that belong to no peer.
const (
	tcpPerAddress = 256              // of one IPv4 address or IPv6 /64: an office behind NAT
	tcpTotal      = 4096             // of all
	acceptPause   = time.Second / 10 // when the process has no file descriptors left
)

// tcpListener gives connections that never make the writer wait. Pion has a write buffer
// too, but tells nobody what it drops; and it stops listening at the first error.
type tcpListener struct {
	net.Listener
	limit   int            // bytes waiting for one client
	dropped *atomic.Uint64 // packets
	closed  chan struct{}
	once    sync.Once

	refused atomic.Uint64 // SRTP that Pion wanted to write; must be 0

	mu    sync.Mutex
	total int
	from  map[netip.Addr]int
	conns map[netip.AddrPort]*tcpConn // by the client's address
}

func newTCPListener(l net.Listener, limit int, dropped *atomic.Uint64) *tcpListener {
	return &tcpListener{
		Listener: l, limit: limit, dropped: dropped, closed: make(chan struct{}),
		from: map[netip.Addr]int{}, conns: map[netip.AddrPort]*tcpConn{},
	}
}

func (l *tcpListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if err != nil {
			select {
			case <-time.After(acceptPause):
				continue
			case <-l.closed:
				return nil, net.ErrClosed
			}
		}
		from := network(c.RemoteAddr())
		if !l.enter(from) {
			_ = c.Close()
			continue
		}
		q := newTCPConn(c, l)
		q.leave = func() { l.leave(from, q) }
		l.note(q)
		go q.send()
		return q, nil
	}
}

func (l *tcpListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// enter counts a connection unless there are too many.
func (l *tcpListener) enter(from netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= tcpTotal || l.from[from] >= tcpPerAddress {
		return false
	}
	l.total++
	l.from[from]++
	return true
}

// note keeps a connection to be found by its address.
func (l *tcpListener) note(c *tcpConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c.from] = c
}

// at gives the connection from an address; nil if there is none.
func (l *tcpListener) at(from netip.AddrPort) *tcpConn {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns[from]
}

func (l *tcpListener) leave(from netip.Addr, c *tcpConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns[c.from] == c {
		delete(l.conns, c.from)
	}
	l.total--
	if l.from[from]--; l.from[from] == 0 {
		delete(l.from, from)
	}
}

// network is what counts as one client: an IPv4 address, or an IPv6 /64, which one customer has whole.
func network(a net.Addr) netip.Addr {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.Addr{}
	}
	ip := ap.Addr().Unmap().WithZone("")
	if ip.Is6() {
		return netip.PrefixFrom(ip, 64).Masked().Addr()
	}
	return ip
}
