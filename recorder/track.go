package recorder

import (
	"fmt"
	"time"

	"github.com/pion/rtp"
)

// TrackInfo describes a track that is to be recorded.
type TrackInfo struct {
	Source    string // "mic", "camera", "screen", "screen_audio": one recorded stream each
	MimeType  string // "video/VP8"; compares without case
	ClockRate uint32 // Hz
	Channels  uint16
	Fmtp      string
	Keyframe  func() // asks the sender for a keyframe; may be nil; must not block
}

// Track takes the packets of one published track. WriteRTP and
// WriteSenderReport neither block nor keep what they are given; they may be
// called until and after Close, from one goroutine at a time each.
type Track struct {
	info  TrackInfo
	codec *codec
	q     queue
	wake  chan<- struct{}
}

// Track starts recording a track in the session. A second track of the same
// source takes the place of the first and goes on in its stead; another codec
// then begins a new file.
func (s *Session) Track(info TrackInfo) (*Track, error) {
	if !validID(info.Source) {
		return nil, fmt.Errorf("record source %q: %w", info.Source, ErrName)
	}
	codec, err := codecFor(info)
	if err != nil {
		return nil, fmt.Errorf("record %s: %w", info.Source, err)
	}
	if info.ClockRate == 0 {
		return nil, fmt.Errorf("record %s: %w: no clock rate", info.Source, ErrCodec)
	}
	cfg := s.conf.rec.cfg
	t := &Track{info: info, codec: codec, wake: s.wake}
	t.q.maxItems, t.q.maxBytes = cfg.QueuePackets, cfg.QueueBytes
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("record %s: session: %w", info.Source, ErrClosed)
	}
	if _, known := s.sources[info.Source]; !known && len(s.sources) >= cfg.MaxTracks {
		return nil, fmt.Errorf("record %s: %w: %d sources", info.Source, ErrTooMany, len(s.sources))
	}
	if before := s.sources[info.Source]; before != nil {
		before.q.close()
	}
	s.sources[info.Source] = t
	s.fresh = append(s.fresh, t)
	return t, nil
}

// WriteRTP copies a packet into the track's queue. When the queue is full the
// packet is dropped and the gap is marked in the recording.
func (t *Track) WriteRTP(p *rtp.Packet, arrived time.Time) {
	half := t.q.push(item{
		arrived: arrived, ts: p.Timestamp, ssrc: p.SSRC, seq: p.SequenceNumber, marker: p.Marker,
	}, p.Payload)
	if half {
		t.signal()
	}
}

// WriteSenderReport takes the NTP and RTP time stamps of a sender report of
// this track (RFC 3550 §6.4.1).
func (t *Track) WriteSenderReport(ntp uint64, rtp uint32, arrived time.Time) {
	t.q.push(item{report: true, ntp: ntp, ts: rtp, arrived: arrived}, nil)
}

// signal makes the session work before its next tick.
func (t *Track) signal() {
	select {
	case t.wake <- struct{}{}:
	default: // it is told already
	}
}

// Close ends the track; what is queued is still recorded.
func (t *Track) Close() {
	t.q.close()
	t.signal()
}
