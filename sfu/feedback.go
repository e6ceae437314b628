package sfu

import (
	"errors"
	"io"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// readFeedback reads what the subscriber reports on a slot, until the sender is stopped.
func (p *Peer) readFeedback(s *slot, sender *webrtc.RTPSender) {
	defer p.contain("feedback")
	buf := make([]byte, 2048)
	for errs := 0; ; {
		n, _, err := sender.Read(buf)
		if err != nil {
			if errs++; ended(err) || p.closed() || errs > errorsInARow {
				return
			}
			p.parseErrors.Add(1)
			continue
		}
		errs = 0
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			p.parseErrors.Add(1)
			continue
		}
		for _, pkt := range packets {
			s.feedback(pkt)
		}
	}
}

// feedback acts on one RTCP packet. A BYE is ignored: signaling ends a session, not RTCP.
func (s *slot) feedback(pkt rtcp.Packet) {
	switch pkt := pkt.(type) {
	case *rtcp.TransportLayerNack:
		s.nacked(pkt, time.Now())
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
		s.estimated(pkt.Bitrate)
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

// readReports reads the publisher's RTCP of one incoming stream, until it is stopped.
func (p *Peer) readReports(receiver *webrtc.RTPReceiver, in *incoming) {
	defer p.contain("reports")
	buf := make([]byte, 2048)
	for errs := 0; ; {
		n, _, err := receiver.Read(buf)
		if err != nil {
			if errs++; ended(err) || p.closed() || errs > errorsInARow {
				return
			}
			p.parseErrors.Add(1)
			continue
		}
		errs = 0
		arrived := time.Now()
		packets, err := rtcp.Unmarshal(buf[:n])
		if err != nil {
			p.parseErrors.Add(1)
			continue
		}
		for _, pkt := range packets {
			sr, ok := pkt.(*rtcp.SenderReport)
			if !ok || sr.SSRC != in.ssrc || p.room.exhausted(arrived) {
				continue
			}
			if t := in.track.Load(); t != nil {
				t.reported(senderReport{ntp: sr.NTPTime, rtp: sr.RTPTime, arrived: arrived})
			}
		}
	}
}

// ended says that a stream is over, in contrast to a packet that was no good.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe)
}
