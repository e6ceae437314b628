package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"time"
)

const (
	socketBuffer = 4 << 20               // bytes asked of the kernel; it may give less
	errorPause   = 10 * time.Millisecond // after a read that failed: an error that stays must not cost a core
)

// ErrMedia is what a writer of SRTP gets that is not a Batch: nobody but the owner of the
// keys may send media.
var ErrMedia = errors.New("SRTP is not written this way")

// Handler takes one datagram of media. b is only valid during the call and may be
// overwritten by it; what it appends to out is sent once the received batch is done.
type Handler func(b []byte, from netip.AddrPort, at time.Time, out *Batch)

// Conn is the socket. It is a net.PacketConn for what is no media.
type Conn struct {
	conn    *net.UDPConn
	media   Handler
	in      *reader
	handler func(n int) bool // handle, made once
	out     *Batch           // of the goroutine that reads
	rest    []datagram       // received, no media; the reader's
	next    int              // of rest

	refused, dropped, failed      atomic.Uint64
	reads, read, writes, written  atomic.Uint64
	segmented, segmentedDatagrams atomic.Uint64
	busy, longest                 atomic.Int64 // ns of handling: all of it, and the longest batch of late
	noSegments                    atomic.Bool  // UDP_SEGMENT does not work here
}

// datagram is one that arrived. b is valid until the next read.
type datagram struct {
	b    []byte
	from netip.AddrPort
}

// Stats are counters since the socket was opened.
type Stats struct {
	Refused       uint64        // SRTP that somebody but a Batch wanted to write; must be 0
	Dropped       uint64        // packets of batches the kernel did not take
	Failed        uint64        // reads that gave an error
	Reads, Read   uint64        // calls that gave something, datagrams
	Writes        uint64        // calls
	Written       uint64        // datagrams of batches
	Segmented     uint64        // messages that carried several datagrams …
	SegmentedSent uint64        // … and how many those were
	Busy          time.Duration // spent on handling what came
}

// Plus adds up.
func (s Stats) Plus(o Stats) Stats {
	return Stats{
		Refused: s.Refused + o.Refused, Dropped: s.Dropped + o.Dropped, Failed: s.Failed + o.Failed,
		Reads: s.Reads + o.Reads, Read: s.Read + o.Read, Writes: s.Writes + o.Writes, Written: s.Written + o.Written,
		Segmented: s.Segmented + o.Segmented, SegmentedSent: s.SegmentedSent + o.SegmentedSent, Busy: s.Busy + o.Busy,
	}
}

// Pressure is how far the reader is behind.
type Pressure struct {
	Queued, Limit int           // bytes in the kernel's receive queue, with its own of each datagram; 0: not known here
	Overflowed    uint64        // datagrams the kernel had no room for since the socket was opened
	Longest       time.Duration // batch since Pressure was last asked
}

// Listen opens the socket on host:port.
func Listen(address string, media Handler) (*Conn, error) {
	p, err := net.ListenPacket("udp", address)
	if err != nil {
		return nil, err // says what and where
	}
	conn, ok := p.(*net.UDPConn)
	if !ok {
		_ = p.Close()
		return nil, fmt.Errorf("listen on %s: not a UDP socket", address)
	}
	c := &Conn{conn: conn, media: media}
	c.enlarge(socketBuffer)
	if c.in, err = newReader(conn); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	c.out, c.handler = c.NewBatch(), c.handle
	return c, nil
}

// isMedia says that a datagram is SRTP or SRTCP (RFC 7983 §7).
func isMedia(b []byte) bool { return len(b) > 0 && b[0] >= 128 && b[0] <= 191 }

// ReadFromAddrPort handles the media that arrives and gives the next datagram that is none.
// Only one goroutine may read.
func (c *Conn) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for c.next == len(c.rest) {
		if err := c.receive(); err != nil {
			return 0, netip.AddrPort{}, err
		}
	}
	d := c.rest[c.next]
	c.next++
	return copy(b, d.b), d.from, nil
}

// receive reads batches and handles the media in them, until there is something else.
func (c *Conn) receive() error {
	c.rest, c.next = c.rest[:0], 0
	err := c.in.read(c.handler)
	if err == nil || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	c.failed.Add(1) // an ICMP error that came back, or memory short in the kernel: the socket is good
	time.Sleep(errorPause)
	return nil
}

// handle deals with a batch. It wants another one if there was nothing for Pion in it.
func (c *Conn) handle(n int) (more bool) {
	now := time.Now()
	count := uint64(0)
	for i := range n {
		for b, from := range c.in.datagrams(i) {
			count++
			if isMedia(b) {
				c.media(b, from, now, c.out)
			} else {
				c.rest = append(c.rest, datagram{b, from})
			}
		}
	}
	c.out.Flush()
	c.reads.Add(1)
	c.read.Add(count)
	took := int64(time.Since(now))
	c.busy.Add(took)
	if took > c.longest.Load() {
		c.longest.Store(took)
	}
	return len(c.rest) == 0
}

// ReadFrom is ReadFromAddrPort for those who want a net.Addr.
func (c *Conn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.ReadFromAddrPort(b)
	if err != nil {
		return 0, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}

// WriteToAddrPort sends what is no media.
func (c *Conn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if isMedia(b) {
		c.refused.Add(1)
		return 0, ErrMedia
	}
	return c.conn.WriteToUDPAddrPort(b, to)
}

// WriteTo sends what is no media.
func (c *Conn) WriteTo(b []byte, to net.Addr) (int, error) {
	if isMedia(b) {
		c.refused.Add(1)
		return 0, ErrMedia
	}
	return c.conn.WriteTo(b, to)
}

// Stats of now.
func (c *Conn) Stats() Stats {
	return Stats{
		Refused: c.refused.Load(), Dropped: c.dropped.Load(), Failed: c.failed.Load(),
		Reads: c.reads.Load(), Read: c.read.Load(), Writes: c.writes.Load(), Written: c.written.Load(),
		Segmented: c.segmented.Load(), SegmentedSent: c.segmentedDatagrams.Load(), Busy: time.Duration(c.busy.Load()),
	}
}

// Pressure of now.
func (c *Conn) Pressure() Pressure {
	p := Pressure{Longest: time.Duration(c.longest.Swap(0))}
	c.queue(&p)
	return p
}

// Close closes the socket; who reads it is told.
func (c *Conn) Close() error { return c.conn.Close() }

// LocalAddr is where the socket listens.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// SetDeadline of reads.
func (c *Conn) SetDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetReadDeadline of reads.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.conn.SetReadDeadline(t) }

// SetWriteDeadline does nothing: no write waits long, and Pion, which gives up a write of one
// peer by a deadline on the socket, would have the media of all others refused meanwhile.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }
