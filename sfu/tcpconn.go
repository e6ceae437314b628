package sfu

import (
	"bufio"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"showroom/sfu/udp"
)

// tcpBuffer is what is read of a connection at a time: several packets.
const tcpBuffer = 16 << 10

// tcpConn is an ICE-TCP connection: a stream of packets, each behind two bytes of length (RFC
// 4571). Media is handled where it is read, as that of UDP is; all else goes to Pion.
//
// What is written is queued. A queue that is full drops what comes: each Write is one framed
// packet, so that the stream stays whole. The goroutine that sends ends with Close.
type tcpConn struct {
	net.Conn
	listener *tcpListener
	from     netip.AddrPort
	peer     atomic.Pointer[Peer] // whose media it carries; nil until ICE says so

	in   *bufio.Reader // these are the reader's
	pass int           // bytes of a packet that is Pion's, not read yet
	out  *udp.Batch    // of the peer's engine, filled by the packets read so far; nil: none
	home *engine       // whose batch it is

	ready chan struct{}
	done  chan struct{}
	leave func() // told once that the connection is gone
	once  sync.Once

	mu    sync.Mutex
	queue []byte
	spare []byte
}

func newTCPConn(c net.Conn, l *tcpListener) *tcpConn {
	q := &tcpConn{Conn: c, listener: l, in: bufio.NewReaderSize(c, tcpBuffer), ready: make(chan struct{}, 1), done: make(chan struct{})}
	if from, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil {
		q.from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	}
	return q
}

// Read handles the media that comes and gives the rest.
func (c *tcpConn) Read(b []byte) (int, error) {
	for c.pass == 0 {
		if err := c.packet(); err != nil {
			c.flush()
			return 0, err
		}
	}
	n, err := c.in.Read(b[:min(len(b), c.pass)])
	c.pass -= n
	return n, err
}

// packet looks at the next one, and handles it or leaves it to Pion.
func (c *tcpConn) packet() error {
	head, err := c.peek(2)
	if err != nil {
		return err
	}
	size := int(head[0])<<8 | int(head[1])
	if size == 0 {
		c.pass = 2
		return nil
	}
	if head, err = c.peek(3); err != nil {
		return err
	}
	if head[2] < 128 || head[2] > 191 { // RFC 7983 §7
		c.pass = 2 + size
		return nil
	}
	if size > udp.MaxSize {
		_, err := c.in.Discard(2 + size)
		return err
	}
	frame, err := c.peek(2 + size)
	if err != nil {
		return err
	}
	if p := c.peer.Load(); p != nil {
		if c.out == nil {
			c.home = p.engine
			c.out = c.home.batches.Get().(*udp.Batch)
		}
		p.packet(frame[2:], time.Now(), c.out)
	}
	_, err = c.in.Discard(2 + size)
	return err
}

// peek waits for n bytes, but not with packets that are ready to be sent.
func (c *tcpConn) peek(n int) ([]byte, error) {
	if c.in.Buffered() < n {
		c.flush()
	}
	return c.in.Peek(n)
}

func (c *tcpConn) flush() {
	if c.out != nil {
		c.out.Flush()
		c.home.batches.Put(c.out)
		c.out = nil
	}
}

// Write takes a packet of Pion's, which must be no media.
func (c *tcpConn) Write(b []byte) (int, error) {
	if len(b) > 2 && int(b[0])<<8|int(b[1]) == len(b)-2 && b[2] >= 128 && b[2] <= 191 {
		c.listener.refused.Add(1)
		return 0, udp.ErrMedia
	}
	c.enqueue(b)
	return len(b), nil
}

// enqueue takes a packet with its length before it.
func (c *tcpConn) enqueue(b []byte) {
	c.mu.Lock()
	if len(c.queue)+len(b) > c.listener.limit {
		c.mu.Unlock()
		c.listener.dropped.Add(1)
		return
	}
	c.queue = append(c.queue, b...)
	c.mu.Unlock()
	select {
	case c.ready <- struct{}{}:
	default:
	}
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

// Close ends the connection.
func (c *tcpConn) Close() error {
	c.once.Do(func() { close(c.done); c.leave() })
	return c.Conn.Close()
}
