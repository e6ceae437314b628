package sfu

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// tcpStall is how long one write to an ICE-TCP client may take before its connection is
// given up.
const tcpStall = 10 * time.Second

// tcpListener gives connections that never make the writer wait. Pion has a write buffer
// too, but tells nobody what it drops.
type tcpListener struct {
	net.Listener
	limit   int            // bytes waiting for one client
	dropped *atomic.Uint64 // packets
}

func (l *tcpListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	q := &tcpConn{Conn: c, limit: l.limit, dropped: l.dropped, ready: make(chan struct{}, 1), done: make(chan struct{})}
	go q.send()
	return q, nil
}

// tcpConn queues what is written. A queue that is full drops what comes: each Write is one
// framed packet (RFC 4571), so that the stream stays whole. The goroutine ends with Close.
type tcpConn struct {
	net.Conn
	limit   int
	dropped *atomic.Uint64
	ready   chan struct{}
	done    chan struct{}
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
	c.once.Do(func() { close(c.done) })
	return c.Conn.Close()
}
