package sfu

import (
	"encoding/binary"
	"time"

	"github.com/pion/rtcp"

	"showroom/sfu/udp"
)

const (
	resendLimit    = 3                     // times a packet is sent again
	resendInterval = 20 * time.Millisecond // at least, between two of one packet
	resendShare    = 5                     // retransmissions may be 1/5 of what is sent …
	resendBurst    = 64 << 10              // … beyond this many bytes, for a keyframe lost in one piece
	historySize    = 512
)

// resender answers a slot's NACKs from the track's cache, by RTX on an SSRC of its own
// (RFC 4588). A client that negotiated no RTX gets no retransmissions: the same sequence
// number must not be encrypted twice.
type resender struct {
	ssrc    uint32 // 0: not negotiated
	seq     uint16
	spent   uint64 // bytes sent again
	history []sentAgain
	buf     []byte
	header  header
}

// sentAgain remembers how often a packet was repeated.
type sentAgain struct {
	seq   uint64
	at    time.Time
	times uint8
}

func (r *resender) forget() { clear(r.history) }

// allow says whether packet seq may be sent again now, and counts it.
func (r *resender) allow(seq uint64, now time.Time) bool {
	if r.history == nil {
		r.history = make([]sentAgain, historySize)
	}
	h := &r.history[seq%historySize]
	if h.seq != seq {
		*h = sentAgain{seq: seq}
	}
	if h.times >= resendLimit || (h.times > 0 && now.Sub(h.at) < resendInterval) {
		return false
	}
	h.times++
	h.at = now
	return true
}

// nacked sends the packets again that the subscriber misses, within limits.
func (s *slot) nacked(n *rtcp.TransportLayerNack, now time.Time, out *udp.Batch) {
	if n.MediaSSRC != s.ssrc {
		return
	}
	for i := range n.Nacks {
		n.Nacks[i].Range(func(seq uint16) bool {
			if s.again(seq, now, out) {
				s.peer.resent.Add(1)
			} else {
				s.peer.resendRefused.Add(1)
			}
			return true
		})
	}
}

// again sends one packet by RTX. The lock is released between packets, for the media.
func (s *slot) again(seq uint16, now time.Time, out *udp.Batch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, r := &s.out, &s.resend
	if r.ssrc == 0 || o.rtx == 0 || o.feed == nil || o.feed.cache == nil || !s.bound || o.waiting || o.resync {
		return false
	}
	full := o.last - uint64(uint16(o.last)-seq)
	ext := full - o.shift
	if ext < o.begin || r.spent > resendBurst+o.bytes/resendShare {
		return false
	}
	if r.buf == nil {
		r.buf = make([]byte, 2048)
	}
	p, ok := o.feed.cache.find(ext, 2, r.buf)
	if !ok || !r.allow(full, now) {
		return false
	}
	binary.BigEndian.PutUint16(r.buf, seq) // original sequence number (RFC 4588 §4)
	r.seq++
	h := &r.header
	h.begin(o.rtx, p.marker, r.seq, p.timestamp+o.tsShift, r.ssrc)
	h.sendTime(s.sendTimeID, now)
	if !s.peer.link.sendRTP(h.end(), p.payload, out) {
		s.peer.dropped.Add(1)
		return false
	}
	r.spent += uint64(len(p.payload))
	return true
}
