package signaling

import (
	"testing"
	"time"

	"showroom/sfu"
)

func TestQualityLevels(t *testing.T) {
	connected := func(change func(*sfu.PeerStats)) sfu.PeerStats {
		s := sfu.PeerStats{State: sfu.Connected}
		s.ReceivedPackets = 1000
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		stats sfu.PeerStats
		want  string
	}{
		"connecting":           {sfu.PeerStats{State: sfu.Connecting}, ""},
		"disconnected":         {sfu.PeerStats{State: sfu.Disconnected}, qualityLost},
		"clean":                {connected(func(*sfu.PeerStats) {}), qualityGood},
		"3 % lost":             {connected(func(s *sfu.PeerStats) { s.Lost = 30 }), qualityFair},
		"10 % lost":            {connected(func(s *sfu.PeerStats) { s.Lost = 110 }), qualityPoor},
		"10 % lost to them":    {connected(func(s *sfu.PeerStats) { s.LossToPeer = 0.1 }), qualityPoor},
		"far away":             {connected(func(s *sfu.PeerStats) { s.RoundTrip = 300 * time.Millisecond }), qualityFair},
		"an overloaded engine": {connected(func(s *sfu.PeerStats) { s.Reduced = true }), qualityPoor},
	} {
		if got := (&sample{}).level(c.stats); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
