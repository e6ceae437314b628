//go:build !linux

package udp

import (
	"iter"
	"net"
	"net/netip"
)

// reader reads one datagram a call.
type reader struct {
	conn *net.UDPConn
	buf  []byte
	n    int
	from netip.AddrPort
}

func newReader(conn *net.UDPConn) (*reader, error) {
	return &reader{conn: conn, buf: make([]byte, 64<<10)}, nil
}

func (r *reader) read(handle func(count int) (more bool)) error {
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(r.buf)
		if err != nil {
			return err
		}
		r.n, r.from = n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if !handle(1) {
			return nil
		}
	}
}

func (r *reader) datagrams(int) iter.Seq2[[]byte, netip.AddrPort] {
	return func(yield func([]byte, netip.AddrPort) bool) { yield(r.buf[:r.n:r.n], r.from) }
}

// queue is not known here.
func (c *Conn) queue(*Pressure) {}

// enlarge asks for large buffers; the system may give less.
func (c *Conn) enlarge(size int) {
	_ = c.conn.SetReadBuffer(size)
	_ = c.conn.SetWriteBuffer(size)
}

// writer writes one datagram a call.
type writer struct{}

func (writer) init() {}

func (b *Batch) send() {
	for i := range b.dests {
		d := &b.dests[i]
		for n := d.first; n >= 0; n = b.entries[n].next {
			b.conn.writes.Add(1)
			if _, err := b.conn.conn.WriteToUDPAddrPort(b.bytes(&b.entries[n]), d.to); err != nil {
				b.conn.dropped.Add(1)
				continue
			}
			b.conn.written.Add(1)
		}
	}
}

func (b *Batch) bytes(e *entry) []byte { return b.buf[e.begin : e.begin+e.size] }
