package recorder

import (
	"slices"
	"time"
)

const (
	keyframeEvery = 500 * time.Millisecond
	ssrcPatience  = 2 * time.Second
)

// stream is one source of a session: the way from the queue of its present
// track to frames with a place on the time line. It belongs to the session's goroutine.
type stream struct {
	track   *Track
	codec   *codec
	reorder *reorder
	asm     *assembler
	clock   *clock

	ssrc  uint32
	known bool // ssrc is set
	// before is the SSRC until changed; what is still on its way then comes to nothing.
	before  uint32
	changed time.Time
	// republished: the track was replaced and nothing of the new one has come.
	republished bool
	ended       bool // the track is closed and its queue empty
	items       []item
	raw         []frame // held until the clock is known
	timed       []frame // waiting for the other streams
	bytes       int     // of both
	heard       time.Time
	asked       time.Time
	waitKey     bool // frames are thrown away up to the next keyframe
	gap         string
	end         time.Duration // where the last written frame ends
	last        time.Duration // and where it begins
	// lateFrom is when the first of the frames came that are being dropped as late; 0: none is.
	lateFrom time.Duration

	missed  int64 // packets missing in the sequence, those the queue dropped included
	dropped int64 // packets or frames that came and were thrown away
	// Drops of earlier tracks' queues and assemblers, and what earlier files told.
	queueDrops, frameDrops int64
	toldLost, toldDropped  int64
}

func newStream(t *Track) *stream {
	s := &stream{clock: newClock(t.info.ClockRate)}
	s.use(t)
	return s
}

// use makes t the track the stream is fed from. If it turns out to be the same
// SSRC as before, its clock is known.
func (s *stream) use(t *Track) {
	asm := newAssembler(t.codec)
	if s.track != nil {
		s.queueDrops += s.track.q.drops()
		s.frameDrops += s.asm.dropped
		if s.track.codec.name == t.codec.name && s.track.info.ClockRate == t.info.ClockRate {
			asm.ts = s.asm.ts
		} else {
			s.known = false
			s.clock.rate = float64(t.info.ClockRate)
			s.clock.restart()
		}
		s.republished = true
	}
	s.track, s.codec, s.asm, s.ended, s.asked = t, t.codec, asm, false, time.Time{}
	s.restartOrder()
}

func (s *stream) restartOrder() {
	window := videoWindow
	if s.codec.audio {
		window = audioWindow
	}
	s.reorder = newReorder(window)
}

// pull takes what the queue holds through reordering and reassembly.
func (s *stream) pull(c *stretch, force bool) {
	items, closed := s.track.q.take(s.items)
	for _, it := range items {
		if it.report {
			s.report(c, it)
			continue
		}
		s.heard = it.arrived
		if s.known && it.ssrc != s.ssrc {
			if it.ssrc == s.before && it.arrived.Sub(s.changed) < ssrcPatience {
				s.dropped++
				s.asm.spent = append(s.asm.spent, it.payload)
				continue
			}
			s.before, s.changed = s.ssrc, it.arrived
			s.anew(c)
		}
		s.ssrc, s.known, s.republished = it.ssrc, true, false
		s.order(c, it)
	}
	s.pop(c, force || closed)
	if closed && len(items) == 0 {
		s.ended = true
	}
	clear(items)
	s.items = items
	s.track.q.recycle(s.asm.spent)
	clear(s.asm.spent)
	s.asm.spent = s.asm.spent[:0]
}

func (s *stream) order(c *stretch, it item) {
	for {
		switch s.reorder.push(it) {
		case taken:
			return
		case stray:
			s.dropped++
			s.asm.spent = append(s.asm.spent, it.payload)
			return
		case full:
			s.popOne(c, true)
		case restart:
			s.anew(c)
		}
	}
}

// anew goes on with a new stream on the same track: other SSRC, or a sequence
// that began again.
func (s *stream) anew(c *stretch) {
	s.pop(c, true)
	s.restartOrder()
	if !s.republished {
		s.asm.missing(GapLoss)
	}
	s.asm.ts = unwrap{}
	s.asm.begun = false
	s.renew(c)
}

// renew begins a new clock line; frames wait again until it is known.
func (s *stream) renew(c *stretch) {
	s.settle(c)
	s.clock.restart()
}

func (s *stream) pop(c *stretch, force bool) {
	for s.popOne(c, force) {
	}
}

func (s *stream) popOne(c *stretch, force bool) bool {
	it, missing, ok := s.reorder.pop(c.now, force)
	if !ok {
		return false
	}
	s.missed += missing
	switch {
	case it.lost:
		s.asm.missing(GapOverflow)
	case missing > 0:
		s.asm.missing(GapLoss)
	}
	var buf [2]frame
	for _, f := range s.asm.push(it, buf[:0]) {
		s.frame(c, f)
	}
	return true
}

func (s *stream) frame(c *stretch, f frame) {
	arrived := f.arrived.Sub(c.origin)
	if s.clock.jumped(f.ts, arrived) {
		s.renew(c)
	}
	if !s.clock.started && len(s.raw) == 0 {
		c.hold()
	}
	s.clock.observe(c.anchor, f.ts, arrived)
	s.raw = append(s.raw, f)
	s.bytes += len(f.data)
}

// report gives the clock a sender report, unless no packet has told yet which
// RTP times are near.
func (s *stream) report(c *stretch, it item) {
	if !s.asm.ts.started || it.ntp == 0 {
		return
	}
	near := s.asm.ts
	s.clock.report(c.anchor, near.ts(it.ts), ntpTime(it.ntp), it.arrived.Sub(c.origin))
}

// settle gives all held frames their place on the time line.
func (s *stream) settle(c *stretch) {
	for _, f := range s.raw {
		f.at = s.clock.time(c.anchor, f.ts, f.arrived.Sub(c.origin))
		f.entered = c.now
		s.timed = append(s.timed, f)
	}
	clear(s.raw)
	s.raw = s.raw[:0]
}

// counts of packets that never came and of those that came in vain.
func (s *stream) counts() (lost, dropped int64) {
	full := s.queueDrops + s.track.q.drops()
	return max(0, s.missed-full), full + s.frameDrops + s.asm.dropped + s.dropped
}

// wantsKey says whether it is time to ask for a keyframe. Where nothing
// arrives there is nobody to ask.
func (s *stream) wantsKey(now time.Time) bool {
	if s.codec.audio || s.ended || !(s.asm.needKey || s.waitKey) || now.Sub(s.asked) < keyframeEvery {
		return false
	}
	if !s.asked.IsZero() && now.Sub(s.heard) > 4*keyframeEvery {
		return false
	}
	s.asked = now
	return true
}

// shift takes the first timed frame out.
func (s *stream) shift() frame {
	f := s.timed[0]
	s.timed = slices.Delete(s.timed, 0, 1) // there are few
	s.bytes -= len(f.data)
	return f
}
