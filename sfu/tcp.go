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

	mu    sync.Mutex
	total int
	from  map[netip.Addr]int
}

func newTCPListener(l net.Listener, limit int, dropped *atomic.Uint64) *tcpListener {
	return &tcpListener{Listener: l, limit: limit, dropped: dropped, closed: make(chan struct{}), from: map[netip.Addr]int{}}
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
		q := &tcpConn{
			Conn: c, limit: l.limit, dropped: l.dropped, ready: make(chan struct{}, 1), done: make(chan struct{}),
			leave: func() { l.leave(from) },
		}
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

func (l *tcpListener) leave(from netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
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

// tcpConn queues what is written. A queue that is full drops what comes: each Write is one
// framed packet (RFC 4571), so that the stream stays whole. The goroutine ends with Close.
type tcpConn struct {
	net.Conn
	limit   int
	dropped *atomic.Uint64
	ready   chan struct{}
	done    chan struct{}
	leave   func() // told once that the connection is gone
	once    sync.Once

	mu    sync.Mutex
	queue []byte
	spare []byte
}

func (c *tcpConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if len(c.queue)+len(b) > c.limit {
		c.mu.Unlock()
		c.dropped.Add(1)
		return len(b), nil
	}
	c.queue = append(c.queue, b...)
	c.mu.Unlock()
	select {
	case c.ready <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (c *tcpConn) send() {
	for {
		select {
		case <-c.done:
			return
		case <-c.ready:
		}
		c.mu.Lock()
		b := c.queue
		c.queue = c.spare[:0]
		c.mu.Unlock()
		_ = c.SetWriteDeadline(time.Now().Add(tcpStall))
		if _, err := c.Conn.Write(b); err != nil {
			_ = c.Close() // the reader tells ICE
			return
		}
		c.mu.Lock()
		c.spare = b[:0]
		c.mu.Unlock()
	}
}

func (c *tcpConn) Close() error {
	c.once.Do(func() { close(c.done); c.leave() })
	return c.Conn.Close()
}
