package recorder

import (
	"testing"
	"time"
)

// TestStarvedSender: a browser short of CPU makes sound slower than it should, so that its RTP clock falls behind. The sound is
// recorded all the same, near its picture, and not thrown away as late.
func TestStarvedSender(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.open("c_1")
		twoTracks(r, newSim(t),
			&source{to: 40 * time.Second, reports: 5 * time.Second, skew: -0.2},
			&source{to: 40 * time.Second, reports: 500 * time.Millisecond})
	})
	_, p := r.one(t)
	audio := p.pts("opus")
	if n := len(audio); n < 1850 {
		t.Errorf("%d of 2000 audio frames are in the file", n)
	}
	if end := audio[len(audio)-1]; end < 38.8 || end > 40.2 {
		t.Errorf("the last sound of 40 s is at %.1f s", end)
	}
}
