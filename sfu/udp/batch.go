package udp

import "net/netip"

const (
	// MaxSize of a datagram in a Batch: Ethernet's MTU and what a tunnel's MTU may exceed it by.
	MaxSize = 2048

	batchBytes    = 128 << 10
	smallBytes    = 16 << 10
	batchMessages = 128 // datagrams of a batch; a full one is sent
)

// Batch collects datagrams and sends them in few calls. Those of one destination are sent in
// the order they were put in.
type Batch struct {
	conn    *Conn
	buf     []byte // packets, one after the other
	entries []entry
	dests   []dest
	writer
}

// entry is one datagram in buf.
type entry struct {
	begin, size int32
	next        int32 // of the same destination; -1: the last
}

// dest is the chain of datagrams of one destination.
type dest struct {
	to          netip.AddrPort
	first, last int32
}

// Hint remembers where a destination stood in a batch. Keep one with each destination.
type Hint struct{ dest int }

// NewBatch makes an empty batch, for a goroutine that forwards media.
func (c *Conn) NewBatch() *Batch { return c.newBatch(batchBytes) }

// NewSmallBatch makes an empty batch that is sent sooner, for those who send little.
func (c *Conn) NewSmallBatch() *Batch { return c.newBatch(smallBytes) }

func (c *Conn) newBatch(size int) *Batch {
	b := &Batch{
		conn: c, buf: make([]byte, 0, size),
		entries: make([]entry, 0, batchMessages), dests: make([]dest, 0, batchMessages),
	}
	b.init()
	return b
}

// Next gives room for a datagram of up to MaxSize bytes, to be filled and put in by Put.
func (b *Batch) Next() []byte {
	if len(b.entries) == batchMessages || cap(b.buf)-len(b.buf) < MaxSize {
		b.Flush()
	}
	return b.buf[len(b.buf) : len(b.buf)+MaxSize : len(b.buf)+MaxSize]
}

// Put takes the first n bytes of what Next gave as a datagram.
func (b *Batch) Put(n int, to netip.AddrPort, hint *Hint) {
	i := int32(len(b.entries))
	b.entries = append(b.entries, entry{begin: int32(len(b.buf)), size: int32(n), next: -1})
	b.buf = b.buf[:len(b.buf)+n]
	if hint.dest < len(b.dests) && b.dests[hint.dest].to == to {
		d := &b.dests[hint.dest]
		b.entries[d.last].next = i
		d.last = i
		return
	}
	for n := range b.dests { // another batch's hint: rare
		if d := &b.dests[n]; d.to == to {
			hint.dest = n
			b.entries[d.last].next = i
			d.last = i
			return
		}
	}
	hint.dest = len(b.dests)
	b.dests = append(b.dests, dest{to: to, first: i, last: i})
}

// Flush sends what is in the batch and empties it. What the kernel does not take at once is
// dropped and counted: a queue here would only add delay to what it adds.
func (b *Batch) Flush() {
	if len(b.entries) == 0 {
		return
	}
	b.send()
	b.buf, b.entries, b.dests = b.buf[:0], b.entries[:0], b.dests[:0]
}
