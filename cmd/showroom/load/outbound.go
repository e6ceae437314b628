package load

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

const resendable = 512 // packets kept for retransmission, about three seconds of video

// kind of media.
type kind struct {
	payloadType uint8
	clock       uint32 // of RTP timestamps, Hz
}

var audio, video = kind{payloadOpus, 48000}, kind{payloadVP8, 90000}

// rtpWriter sends packets; they may wait for flush.
type rtpWriter interface {
	WriteRTP(h *rtp.Header, payload []byte) error
	flush()
}

// outbound is one stream a publisher sends.
type outbound struct {
	kind
	source    string // the protocol's word
	ssrc, rtx uint32
	transport *atomic.Uint32 // the last transport-wide number of the connection
	keyframe  atomic.Bool    // asked for

	mu          sync.Mutex
	writer      rtpWriter // nil until connected
	wants       answer    // what of RTX and header extensions was negotiated
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

func newOutbound(source string, k kind, transport *atomic.Uint32) *outbound {
	o := &outbound{source: source, kind: k, transport: transport, base: rand.Uint32(), ssrc: rand.Uint32N(math.MaxUint32) + 1}
	if k == video {
		o.rtx = o.ssrc ^ 1<<31 // another one, and not 0 for it is not the same
	}
	o.seq, o.rtxSeq = uint16(rand.IntN(1<<15)), uint16(rand.IntN(1<<15)) // low, so that an early loss is no roll-over (RFC 3711 §3.3.1)
	o.header.Extensions = make([]rtp.Extension, 0, 2)
	return o
}

// bind is called once the stream is negotiated and there are keys.
func (o *outbound) bind(w rtpWriter, a answer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.writer, o.wants = w, a
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
	o.flush()
}

// writeAudio sends one Opus packet.
func (o *outbound) writeAudio(due time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.write(sentPacket{size: opusBytes, timestamp: o.timestamp(due)})
	o.flush()
}

// flush sends what was written. The caller holds the lock.
func (o *outbound) flush() {
	if o.writer != nil {
		o.writer.flush()
	}
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
	h := o.prepare(o.ssrc, o.payloadType, p.seq, p)
	if err := o.writer.WriteRTP(h, o.payload[:p.size]); err != nil {
		o.refused++
		return
	}
	o.packets++
	o.octets += uint32(p.size)
}

// fill makes a packet's payload, the same each time.
func (o *outbound) fill(payload []byte, p sentPacket) {
	clear(payload)
	if o.kind == video {
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
	if o.wants.sendTime { // abs-send-time: seconds as 6.18 bits fixed point
		ns := uint64(time.Now().UnixNano())
		v := (ns/1e9%64)<<18 | ns%1e9<<18/1e9
		o.sendTime = [3]byte{byte(v >> 16), byte(v >> 8), byte(v)}
		_ = h.SetExtension(idSendTime, o.sendTime[:]) // three bytes always fit
	}
	if o.wants.transportCC {
		binary.BigEndian.PutUint16(o.number[:], uint16(o.transport.Add(1)))
		_ = h.SetExtension(idTransportCC, o.number[:])
	}
	return h
}

// resend answers a NACK (RFC 4588): the packet again, on the stream for retransmissions.
func (o *outbound) resend(nack *rtcp.TransportLayerNack) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.writer == nil || o.rtx == 0 || !o.wants.rtx {
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
			if err := o.writer.WriteRTP(o.prepare(o.rtx, payloadRTX, o.rtxSeq, p), o.payload[:2+p.size]); err != nil {
				o.refused++
			}
			return true
		})
	}
	o.flush()
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
