package sfu

import (
	"slices"
	"time"

	"github.com/pion/rtcp"
)

const (
	estimateLife  = 5 * time.Second // how long a REMB or a loss report counts; browsers send one a second
	estimateFell  = 0.97            // an estimate below this share of the last one says: overused
	lossCongested = 0.10            // so does more loss than this …
	lossBackoff   = 0.85            // … and no REMB is needed to take this share of the rate
	limitRecovery = 1.2             // a limit grows by this each second without congestion
)

// limiter finds what the subscriber of one slot can take, bit/s. It belongs to the room's
// housekeeping.
//
// A browser's estimate (REMB) is no limit by itself: it never rises far above what is
// received, and slowly. Handing it to a publisher that has little to send for a while, a
// still picture, ends in a few kbit/s with nothing congested (seen in Chromium: 1.7 Mbit/s
// became 67 kbit/s). But when the estimate falls, the path is overused and it is the
// measure of it. So a limit follows the estimate down, and recovers on its own.
type limiter struct {
	limit    float64 // 0: none yet
	estimate uint64  // the last one seen
	bytes    uint64  // the slot's count when last looked at
	rate     float64 // bit/s since then
}

// measure updates the slot's rate.
func (l *limiter) measure(bytes uint64, elapsed time.Duration) {
	l.rate = float64(bytes-l.bytes) * 8 / elapsed.Seconds()
	l.bytes = bytes
}

// update sets the limit. estimate is 0 if there is no fresh one; total is the rate of all of
// the subscriber's slots, among which its estimate is shared as they use it.
func (l *limiter) update(estimate uint64, loss, total float64, c *Config) {
	most := float64(c.MaxBitrate)
	if l.limit == 0 {
		l.limit = most
	}
	switch {
	case estimate > 0 && float64(estimate) < estimateFell*float64(l.estimate):
		l.limit = float64(estimate)
		if total > 0 {
			l.limit *= l.rate / total
		}
	case loss > lossCongested:
		l.limit = min(l.limit, lossBackoff*l.rate)
	default:
		l.limit *= limitRecovery
		if total > 0 {
			l.limit = max(l.limit, float64(estimate)*l.rate/total)
		}
	}
	l.limit = min(max(l.limit, float64(c.MinBitrate)), most)
	if estimate > 0 {
		l.estimate = estimate
	}
}

// limitPublishers measures the room's slots and tells each publisher how much its
// subscribers can take.
func (r *Room) limitPublishers(now time.Time, elapsed time.Duration) {
	r.mu.Lock()
	peers, tracks := slices.Clone(r.peers), slices.Clone(r.tracks)
	slots := make([][]*slot, len(peers))
	for i, p := range peers {
		slots[i] = slices.Clone(p.slots)
	}
	r.mu.Unlock()
	for _, list := range slots {
		total := 0.0
		for _, s := range list {
			s.limiter.measure(s.sentBytes(), elapsed)
			total += s.limiter.rate
		}
		for _, s := range list {
			estimate, loss := s.reception(now)
			s.limiter.update(estimate, loss, total, &r.server.config)
		}
	}
	for _, p := range peers {
		p.limitPublisher(tracks)
	}
}

// limitPublisher sends the sum of what the peer's video tracks may have, each the least of
// its subscribers' limits. A REMB limits the whole connection.
func (p *Peer) limitPublisher(tracks []*Track) {
	var ssrcs []uint32
	sum := 0.0
	for _, t := range tracks {
		if t.peer != p || t.Kind() != Video {
			continue
		}
		ssrcs = append(ssrcs, t.ssrc)
		limit := float64(p.server.config.MaxBitrate)
		if slots := t.slots.Load(); slots != nil {
			for _, s := range *slots {
				if s.limiter.limit > 0 {
					limit = min(limit, s.limiter.limit)
				}
			}
		}
		sum += limit
	}
	if len(ssrcs) == 0 || !p.connected.Load() {
		return
	}
	sum = min(sum, float64(p.server.config.MaxBitrate))
	p.writeRTCP(&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: float32(sum), SSRCs: ssrcs})
}

// sentBytes of payload, without retransmissions.
func (s *slot) sentBytes() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.bytes
}

// reception is what the subscriber said of late: its estimate in bit/s and the share of
// packets lost; 0 if it said nothing.
func (s *slot) reception(now time.Time) (estimate uint64, loss float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.remb.at) < estimateLife {
		estimate = s.remb.bitrate
	}
	if now.Sub(s.lost.at) < estimateLife {
		loss = s.lost.share
	}
	return estimate, loss
}
