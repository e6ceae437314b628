package sfu

import (
	"sync/atomic"
	"time"

	"showroom/sfu/udp"
)

// counters are what the way of a packet counts on: each peer its own.
type counters struct {
	receivedPackets, receivedBytes, forwardedPackets, forwardedBytes    atomic.Uint64
	lost, duplicates, parseErrors, resent, resendRefused, dropped, shed atomic.Uint64
	panics                                                              atomic.Uint64
}

func (c *counters) counts() Counts {
	return Counts{
		ReceivedPackets: c.receivedPackets.Load(), ReceivedBytes: c.receivedBytes.Load(),
		ForwardedPackets: c.forwardedPackets.Load(), ForwardedBytes: c.forwardedBytes.Load(),
		Lost: c.lost.Load(), Duplicates: c.duplicates.Load(), ParseErrors: c.parseErrors.Load(),
		Resent: c.resent.Load(), ResendRefused: c.resendRefused.Load(),
		Dropped: c.dropped.Load(), Shed: c.shed.Load(), Panics: c.panics.Load(),
	}
}

// Stats of the peer since it joined.
func (p *Peer) Stats() PeerStats {
	s := PeerStats{
		State: p.State(), Estimate: p.estimate.Load(), Reduced: p.shedding.Load() != 0,
		Counts: p.counts(), LossToPeer: float64(p.lossToPeer.Load()) / 256,
	}
	transport := p.ice()
	if pair, err := transport.GetSelectedCandidatePair(); err == nil && pair != nil {
		s.Address, s.Protocol = pair.Remote.Address, pair.Local.Protocol.String()
	}
	if pair, ok := transport.GetSelectedCandidatePairStats(); ok {
		s.RoundTrip = time.Duration(pair.CurrentRoundTripTime * float64(time.Second))
	}
	return s
}

// ServerStats are counters since the server began, and numbers of now.
type ServerStats struct {
	Rooms, Peers, Tracks int           // now
	Reduced              int           // peers that do not get all of their media now, because an engine is overloaded
	Waiting              int           // for their turn to join
	Queued               int           // bytes that wait in the media sockets to be read
	Longest              time.Duration // that a batch of the last second took: packets waited as long

	Counts            // of all peers, also those that are gone
	UDPLimited uint64 // packets of sources that sent more than anybody needs to
	TCPDropped uint64 // packets that slow ICE-TCP clients did not take in time
	Overflowed uint64 // datagrams that were not read in time: the kernel dropped them

	UDP udp.Stats // of all media sockets
}

// Stats adds up what is counted elsewhere: it costs the packets nothing.
func (s *Server) Stats() ServerStats {
	s.mu.Lock()
	rooms := make([]*Room, 0, len(s.rooms))
	for _, r := range s.rooms {
		rooms = append(rooms, r)
	}
	s.mu.Unlock()
	stats := ServerStats{Rooms: len(rooms), UDPLimited: s.UDPDropped(), TCPDropped: s.TCPDropped()}
	for _, r := range rooms {
		r.mu.Lock()
		stats.Peers += len(r.peers)
		stats.Tracks += len(r.tracks)
		for _, p := range r.peers {
			stats.Counts = stats.Plus(p.counts())
		}
		r.mu.Unlock()
	}
	s.past.mu.Lock()
	stats.Counts = stats.Plus(s.past.counts)
	s.past.mu.Unlock()
	stats.Waiting = s.turns.count()
	for _, e := range s.engines {
		stats.UDP = stats.UDP.Plus(e.udp.Stats())
		stats.Reduced += e.overload.reduced()
		pressure, longest := e.pressure()
		stats.Queued += pressure.Queued
		stats.Overflowed += pressure.Overflowed
		stats.Longest = max(stats.Longest, longest)
	}
	return stats
}

// keep adds what a peer counted that leaves its room; the room's lock is held, so that it is not counted twice.
func (s *Server) keep(p *Peer) {
	s.past.mu.Lock()
	defer s.past.mu.Unlock()
	s.past.counts = s.past.counts.Plus(p.counts())
}
