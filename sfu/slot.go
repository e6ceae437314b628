package sfu

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"showroom/sfu/udp"
)

// maxJump is how far a slot's numbers may run ahead with the publisher's. SRTP guesses the
// roll-over from the distance (RFC 3711 §3.3.1): half of the numbers more would be taken for
// a step back, to a nonce used before.
const maxJump = 1 << 14

// slot is one outgoing stream of a peer. Its sequence numbers and timestamps go on without
// a gap whatever track feeds it.
type slot struct {
	peer  *Peer
	mid   string
	kind  Kind
	index int // the slot's place among those of its kind; slots of one index play in sync

	track *Track // who feeds it; guarded by Room.mu
	gone  bool   // the section no longer receives; guarded by Room.mu

	mu     sync.Mutex
	bound  bool // negotiated
	codecs []webrtc.RTPCodecParameters
	ssrc   uint32
	out    stream
	resend resender
	remb   estimate
	lost   lossReport

	limiter limiter

	sendTimeID, levelID, captureID uint8 // of the header extensions; 0: not negotiated
}

// stream is the state of the outgoing numbers. Extended sequence numbers of the feeding
// track plus shift are ours; its timestamps plus tsShift are ours.
type stream struct {
	feed    *Track
	pt, rtx uint8 // payload types of feed's codec

	waiting bool // for a keyframe
	resync  bool // the next packet begins a new run of numbers
	started bool

	shift, begin uint64 // begin: first of feed's numbers in this run
	tsShift      uint32
	tsOf         *Track // whose timestamps tsShift fits
	last         uint64 // highest sent, extended
	lastTS       uint32
	lastAt       time.Time
	needReport   bool // of the run that began

	packets, octets uint32 // as a sender report counts them (RFC 3550 §6.4.1)
	bytes           uint64

	header header // reused for each packet
}

// estimate is what the subscriber says it can receive, bit/s.
type estimate struct {
	bitrate uint64
	at      time.Time
}

// lossReport is the share of the slot's packets that the subscriber lost of late.
type lossReport struct {
	share float64
	at    time.Time
}

func newSlot(p *Peer, mid string, kind Kind, index int) *slot {
	s := &slot{peer: p, mid: mid, kind: kind, index: index}
	// A start in the lower half keeps early losses from being taken for a roll-over (RFC 3711 §3.3.1).
	s.out.last = 1<<32 + uint64(rand.IntN(1<<15))
	s.out.lastTS = rand.Uint32()
	return s
}

// feedFrom makes t the slot's track, or none if t is nil. The caller holds Room.mu.
func (s *slot) feedFrom(t *Track, pt, rtx uint8) {
	s.track = t
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.out
	o.feed, o.pt, o.rtx = t, pt, rtx
	o.waiting = t != nil && t.isKey != nil
	o.resync = true
	s.resend.forget()
}

// restart makes the slot wait for the next keyframe of t, if t feeds it.
func (s *slot) restart(t *Track) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out.feed != t {
		return
	}
	s.out.waiting = t.isKey != nil
	s.out.resync = true
}

// begin starts a new run of numbers at p: the next sequence number, and a timestamp that
// has moved by the time that passed. The caller holds the lock.
func (s *slot) begin(t *Track, p *packet) {
	o := &s.out
	o.waiting, o.resync, o.needReport = false, false, true
	o.begin = p.ext
	o.shift = o.last + 1 - p.ext
	if o.tsOf == t { // the same clock goes on
		return
	}
	elapsed := uint32(1)
	if !o.lastAt.IsZero() {
		d := p.arrived.Sub(o.lastAt)
		elapsed = max(1, uint32(d.Seconds()*float64(t.codec.ClockRate)))
	}
	o.tsShift = o.lastTS + elapsed - p.rtp.Timestamp
	o.tsOf = t
}

// writeReport sends a report of t in the slot's numbers. The NTP time stays the
// publisher's, since that is what its audio and video are synchronized by.
func (s *slot) writeReport(t *Track, r senderReport, out *udp.Batch) {
	s.mu.Lock()
	o := &s.out
	if o.feed != t || o.resync || o.waiting || !o.started || !s.peer.connected.Load() {
		s.mu.Unlock()
		return
	}
	o.needReport = false
	sr := &rtcp.SenderReport{
		SSRC: s.ssrc, NTPTime: r.ntp, RTPTime: r.rtp + o.tsShift, PacketCount: o.packets, OctetCount: o.octets,
	}
	s.mu.Unlock()
	s.peer.sendRTCP(out, sr)
}

// lateReport repeats the track's last report when a run began after it.
func (s *slot) lateReport(out *udp.Batch) {
	s.mu.Lock()
	t, need := s.out.feed, s.out.needReport
	s.mu.Unlock()
	if t == nil || !need {
		return
	}
	if r := t.lastReport(); !r.arrived.IsZero() {
		s.writeReport(t, r, out)
	}
}
