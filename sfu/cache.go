package sfu

import "sync"

// cacheSize is how many packets of a video track are kept for retransmission: two to four
// seconds of 1.5 Mbit/s. Opus is not repaired by retransmission.
const cacheSize = 512

// cached is one packet of a track, as much of it as a retransmission needs.
type cached struct {
	ext       uint64 // extended sequence number at the publisher
	timestamp uint32
	marker    bool
	payload   []byte
}

// cache keeps the last packets of a track once for all of its subscribers. The publisher's
// goroutine adds; those that read the subscribers' RTCP look up, rarely.
type cache struct {
	mu      sync.Mutex
	packets []cached
}

func (c *cache) add(ext uint64, timestamp uint32, marker bool, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.packets == nil {
		c.packets = make([]cached, cacheSize)
	}
	p := &c.packets[ext%cacheSize]
	p.ext, p.timestamp, p.marker = ext, timestamp, marker
	p.payload = append(p.payload[:0], payload...)
}

// find copies packet ext behind the bytes of prefix into buf and returns it. The payload is
// only valid until buf is used again.
func (c *cache) find(ext uint64, prefix int, buf []byte) (cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.packets == nil {
		return cached{}, false
	}
	p := c.packets[ext%cacheSize]
	if p.ext != ext || prefix+len(p.payload) > len(buf) {
		return cached{}, false
	}
	n := copy(buf[prefix:], p.payload)
	p.payload = buf[:prefix+n]
	return p, true
}
