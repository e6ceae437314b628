package sfu

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/pion/rtcp"

	"showroom/sfu/udp"
)

const (
	congestionInterval = 100 * time.Millisecond // of transport-cc feedback
	reportInterval     = time.Second            // of receiver reports
	streamLife         = 5 * time.Second        // a stream that is silent for so long is not reported
)

// feedbackState is when the publisher is told what next. No timer is needed: its packets
// wake us, and the room's housekeeping when there are none.
type feedbackState struct {
	due          time.Time // the earliest of all
	congestionAt time.Time
	reportAt     time.Time
	nackAt       time.Time // zero: nothing is missing
	seqs         []uint16
}

// wake makes the feedback look for what is missing at that time.
func (f *feedbackState) wake(at time.Time) {
	if f.nackAt.IsZero() || at.Before(f.nackAt) {
		f.nackAt = at
	}
	if at.Before(f.due) {
		f.due = at
	}
}

// feedback tells the publisher what is due: what we miss, when its packets came, and a
// report. The caller holds the receiver's lock.
func (p *Peer) feedback(now time.Time, out *udp.Batch) {
	r := &p.receiver
	var packets []rtcp.Packet
	if !r.reportAt.After(now) {
		r.reportAt = now.Add(reportInterval)
		if rr := p.report(now); rr != nil {
			packets = append(packets, rr)
		}
	}
	if !r.congestionAt.After(now) {
		r.congestionAt = now.Add(congestionInterval)
		packets = append(packets, r.congestion.BuildFeedbackPacket()...)
	}
	if !r.nackAt.IsZero() && !r.nackAt.After(now) {
		packets = append(packets, p.nacks(now)...)
	}
	r.due = r.congestionAt
	for _, at := range []time.Time{r.reportAt, r.nackAt} {
		if !at.IsZero() && at.Before(r.due) {
			r.due = at
		}
	}
	if len(packets) > 0 {
		p.sendRTCP(out, packets...)
	}
}

// report is the receiver report of all live streams.
func (p *Peer) report(now time.Time) rtcp.Packet {
	rr := &rtcp.ReceiverReport{SSRC: feedbackSSRC}
	for _, in := range p.receiver.live {
		if in.reception.started && now.Sub(in.reception.at) < streamLife && len(rr.Reports) < 31 { // a count of five bits
			rr.Reports = append(rr.Reports, in.reception.block(in.ssrc, now))
		}
	}
	if len(rr.Reports) == 0 {
		return nil
	}
	return rr
}

// nacks asks for what is missing, and notes when to do it again.
func (p *Peer) nacks(now time.Time) []rtcp.Packet {
	r := &p.receiver
	r.nackAt = time.Time{}
	var packets []rtcp.Packet
	for _, in := range r.live {
		var next time.Time
		r.seqs, next = in.missing.ask(now, r.seqs[:0])
		if !next.IsZero() && (r.nackAt.IsZero() || next.Before(r.nackAt)) {
			r.nackAt = next
		}
		if len(r.seqs) > 0 && in.track.Load() != nil {
			packets = append(packets, &rtcp.TransportLayerNack{
				SenderSSRC: feedbackSSRC, MediaSSRC: in.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(r.seqs),
			})
		}
	}
	return packets
}

// late does what is due when no packet came to do it.
func (p *Peer) late(now time.Time, out *udp.Batch) {
	r := &p.receiver
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open && !r.over && !now.Before(r.due) {
		p.feedback(now, out)
	}
}

// receiveRTCP decrypts what the client reports, on its own media and on ours.
func (p *Peer) receiveRTCP(b []byte, at time.Time, out *udp.Batch) {
	r := &p.receiver
	ssrc := binary.BigEndian.Uint32(b[4:])
	if p.guard.full(ssrc) {
		return
	}
	plain, err := r.in.DecryptRTCP(b, b, &r.control)
	if err != nil {
		r.forged++
		return
	}
	if !p.guard.admit(ssrc) {
		return
	}
	packets, err := rtcp.Unmarshal(plain)
	if err != nil {
		p.parseErrors.Add(1)
		return
	}
	slots := p.sending.Load()
	for _, pkt := range packets {
		if sr, ok := pkt.(*rtcp.SenderReport); ok {
			p.reported(sr, at, out)
		}
		if slots == nil {
			continue
		}
		for _, s := range *slots {
			s.feedback(pkt, at, out)
		}
	}
}

// reported takes a sender report of one of the client's streams.
func (p *Peer) reported(sr *rtcp.SenderReport, at time.Time, out *udp.Batch) {
	for _, in := range p.receiver.live {
		if in.ssrc != sr.SSRC {
			continue
		}
		in.reception.report, in.reception.reported = uint32(sr.NTPTime>>16), at
		if t := in.track.Load(); t != nil && !p.room.exhausted(at) {
			t.reported(senderReport{ntp: sr.NTPTime, rtp: sr.RTPTime, arrived: at}, out)
		}
	}
}

// feedback acts on one RTCP packet. A BYE is ignored: signaling ends a session, not RTCP.
func (s *slot) feedback(pkt rtcp.Packet, at time.Time, out *udp.Batch) {
	switch pkt := pkt.(type) {
	case *rtcp.TransportLayerNack:
		s.nacked(pkt, at, out)
	case *rtcp.PictureLossIndication:
		if pkt.MediaSSRC == s.ssrc {
			s.pictureLost()
		}
	case *rtcp.FullIntraRequest:
		for _, e := range pkt.FIR {
			if e.SSRC == s.ssrc {
				s.pictureLost()
			}
		}
	case *rtcp.ReceiverEstimatedMaximumBitrate:
		if slices.Contains(pkt.SSRCs, s.ssrc) {
			s.estimated(pkt.Bitrate)
		}
	case *rtcp.ReceiverReport:
		s.received(pkt.Reports)
	case *rtcp.SenderReport:
		s.received(pkt.Reports)
	}
}

func (s *slot) pictureLost() {
	s.mu.Lock()
	t := s.out.feed
	s.mu.Unlock()
	if t != nil {
		t.RequestKeyframe()
	}
}

func (s *slot) estimated(bitrate float32) {
	if !(bitrate >= 0) || bitrate > 1e12 { // not a number, or a lie
		return
	}
	s.peer.estimate.Store(uint64(bitrate))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remb = estimate{bitrate: uint64(bitrate), at: time.Now()}
}

func (s *slot) received(reports []rtcp.ReceptionReport) {
	for _, r := range reports {
		if r.SSRC != s.ssrc {
			continue
		}
		s.peer.lossToPeer.Store(uint32(r.FractionLost))
		s.mu.Lock()
		s.lost = lossReport{share: float64(r.FractionLost) / 256, at: time.Now()}
		s.mu.Unlock()
	}
}
