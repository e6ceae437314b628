package recorder

import (
	"sync"
	"time"
)

// item is what a track's queue carries: a packet, or a sender report if report is set.
type item struct {
	arrived time.Time
	payload []byte
	ntp     uint64
	ts      uint32
	ssrc    uint32
	seq     uint16
	marker  bool
	report  bool
	lost    bool // packets before this one were dropped because the queue was full
}

// maxSpare bounds the payload buffers a queue keeps for reuse.
const maxSpare = 256

// queue is the bounded hand-off from the forwarding goroutine to a session's.
// When it is full the new packet is dropped and counted and the next one
// carries the mark. The mutex is held for a copy of one packet or a swap of slices.
type queue struct {
	maxItems, maxBytes int

	mu      sync.Mutex
	items   []item
	spare   [][]byte
	bytes   int
	dropped int64
	lost    bool
	closed  bool
}

// push copies it in and reports whether the queue is half full by now.
func (q *queue) push(it item, payload []byte) (half bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return false
	}
	if len(q.items) >= q.maxItems || q.bytes+len(payload) > q.maxBytes {
		q.dropped++
		q.lost = true
		return true
	}
	var buf []byte
	if n := len(q.spare); n > 0 {
		buf, q.spare = q.spare[n-1][:0], q.spare[:n-1]
	} else if len(payload) > 0 {
		buf = make([]byte, 0, max(1500, len(payload)))
	}
	it.payload = append(buf, payload...)
	it.lost, q.lost = q.lost, false
	q.items = append(q.items, it)
	q.bytes += len(payload)
	return len(q.items) >= q.maxItems/2 || q.bytes >= q.maxBytes/2
}

// take returns all items and goes on with the emptied slice of the last call.
func (q *queue) take(empty []item) (items []item, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	items = q.items
	q.items, q.bytes = empty[:0], 0
	return items, q.closed
}

// recycle gives payload buffers back.
func (q *queue) recycle(bufs [][]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, b := range bufs {
		if cap(b) == 0 || len(q.spare) >= maxSpare {
			continue
		}
		q.spare = append(q.spare, b)
	}
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

func (q *queue) drops() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}
