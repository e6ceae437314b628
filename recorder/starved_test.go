package recorder

import (
	"testing"
	"time"

	"showroom/recorder/webm"
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

// TestStalledSender: the sound of a browser short of CPU stands still for 130 ms, three times, and its RTP clock with it. The next report says so, and
// arrival bears it out: from then on sound and picture are together again.
func TestStalledSender(t *testing.T) {
	var r *rig
	var tp *tape
	mic := clip{reports: 5 * time.Second, base: 2300 * time.Millisecond, stall: 130 * time.Millisecond, stalls: []time.Duration{20 * time.Second, 60 * time.Second, 100 * time.Second}}
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.rec.wrap = func(f webm.File) webm.File { tp = &tape{File: f}; return tp }
		r.open("c_1")
		m := newSim(t)
		s := r.session("anna")
		cam := clip{video: true, reports: time.Second, base: 500 * time.Millisecond, lag: 60 * time.Millisecond}
		way := net{jitter: 10 * time.Millisecond}
		mic.play(m, way, 0, 2*time.Minute, r.track(s, "mic", "audio/opus"))
		cam.play(m, way, 0, 2*time.Minute, r.track(s, "camera", "video/VP8"))
		m.play()
		r.close()
	})
	late, frames := 0, 0
	var sound time.Duration
	for _, f := range tp.frames {
		if !f.video {
			sound = f.at - f.captured - mic.stood(f.captured)
			continue
		}
		frames++
		if (f.at - f.captured - sound).Abs() > 40*time.Millisecond {
			late++
		}
	}
	// At most the five seconds to the next report, three times.
	if most := 3 * 5 * clipFPS; late > most || frames < 119*clipFPS {
		t.Errorf("%d of %d pictures are more than 40 ms from their sound, want at most %d", late, frames, most)
	}
	t.Logf("%d of %d pictures are more than 40 ms from their sound", late, frames)
}
