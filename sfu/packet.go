package sfu

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/pion/rtp"

	"showroom/sfu/udp"
)

// The way of a packet, from top to bottom: all of it on the goroutine that read it. out
// collects what is to be sent, and is sent once the batch it came in is done.

// packet is a packet on its way through the server, with what is read from it once.
type packet struct {
	rtp     *rtp.Packet
	ext     uint64 // extended sequence number
	key     bool   // a decoder can start here
	arrived time.Time
	level   []byte // header extensions that go on to the subscribers, as received
	capture []byte
	out     *udp.Batch
}

// media is called by the UDP socket for each datagram of SRTP or SRTCP. What comes from an
// address that ICE does not vouch for is nobody's.
func (e *engine) media(b []byte, from netip.AddrPort, at time.Time, out *udp.Batch) {
	if p := e.addresses.at(from); p != nil {
		p.packet(b, at, out)
	}
}

// packet takes one packet of the client, encrypted. b is decrypted in place.
func (p *Peer) packet(b []byte, at time.Time, out *udp.Batch) {
	r := &p.receiver
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.over || len(b) < 12 || len(b) > udp.MaxSize:
	case !r.rate.take(at.Sub(p.server.start), mediaRate, mediaBurst): // more than anybody needs: the others share this goroutine
		p.engine.valve.dropped.Add(1)
	case !r.open:
		r.hold(b)
	default:
		p.open(b, at, out)
	}
}

// open takes a packet of a connected client. The caller holds the receiver's lock.
func (p *Peer) open(b []byte, at time.Time, out *udp.Batch) {
	defer p.contain("media")
	switch {
	case p.receiver.over: // since the packet before
	case b[1] >= 192 && b[1] <= 223: // RFC 5761 §4
		p.receiveRTCP(b, at, out)
	default:
		p.receiveRTP(b, at, out)
	}
	if !at.Before(p.receiver.due) {
		p.feedback(at, out)
	}
}

// receiveRTP authenticates and decrypts a packet, finds its stream and hands it on. The SRTP
// context refuses what it has seen before.
func (p *Peer) receiveRTP(b []byte, at time.Time, out *udp.Batch) {
	r := &p.receiver
	ssrc := binary.BigEndian.Uint32(b[8:])
	f, known := r.flows[ssrc]
	if !known && p.guard.full(ssrc) || known && p.shedding.Load() != 0 && p.skip(f.in) {
		return
	}
	h := &r.rtp.Header
	plain, err := r.in.DecryptRTP(b, b, h)
	if err != nil {
		r.forged++
		return
	}
	payload, ok := payloadOf(plain)
	if !ok {
		p.parseErrors.Add(1)
		return
	}
	if !known {
		if f, ok = p.admit(ssrc, h); !ok {
			return
		}
	}
	if id := r.routes.ccID; id != 0 {
		if n := h.GetExtension(id); len(n) >= 2 {
			r.congestion.Record(ssrc, binary.BigEndian.Uint16(n), at.Sub(p.server.start).Microseconds())
		}
	}
	r.rtp.Payload, h.Padding, h.PaddingSize = payload, false, 0
	if f.repair && !unwrap(&r.rtp, f.in) {
		return // only padding, or of no codec
	}
	p.receivedPackets.Add(1)
	p.receivedBytes.Add(uint64(len(r.rtp.Payload)))
	r.packet.rtp, r.packet.arrived, r.packet.out = &r.rtp, at, out
	p.deliver(f.in, &r.packet, f.repair)
}

// payloadOf is what follows the header and its extension, without padding (RFC 3550 §5.1).
func payloadOf(b []byte) ([]byte, bool) {
	n := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < n+4 {
			return nil, false
		}
		n += 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
	}
	if len(b) < n {
		return nil, false
	}
	payload := b[n:]
	if b[0]&0x20 == 0 {
		return payload, true
	}
	if len(payload) == 0 || payload[len(payload)-1] == 0 || int(payload[len(payload)-1]) > len(payload) {
		return nil, false
	}
	return payload[:len(payload)-int(payload[len(payload)-1])], true
}

// unwrap makes of a retransmission what was sent first (RFC 4588 §4).
func unwrap(p *rtp.Packet, in *incoming) bool {
	pt, ok := in.reading.repairs[p.PayloadType]
	if !ok || len(p.Payload) < 2 {
		return false
	}
	p.SSRC, p.PayloadType, p.SequenceNumber = in.ssrc, pt, binary.BigEndian.Uint16(p.Payload)
	p.Payload = p.Payload[2:]
	return true
}

// deliver forwards one packet of a stream, once, publishing the stream first if need be.
func (p *Peer) deliver(in *incoming, pkt *packet, repaired bool) {
	if in.starved { // what is between was not looked at: nothing of it is missing
		in.numbers.skip(pkt.rtp.SequenceNumber)
		in.missing.forget()
	}
	lost, highest := in.numbers.lost(), in.numbers.highest
	ext, ok := in.numbers.add(pkt.rtp.SequenceNumber)
	if !ok {
		p.duplicates.Add(1)
		return
	}
	if now := in.numbers.lost(); now != lost {
		p.lost.Add(now - lost)
	}
	if !repaired {
		in.reception.add(ext, pkt.rtp.Timestamp, pkt.arrived)
	}
	t := in.track.Load()
	if t == nil || in.pt != pkt.rtp.PayloadType {
		if t = p.published(in, pkt.rtp); t == nil {
			return
		}
	}
	if p.room.exhausted(pkt.arrived) || p.sheds(t.source.Kind()) {
		in.starved = true
		return
	}
	if in.repairable && !in.starved {
		p.missed(in, highest, ext, pkt.arrived)
	}
	if in.starved {
		in.starved = false
		t.starved()
	}
	pkt.ext, pkt.key = ext, t.isKey == nil
	pkt.level, pkt.capture = nil, nil
	if id := in.reading.levelID; id != 0 {
		pkt.level = extension(pkt.rtp, id, 1, 1)
	}
	if id := in.reading.captureID; id != 0 {
		pkt.capture = extension(pkt.rtp, id, 8, 16)
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

// forward hands a packet to everybody who wants it. It allocates nothing.
func (t *Track) forward(p *packet) {
	if t.isKey != nil {
		p.key = t.isKey(p.rtp.Payload)
		if p.key {
			t.governor.arrived()
		}
		t.cache.add(p.ext, p.rtp.Timestamp, p.rtp.Marker, p.rtp.Payload, p.arrived)
	}
	if slots := t.slots.Load(); slots != nil {
		for _, s := range *slots {
			s.write(t, p)
		}
	}
	if sinks := t.sinks.Load(); sinks != nil {
		for _, a := range *sinks {
			a.sink.WriteRTP(p.rtp, p.arrived)
		}
	}
}

// write sends a packet of t on, in the slot's numbers.
func (s *slot) write(t *Track, p *packet) {
	if !s.peer.connected.Load() {
		return
	}
	if s.peer.sheds(s.kind) {
		s.peer.shed.Add(1)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.out
	if o.feed != t || !s.bound {
		return
	}
	if o.waiting && !p.key {
		return
	}
	if o.resync || o.waiting || p.ext+o.shift > o.last+maxJump {
		s.begin(t, p)
	}
	if p.ext < o.begin { // came late, from before the run
		return
	}
	seq, ts := p.ext+o.shift, p.rtp.Timestamp+o.tsShift
	if seq > o.last || !o.started {
		o.started = true
		o.last, o.lastTS, o.lastAt = seq, ts, p.arrived
	}
	h := &o.header
	h.begin(o.pt, p.rtp.Marker, uint16(seq), ts, s.ssrc)
	h.sendTime(s.sendTimeID, p.arrived)
	h.extend(s.levelID, p.level)
	h.extend(s.captureID, p.capture)
	if !s.peer.link.sendRTP(h.end(), p.rtp.Payload, p.out) {
		s.peer.dropped.Add(1)
		return
	}
	o.packets++
	o.octets += uint32(len(p.rtp.Payload))
	o.bytes += uint64(len(p.rtp.Payload))
	s.peer.forwardedPackets.Add(1)
	s.peer.forwardedBytes.Add(uint64(len(p.rtp.Payload)))
}

// sendRTP encrypts a packet where it is sent from. It reports false if there is no way to
// the client.
func (l *link) sendRTP(header, payload []byte, out *udp.Batch) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	buf := l.room(out, len(header)+len(payload))
	if buf == nil {
		return false
	}
	n := copy(buf, header)
	n += copy(buf[n:], payload)
	sealed, err := l.seal.EncryptRTP(buf, buf[:n], &l.header)
	if err != nil || len(sealed) > len(buf) {
		return false
	}
	l.put(out, len(sealed))
	return true
}
