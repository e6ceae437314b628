package sfu

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"

	"showroom/sfu/udp"
)

// Rates of what is let in. A client needs 20 STUN messages a second while it connects, and a publisher at MaxBitrate
// some 600 packets a second.
const (
	stunRate, stunBurst   = 200, 400      // of one source address and port, and to one ICE user fragment
	mediaRate, mediaBurst = 10_000, 2_000 // of one peer; and what is neither STUN nor media, of one source address and port
	valveBuckets          = 1 << 12       // of each kind: a share of unlucky pairs have a rate together
)

// valve stands between the media socket and Pion with a limit on what each source may send. Media does not get here: it is handled where
// it is received. Behind the valve Pion queues packets without end, 8 KiB for each however small: STUN messages with a wrong integrity grew the heap by 300 MB a second.
//
// Only the goroutine that reads uses the buckets, which are fixed in number and chosen by a hash nobody else knows.
type valve struct {
	*udp.Conn
	start   time.Time
	seed    maphash.Seed
	dropped atomic.Uint64

	fragments, stun, media [valveBuckets]bucket
}

// bucket holds the tokens of a rate; the zero bucket is full.
type bucket struct {
	at    time.Duration // since valve.start
	spent float64
}

func (b *bucket) take(now time.Duration, rate, burst float64) bool {
	b.spent = max(0, b.spent-max(0, now-b.at).Seconds()*rate)
	b.at = max(b.at, now)
	if b.spent+1 > burst {
		return false
	}
	b.spent++
	return true
}

var _ ice.AddrPortReaderWriter = (*valve)(nil) // or else Pion reads past it

func newValve(c *udp.Conn) *valve {
	return &valve{Conn: c, start: time.Now(), seed: maphash.MakeSeed()}
}

// ReadFromAddrPort is what Pion reads with.
func (v *valve) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := v.Conn.ReadFromAddrPort(b)
		if err != nil || v.lets(b[:n], from, time.Since(v.start)) {
			return n, from, err
		}
		v.dropped.Add(1)
	}
}

func (v *valve) lets(p []byte, from netip.AddrPort, now time.Duration) bool {
	source := maphash.Comparable(v.seed, from) % valveBuckets
	if !isSTUN(p) {
		return v.media[source].take(now, mediaRate, mediaBurst)
	}
	if !v.stun[source].take(now, stunRate, stunBurst) {
		return false
	}
	fragment := userFragment(p)
	return fragment == nil || v.fragments[maphash.Bytes(v.seed, fragment)%valveBuckets].take(now, stunRate, stunBurst)
}

// isSTUN says whether a packet begins like a STUN message (RFC 8489 §5, RFC 7983 §7).
func isSTUN(p []byte) bool {
	return len(p) >= 20 && p[0] < 4 && binary.BigEndian.Uint32(p[4:]) == 0x2112a442
}

// userFragment is our half of a STUN message's USERNAME, for which it is (RFC 8445 §7.2.2); nil if it has none.
func userFragment(p []byte) []byte {
	const username = 0x0006
	for rest := p[20:]; len(rest) >= 4; {
		kind, size := binary.BigEndian.Uint16(rest), int(binary.BigEndian.Uint16(rest[2:]))
		rest = rest[4:]
		if size > len(rest) {
			return nil
		}
		if kind == username {
			name, _, _ := bytes.Cut(rest[:size], []byte(":"))
			return name
		}
		rest = rest[min(len(rest), (size+3)&^3):]
	}
	return nil
}
