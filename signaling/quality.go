package signaling

import (
	"maps"
	"time"

	"showroom/sfu"
)

// quality is how well each participant is connected, as told last.
type quality struct {
	levels  map[string]string
	judgeAt time.Time
}

// Levels of a connection.
const (
	qualityGood = "good"
	qualityFair = "fair"
	qualityPoor = "poor"
	qualityLost = "lost"
)

// sample is what the counters of a connection said at the last look.
type sample struct{ received, lost uint64 }

// judge looks at all connections and tells the room when a level has changed.
func (c *conference) judge() {
	if c.room == nil {
		c.judgeAt = time.Time{}
		return
	}
	if !c.judgeAt.IsZero() && !c.due(c.judgeAt) {
		return
	}
	c.judgeAt = c.hub.now().Add(c.config.QualityInterval)
	c.at(c.judgeAt)
	levels := map[string]string{}
	for id, s := range c.sessions {
		if s.attachment == nil {
			if s.cutOff {
				levels[id] = qualityLost
			}
			continue
		}
		stats := s.attachment.peer.Stats()
		if level := s.attachment.sampled.level(stats); level != "" {
			levels[id] = level
		}
	}
	if !maps.Equal(levels, c.levels) {
		c.levels = levels
		c.tellRoom("", qualityMessage{event("quality"), levels})
	}
}

// level judges the connection since the last sample. A connection that is still being made has none.
func (s *sample) level(stats sfu.PeerStats) string {
	received, lost := stats.ReceivedPackets-s.received, stats.Lost-s.lost
	if stats.Lost < s.lost { // late packets were taken off again
		lost = 0
	}
	s.received, s.lost = stats.ReceivedPackets, stats.Lost
	loss := stats.LossToPeer
	if received+lost > 0 {
		loss = max(loss, float64(lost)/float64(received+lost))
	}
	switch {
	case stats.State == sfu.Connecting:
		return ""
	case stats.State != sfu.Connected:
		return qualityLost
	case loss > 0.08 || stats.RoundTrip > 600*time.Millisecond || stats.Reduced:
		return qualityPoor
	case loss > 0.02 || stats.RoundTrip > 250*time.Millisecond:
		return qualityFair
	}
	return qualityGood
}
