package load

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const (
	uriMID         = "urn:ietf:params:rtp-hdrext:sdes:mid"
	uriSendTime    = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	uriTransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

	resendable = 512 // packets kept for retransmission, about three seconds of video
)

// outbound is one stream a publisher sends. It implements webrtc.TrackLocal.
type outbound struct {
	source    string // the protocol's word
	kind      webrtc.RTPCodecType
	clock     uint32         // of RTP timestamps, Hz
	transport *atomic.Uint32 // the last transport-wide number of the connection
	keyframe  atomic.Bool    // asked for

	mu          sync.Mutex
	writer      webrtc.TrackLocalWriter // nil until negotiated
	ssrc, rtx   uint32
	pt, rtxPT   uint8
	sendTimeID  uint8 // of header extensions; 0: not negotiated
	transportID uint8
	seq, rtxSeq uint16
	base        uint32 // RTP timestamp of began
	picture     uint16
	packets     uint32 // as sender reports count them
	octets      uint32
	refused     uint64 // the connection did not take them
	header      rtp.Header
	payload     [packetPayload + 2]byte // two bytes more for a retransmission
	sendTime    [3]byte
	number      [2]byte
	sent        [resendable]sentPacket
}

// sentPacket is what is needed to make a packet again.
type sentPacket struct {
	seq, picture uint16
	size         uint16
	timestamp    uint32
	at           time.Time
	key, first   bool
	last         bool
}

func newOutbound(source string, kind webrtc.RTPCodecType, clock uint32, transport *atomic.Uint32) *outbound {
	o := &outbound{source: source, kind: kind, clock: clock, transport: transport, base: rand.Uint32()}
	o.seq, o.rtxSeq = uint16(rand.IntN(1<<15)), uint16(rand.IntN(1<<15)) // low, so that an early loss is no roll-over (RFC 3711 §3.3.1)
	o.header.Extensions = make([]rtp.Extension, 0, 2)
	return o
}

// timestamp of a time on the stream's clock.
func (o *outbound) timestamp(t time.Time) uint32 {
	return o.base + uint32(uint64(t.Sub(began))*uint64(o.clock)/uint64(time.Second))
}

// writeFrame sends one frame, all its packets at once; due is when it was to be sent, the time of its capture.
func (o *outbound) writeFrame(size int, key bool, due time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.picture++
	split(max(size, 64), packetPayload-descriptor, func(size int, first, last bool) {
		o.write(sentPacket{picture: o.picture, size: uint16(size + descriptor), timestamp: o.timestamp(due), key: key, first: first, last: last})
	})
}

// writeAudio sends one Opus packet.
func (o *outbound) writeAudio(due time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.write(sentPacket{size: opusBytes, timestamp: o.timestamp(due)})
}

// write sends a packet for the first time. The caller holds the lock.
func (o *outbound) write(p sentPacket) {
	if o.writer == nil {
		return
	}
	o.seq++
	p.seq, p.at = o.seq, time.Now()
	o.sent[p.seq%resendable] = p
	o.fill(o.payload[:p.size], p)
	h := o.prepare(o.ssrc, o.pt, p.seq, p)
	if _, err := o.writer.WriteRTP(h, o.payload[:p.size]); err != nil {
		o.refused++
		return
	}
	o.packets++
	o.octets += uint32(p.size)
}

// fill makes a packet's payload, the same each time.
func (o *outbound) fill(payload []byte, p sentPacket) {
	clear(payload)
	if o.kind == webrtc.RTPCodecTypeVideo {
		putVP8(payload, p.picture, p.key, p.first)
	} else {
		putOpus(payload)
	}
	putStamp(payload, p.at)
}

// prepare fills the stream's header. The caller holds the lock until it is written.
func (o *outbound) prepare(ssrc uint32, pt uint8, seq uint16, p sentPacket) *rtp.Header {
	h := &o.header
	*h = rtp.Header{Version: 2, Marker: p.last, PayloadType: pt, SequenceNumber: seq, Timestamp: p.timestamp, SSRC: ssrc, Extensions: h.Extensions[:0]}
	if o.sendTimeID != 0 { // abs-send-time: seconds as 6.18 bits fixed point
		ns := uint64(time.Now().UnixNano())
		v := (ns/1e9%64)<<18 | ns%1e9<<18/1e9
		o.sendTime = [3]byte{byte(v >> 16), byte(v >> 8), byte(v)}
		_ = h.SetExtension(o.sendTimeID, o.sendTime[:]) // three bytes always fit
	}
	if o.transportID != 0 {
		binary.BigEndian.PutUint16(o.number[:], uint16(o.transport.Add(1)))
		_ = h.SetExtension(o.transportID, o.number[:])
	}
	return h
}

// resend answers a NACK (RFC 4588): the packet again, on the stream for retransmissions.
func (o *outbound) resend(nack *rtcp.TransportLayerNack) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writer == nil || o.rtx == 0 || o.rtxPT == 0 {
		return
	}
	for _, pair := range nack.Nacks {
		pair.Range(func(seq uint16) bool {
			p := o.sent[seq%resendable]
			if p.seq != seq || p.at.IsZero() {
				return true
			}
			binary.BigEndian.PutUint16(o.payload[:], seq)
			o.fill(o.payload[2:2+p.size], p)
			o.rtxSeq++
			if _, err := o.writer.WriteRTP(o.prepare(o.rtx, o.rtxPT, o.rtxSeq, p), o.payload[:2+p.size]); err != nil {
				o.refused++
			}
			return true
		})
	}
}

// report is the stream's sender report (RFC 3550 §6.4.1); nil before the first packet.
func (o *outbound) report(now time.Time) *rtcp.SenderReport {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.packets == 0 {
		return nil
	}
	return &rtcp.SenderReport{
		SSRC: o.ssrc, NTPTime: ntp(now), RTPTime: o.timestamp(now), PacketCount: o.packets, OctetCount: o.octets,
	}
}

// ntp is the time as RTCP gives it: seconds since 1900 as 32.32 bits fixed point.
func ntp(t time.Time) uint64 {
	const since1900 = 2_208_988_800 // seconds from there to the Unix epoch
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// Bind is called by Pion once the stream is negotiated.
func (o *outbound) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var codec webrtc.RTPCodecParameters
	for _, candidate := range c.CodecParameters() {
		if strings.EqualFold(candidate.MimeType, webrtc.MimeTypeRTX) {
			o.rtxPT = uint8(candidate.PayloadType)
		} else if codec.PayloadType == 0 {
			codec = candidate
		}
	}
	if codec.PayloadType == 0 {
		return codec, webrtc.ErrUnsupportedCodec
	}
	for _, e := range c.HeaderExtensions() {
		switch e.URI {
		case uriSendTime:
			o.sendTimeID = uint8(e.ID)
		case uriTransportCC:
			o.transportID = uint8(e.ID)
		}
	}
	o.ssrc, o.rtx, o.pt = uint32(c.SSRC()), uint32(c.SSRCRetransmission()), uint8(codec.PayloadType)
	o.writer = c.WriteStream()
	return codec, nil
}

// Unbind is called by Pion when the connection is closed.
func (o *outbound) Unbind(webrtc.TrackLocalContext) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writer = nil
	return nil
}

func (o *outbound) id() uint32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ssrc
}

// ID of the track.
func (o *outbound) ID() string { return o.source }

// RID is empty: one encoding.
func (o *outbound) RID() string { return "" }

// StreamID is shared by microphone and camera.
func (o *outbound) StreamID() string { return "load" }

// Kind of media.
func (o *outbound) Kind() webrtc.RTPCodecType { return o.kind }

var _ webrtc.TrackLocal = (*outbound)(nil)
