package sfu

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"

	"showroom/sfu/udp"
)

// Track is one published stream: what one source of one peer sends until it stops. A
// source that starts again, or changes its codec, is a new Track.
type Track struct {
	id       string
	peer     *Peer
	in       *incoming
	source   Source
	codec    webrtc.RTPCodecCapability
	ssrc     uint32
	isKey    func([]byte) bool // nil for audio
	governor *governor         // nil for audio
	cache    *cache            // nil for audio

	slots atomic.Pointer[[]*slot] // snapshots, replaced under mu
	sinks atomic.Pointer[[]*attached]

	mu     sync.Mutex
	report senderReport
}

// attached makes a sink comparable, so that the same one can be attached twice.
type attached struct{ sink Sink }

// senderReport is the last pair of a track.
type senderReport struct {
	ntp     uint64
	rtp     uint32
	arrived time.Time
}

// ID is unique in the process.
func (t *Track) ID() string { return t.id }

// Peer is the id of the publisher.
func (t *Track) Peer() string { return t.peer.id }

// Source is what the publisher captures.
func (t *Track) Source() Source { return t.source }

// Kind of media.
func (t *Track) Kind() Kind { return t.source.Kind() }

// MimeType is like video/VP8. Compare it without case.
func (t *Track) MimeType() string { return t.codec.MimeType }

// ClockRate of the RTP timestamps in Hz.
func (t *Track) ClockRate() uint32 { return t.codec.ClockRate }

// Channels of audio; 0 for video.
func (t *Track) Channels() int { return int(t.codec.Channels) }

// Fmtp is the codec's format parameters as negotiated with the publisher.
func (t *Track) Fmtp() string { return t.codec.SDPFmtpLine }

// Attach gives the track's packets to sink from now on, and asks for a keyframe. After
// detach has returned a call that had begun may still be running, but no new one begins.
func (t *Track) Attach(sink Sink) (detach func()) {
	a := &attached{sink}
	t.mu.Lock()
	change(&t.sinks, func(s []*attached) []*attached { return append(s, a) })
	report := t.report
	t.mu.Unlock()
	if !report.arrived.IsZero() {
		sink.WriteSenderReport(report.ntp, report.rtp, report.arrived)
	}
	t.RequestKeyframe()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		change(&t.sinks, func(s []*attached) []*attached {
			return slices.DeleteFunc(s, func(x *attached) bool { return x == a })
		})
	}
}

// RequestKeyframe asks the publisher for a keyframe, soon; it is nothing for audio.
func (t *Track) RequestKeyframe() {
	if t.governor != nil {
		t.governor.request()
	}
}

// change replaces a snapshot by a changed copy. The caller holds the lock of its writers.
func change[T any](p *atomic.Pointer[[]T], f func([]T) []T) {
	var old []T
	if v := p.Load(); v != nil {
		old = *v
	}
	next := f(slices.Clone(old))
	p.Store(&next)
}

// reported passes a sender report on.
func (t *Track) reported(r senderReport, out *udp.Batch) {
	t.mu.Lock()
	t.report = r
	t.mu.Unlock()
	if slots := t.slots.Load(); slots != nil {
		for _, s := range *slots {
			s.writeReport(t, r, out)
		}
	}
	if sinks := t.sinks.Load(); sinks != nil {
		for _, a := range *sinks {
			a.sink.WriteSenderReport(r.ntp, r.rtp, r.arrived)
		}
	}
}

func (t *Track) lastReport() senderReport {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.report
}

func (t *Track) addSlot(s *slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.slots, func(l []*slot) []*slot { return append(l, s) })
}

func (t *Track) removeSlot(s *slot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.slots, func(l []*slot) []*slot {
		return slices.DeleteFunc(l, func(x *slot) bool { return x == s })
	})
}

// starved makes every video slot wait for a keyframe after packets were withheld.
func (t *Track) starved() {
	if slots := t.slots.Load(); slots != nil {
		for _, s := range *slots {
			s.restart(t)
		}
	}
	t.RequestKeyframe()
}

// stop ends what the track owns. It is no longer in the room's list.
func (t *Track) stop() {
	if t.governor != nil {
		t.governor.stop()
	}
}
