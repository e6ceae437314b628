package sfu

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// A video track's last packets are kept for retransmission, as many as these limits allow.
// Opus is not repaired by retransmission.
const (
	cacheSize = 512                    // packets at most …
	cacheFew  = 64                     // … and to begin with
	cacheStep = 16 << 10               // bytes to begin with, and more each time …
	cacheMost = 256 << 10              // … and at most: half a second of 4 Mbit/s
	cacheSpan = 500 * time.Millisecond // less than this is not kept for want of bytes, up to cacheMost
)

// cached is one packet of a track, as much of it as a retransmission needs.
type cached struct {
	ext       uint64 // extended sequence number at the publisher
	timestamp uint32
	marker    bool
	payload   []byte
}

// kept says where a packet's payload is.
type kept struct {
	ext       uint64
	position  uint64 // in bytes since the beginning: in the ring at position%len(ring)
	timestamp uint32
	size      uint16
	marker    bool
}

// cache keeps the last packets of a track once for all of its subscribers, payload behind
// payload in a ring of bytes. The publisher's goroutine adds; those that read the
// subscribers' RTCP look up, rarely.
type cache struct {
	mu      sync.Mutex
	packets []kept // packet n is at n%len(packets)
	ring    []byte
	end     uint64    // position behind the last payload
	lap     time.Time // when the ring was last begun
	short   bool      // the lap before was shorter than it should be
}

func (c *cache) add(ext uint64, timestamp uint32, marker bool, payload []byte, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(payload) > cacheStep {
		return
	}
	if c.packets == nil {
		c.packets, c.ring, c.lap = make([]kept, cacheFew), make([]byte, cacheStep), at
	}
	if c.wraps(len(payload)) {
		switch lap := at.Sub(c.lap); {
		case c.tooShort(lap) && len(c.ring) < cacheMost: // and the lap goes on
			c.resize(len(c.ring) + cacheStep)
		case c.tooLong(lap):
			c.resize(len(c.ring) - cacheStep)
			c.end, c.lap = uint64(len(c.ring)), at
		default:
			c.lap = at
		}
	}
	c.put(kept{ext: ext, timestamp: timestamp, marker: marker, size: uint16(len(payload))}, payload)
}

// tooShort says that the ring should be larger: a lap took less than half the time it should, or two in a row took less. A keyframe
// shortens one.
func (c *cache) tooShort(lap time.Duration) bool {
	before := c.short
	c.short = lap < cacheSpan
	return c.short && (before || lap < cacheSpan/2)
}

// tooLong says that a smaller ring would do, with something to spare: it shall not shrink and grow in turns.
func (c *cache) tooLong(lap time.Duration) bool {
	smaller := len(c.ring) - cacheStep
	return lap.Seconds()*float64(smaller) > 1.1*cacheSpan.Seconds()*float64(len(c.ring))
}

// wraps says that a payload does not fit before the end of the ring.
func (c *cache) wraps(size int) bool { return int(c.end%uint64(len(c.ring)))+size > len(c.ring) }

func (c *cache) put(k kept, payload []byte) {
	n := uint64(len(c.ring))
	if c.wraps(len(payload)) {
		c.end += n - c.end%n
	}
	k.position = c.end
	c.end += uint64(copy(c.ring[c.end%n:], payload))
	*c.place(k.ext) = k
}

// place is where packet ext is kept. There are more places when one would be taken from a packet whose payload is still there.
func (c *cache) place(ext uint64) *kept {
	for {
		n := uint64(len(c.packets))
		k := &c.packets[ext%n]
		if k.ext == ext || n == cacheSize || !c.intact(k) {
			return k
		}
		all := c.packets
		c.packets = make([]kept, 2*n)
		for i := range all {
			c.packets[all[i].ext%(2*n)] = all[i]
		}
	}
}

// intact says that a packet has not been overwritten.
func (c *cache) intact(k *kept) bool {
	return k.size > 0 && c.end-k.position <= uint64(len(c.ring))
}

func (c *cache) payload(k *kept) []byte {
	begin := int(k.position % uint64(len(c.ring)))
	return c.ring[begin : begin+int(k.size)]
}

// resize makes a ring of another size with the newest packets. It is rare: when the bit rate changes for long.
func (c *cache) resize(size int) {
	before := &cache{ring: c.ring, end: c.end}
	var all []kept
	for i := range c.packets {
		if k := &c.packets[i]; before.intact(k) {
			all = append(all, *k)
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Compare(a.position, b.position) })
	first := len(all)
	for room := size; first > 0 && room >= int(all[first-1].size); first-- {
		room -= int(all[first-1].size)
	}
	c.ring, c.end = make([]byte, size), 0
	clear(c.packets)
	for i := range all[first:] {
		c.put(all[first+i], before.payload(&all[first+i]))
	}
}

// find copies packet ext behind the bytes of prefix into buf and returns it. The payload is
// only valid until buf is used again.
func (c *cache) find(ext uint64, prefix int, buf []byte) (cached, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.packets == nil {
		return cached{}, false
	}
	k := &c.packets[ext%uint64(len(c.packets))]
	if k.ext != ext || !c.intact(k) || prefix+int(k.size) > len(buf) {
		return cached{}, false
	}
	n := copy(buf[prefix:], c.payload(k))
	return cached{ext: ext, timestamp: k.timestamp, marker: k.marker, payload: buf[:prefix+n]}, true
}
