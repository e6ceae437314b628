package sfu

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// errorsInARow end a packet loop: its stream gives nothing but errors and would spin.
const errorsInARow = 1000

// incoming is one stream a peer sends: the media of one section. Its track is published
// while the source is live.
type incoming struct {
	mid   string
	ssrc  uint32
	track atomic.Pointer[Track] // changed under Room.mu only
	over  atomic.Bool           // another stream has taken the section's place

	numbers window // these are the reader's
	starved bool
	refused bool  // the peer publishes as much as it may
	pt      uint8 // of the published track

	levelID, captureID uint8
}

// receive reads a stream to its end. Each packet is forwarded on this goroutine.
func (p *Peer) receive(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver, in *incoming) {
	defer p.room.unpublish(in)
	defer p.contain("media")
	var (
		buf = make([]byte, 2048)
		pkt packet
		h   rtp.Packet
	)
	pkt.rtp = &h
	for errs := 0; ; {
		n, _, err := remote.Read(buf)
		if err != nil {
			if errs++; ended(err) || p.closed() || errs > errorsInARow {
				return
			}
			p.parseErrors.Add(1)
			continue
		}
		errs = 0
		pkt.arrived = time.Now()
		if err := h.Unmarshal(buf[:n]); err != nil {
			p.parseErrors.Add(1)
			continue
		}
		p.receivedPackets.Add(1)
		p.receivedBytes.Add(uint64(len(h.Payload)))
		p.handle(remote, in, &pkt)
	}
}

// handle forwards one packet of a stream, publishing the stream first if need be.
func (p *Peer) handle(remote *webrtc.TrackRemote, in *incoming, pkt *packet) {
	lost := in.numbers.lost()
	ext, ok := in.numbers.add(pkt.rtp.SequenceNumber)
	if !ok {
		p.duplicates.Add(1)
		return
	}
	if now := in.numbers.lost(); now != lost {
		p.lost.Add(now - lost)
	}
	t := in.track.Load()
	if t == nil || in.pt != pkt.rtp.PayloadType {
		if t = p.published(remote, in, pkt.rtp); t == nil {
			return
		}
	}
	if p.room.exhausted(pkt.arrived) {
		in.starved = true
		return
	}
	if in.starved {
		in.starved = false
		t.starved()
	}
	pkt.ext, pkt.key = ext, t.isKey == nil
	pkt.level, pkt.capture = nil, nil
	if in.levelID != 0 {
		pkt.level = extension(pkt.rtp, in.levelID, 1, 1)
	}
	if in.captureID != 0 {
		pkt.capture = extension(pkt.rtp, in.captureID, 8, 16)
	}
	t.forward(pkt)
}

// extension reads a header extension of an expected length; nil if it is not there.
func extension(p *rtp.Packet, id uint8, least, most int) []byte {
	if b := p.GetExtension(id); len(b) >= least && len(b) <= most {
		return b
	}
	return nil
}

// published gives the track of a stream that has none, or whose codec changed; nil while
// the source is not live or the section is no source. It is rare: not the hot path.
func (p *Peer) published(remote *webrtc.TrackRemote, in *incoming, pkt *rtp.Packet) *Track {
	source, live := p.source(in.mid)
	if !live || in.refused || in.over.Load() || p.closed() {
		return nil
	}
	codec := remote.Codec()
	if uint8(codec.PayloadType) != pkt.PayloadType { // a retransmission of the codec before
		return in.track.Load()
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
	t, err := p.room.publish(p, in, source, codec.RTPCodecCapability)
	if err != nil {
		in.refused = true
		if !errors.Is(err, ErrClosed) {
			p.log.Warn("track refused", "source", source, "err", err)
		}
	}
	return t
}

// arrived is Pion's OnTrack: a stream's first packet is there.
func (p *Peer) arrived(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	tr := receiver.RTPTransceiver()
	if tr == nil {
		return
	}
	in := &incoming{mid: tr.Mid(), ssrc: uint32(remote.SSRC())}
	for _, e := range receiver.GetParameters().HeaderExtensions {
		switch e.URI {
		case uriAudioLevel:
			in.levelID = uint8(e.ID)
		case uriCaptureTime:
			in.captureID = uint8(e.ID)
		}
	}
	p.mu.Lock()
	if p.incoming == nil { // closed
		p.mu.Unlock()
		return
	}
	before := p.incoming[in.mid]
	p.incoming[in.mid] = in
	p.readers.Add(2)
	p.mu.Unlock()
	if before != nil { // the section's stream has another SSRC now
		before.over.Store(true)
		p.room.unpublish(before)
	}
	go func() {
		defer p.readers.Done()
		p.readReports(receiver, in)
	}()
	defer p.readers.Done()
	p.receive(remote, receiver, in)
}
