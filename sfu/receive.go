package sfu

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"showroom/sfu/udp"
)

const (
	replayWindow = windowSize // packets; Pion's 64 is less than a keyframe that overtakes
	earlyPackets = 64         // of a client that is done with the handshake before us
	feedbackSSRC = 1          // the sender of our feedback, which sends no media
)

// receiver is what a peer's incoming packets need. Its lock is the peer's own: the packets of
// one peer come on one goroutine, but for a change from UDP to TCP.
type receiver struct {
	mu     sync.Mutex
	in     *srtp.Context // nil until DTLS is connected
	open   bool          // the peer is connected and has keys
	over   bool          // the peer is closing
	early  [][]byte      // packets that came before that
	routes *routes
	flows  map[uint32]flow // by SSRC
	live   []*incoming     // one a section
	forged uint64          // did not pass the keys, or came before
	rate   bucket          // of what is looked at

	congestion *twcc.Recorder
	feedbackState

	packet  packet // these are used again for each packet
	rtp     rtp.Packet
	control rtcp.Header
}

// flow is where the packets of one SSRC go.
type flow struct {
	in     *incoming
	repair bool // it is the RTX stream of in
}

// incoming is one stream a peer sends: the media of one section. Its track is published
// while the source is live.
type incoming struct {
	mid     string
	ssrc    uint32
	reading *reading
	track   atomic.Pointer[Track] // changed under Room.mu only
	over    atomic.Bool           // another stream has taken the section's place

	numbers    window // these are the receiver's
	reception  reception
	missing    missing
	repairable bool // the publisher answers NACKs
	starved    bool
	video      bool  // what is published
	skipped    int   // packets that were shed
	refused    bool  // the peer publishes as much as it may
	pt         uint8 // of the published track
}

// route takes the streams of an offer. Streams that are known go on, unless their section changed.
func (p *Peer) route(routes *routes) {
	r := &p.receiver
	r.mu.Lock()
	defer r.mu.Unlock()
	r.routes = routes
	for ssrc, f := range r.flows {
		if d, ok := routes.declared[ssrc]; ok && d.mid != f.in.mid {
			delete(r.flows, ssrc)
			continue
		}
		if s := routes.sections[f.in.mid]; s != nil {
			f.in.reading = s
		}
	}
}

// secure takes the keys of the handshake. It is called once, when DTLS is connected; an ICE
// restart keeps them.
func (p *Peer) secure(k *keys) error {
	in, out, key, err := k.contexts()
	if err != nil {
		return err
	}
	p.link.secure(p.server.seal(key, out))
	r := &p.receiver
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.in == nil {
		r.in = in
	}
	return nil
}

// begin takes media from now on, beginning with what came early.
func (p *Peer) begin() {
	p.engine.send(func(out *udp.Batch) {
		r := &p.receiver
		r.mu.Lock()
		defer r.mu.Unlock()
		early := r.early
		r.open, r.early = r.in != nil && !r.over, nil
		if r.open {
			for _, b := range early {
				p.open(b, time.Now(), out)
			}
		}
	})
}

// hold keeps a packet of a client that is done with the handshake before we are.
func (r *receiver) hold(b []byte) {
	if len(r.early) < earlyPackets {
		r.early = append(r.early, append([]byte(nil), b...))
	}
}

// admit finds out where a new SSRC belongs: the offer says so, or else the first packets do,
// by their section's name (RFC 9143 §9.2). The packet is authentic.
func (p *Peer) admit(ssrc uint32, h *rtp.Header) (flow, bool) {
	r := &p.receiver
	if !p.guard.admit(ssrc) || r.routes == nil {
		return flow{}, false
	}
	d, ok := r.routes.declared[ssrc]
	if !ok && r.routes.midID != 0 {
		d.mid = string(h.GetExtension(r.routes.midID))
	}
	s := r.routes.sections[d.mid]
	if s == nil {
		return flow{}, false
	}
	var f flow
	if _, repair := s.repairs[h.PayloadType]; repair {
		for _, in := range r.live {
			if in.mid == d.mid && (d.repairs == 0 || d.repairs == in.ssrc) {
				f = flow{in: in, repair: true}
			}
		}
	} else {
		f.in = p.arrived(d.mid, ssrc, s)
	}
	if f.in == nil { // a repair before what it repairs, or the peer is closing
		return flow{}, false
	}
	if r.flows == nil {
		r.flows = map[uint32]flow{}
	}
	r.flows[ssrc] = f
	return f, true
}

// arrived makes a stream of a section's new SSRC, in the place of the one before.
func (p *Peer) arrived(mid string, ssrc uint32, s *reading) *incoming {
	in := &incoming{mid: mid, ssrc: ssrc, reading: s}
	p.mu.Lock()
	if p.incoming == nil { // closed
		p.mu.Unlock()
		return nil
	}
	before := p.incoming[mid]
	p.incoming[mid] = in
	p.mu.Unlock()
	r := &p.receiver
	live := r.live[:0]
	for _, x := range r.live {
		if x != before {
			live = append(live, x)
		}
	}
	r.live = append(live, in)
	if before != nil {
		before.over.Store(true)
		p.room.unpublish(before)
	}
	return in
}

// published gives the track of a stream that has none, or whose codec changed; nil while
// the source is not live or the section is no source. It is rare: not the hot path.
func (p *Peer) published(in *incoming, pkt *rtp.Packet) *Track {
	codec := in.reading.codecs[pkt.PayloadType]
	if codec == nil {
		p.parseErrors.Add(1)
		return nil
	}
	in.reception.clock = codec.ClockRate
	source, live := p.source(in.mid)
	if !live || in.refused || in.over.Load() || p.closed() {
		return nil
	}
	if t := in.track.Load(); t != nil {
		if sameCodec(t.codec, codec.RTPCodecCapability) {
			in.pt = pkt.PayloadType
			return t
		}
		p.room.unpublish(in)
	}
	if source.Kind() == Video && keyframeTest(codec.MimeType) == nil {
		return nil
	}
	in.pt = pkt.PayloadType
	in.video = source.Kind() == Video
	in.repairable = source.Kind() == Video && hasNACK(codec)
	in.missing.forget()
	t, err := p.room.publish(p, in, source, codec.RTPCodecCapability)
	if err != nil {
		in.refused = true
		if !errors.Is(err, ErrClosed) {
			p.log.Warn("track refused", "source", source, "err", err)
		}
	}
	return t
}

func hasNACK(c *webrtc.RTPCodecParameters) bool {
	for _, f := range c.RTCPFeedback {
		if f.Type == webrtc.TypeRTCPFBNACK && f.Parameter == "" {
			return true
		}
	}
	return false
}
