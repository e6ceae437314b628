package sfu

import "time"

// Stats of the peer since it joined.
func (p *Peer) Stats() PeerStats {
	s := PeerStats{
		State:            p.State(),
		Estimate:         p.estimate.Load(),
		ReceivedPackets:  p.receivedPackets.Load(),
		ReceivedBytes:    p.receivedBytes.Load(),
		ForwardedPackets: p.forwardedPackets.Load(),
		ForwardedBytes:   p.forwardedBytes.Load(),
		Lost:             p.lost.Load(),
		Duplicates:       p.duplicates.Load(),
		ParseErrors:      p.parseErrors.Load(),
		Resent:           p.resent.Load(),
		ResendRefused:    p.resendRefused.Load(),
		Dropped:          p.dropped.Load(),
		LossToPeer:       float64(p.lossToPeer.Load()) / 256,
		Panics:           p.panics.Load(),
	}
	transport := p.pc.SCTP().Transport().ICETransport()
	if pair, err := transport.GetSelectedCandidatePair(); err == nil && pair != nil {
		s.Address, s.Protocol = pair.Remote.Address, pair.Local.Protocol.String()
	}
	if pair, ok := transport.GetSelectedCandidatePairStats(); ok {
		s.RoundTrip = time.Duration(pair.CurrentRoundTripTime * float64(time.Second))
	}
	return s
}
