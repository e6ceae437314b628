package recorder

import (
	"math"
	"testing"
	"time"
)

// twoTracks plays a microphone and a VP8 camera of one participant.
func twoTracks(r *rig, m *sim, mic, cam *source) {
	s := r.session("anna")
	a, v := r.track(s, "mic", "audio/opus"), r.track(s, "camera", "video/VP8")
	mic.mime, mic.ssrc = "audio/opus", 1
	cam.mime, cam.size, cam.ssrc = "video/VP8", "160x120", 2
	mic.sink, cam.sink = func() *Track { return a }, func() *Track { return v }
	m.add(mic)
	m.add(cam)
	m.play()
	r.close()
}

// one file is expected; it is judged.
func (r *rig) one(t *testing.T) (File, *probed) {
	t.Helper()
	if len(r.started) != 1 || len(r.finished) != 1 || len(r.failed) != 0 || len(r.manifest.Files) != 1 {
		t.Fatalf("finished %v, failed %v, manifest %v", r.finished, r.failed, r.manifest)
	}
	return r.finished[0], judge(t, r.path(r.finished[0]))
}

// apart is by how much audio and video that were captured together are apart in
// the file, worst over all frames after the first so many seconds; and by how
// much the time line itself strays from capture. No frame may be missing.
func apart(p *probed, from float64) (tracks, line float64) {
	audio, lo, hi := p.pts("opus"), math.Inf(1), math.Inf(-1)
	for i, at := range p.pts("vp8") {
		captured := float64(i) / fps
		k := int(math.Round(captured / opusStep.Seconds()))
		if captured < from || k >= len(audio) {
			continue
		}
		heard := audio[k] + 0.0065 - (float64(k)*opusStep.Seconds() - captured)
		tracks = max(tracks, math.Abs(at-heard))
		lo, hi = min(lo, at-captured), max(hi, at-captured)
	}
	return tracks, hi - lo
}

func TestWrongReports(t *testing.T) {
	const late = 120 * time.Millisecond // the encoder's, so that arrival misleads
	for _, c := range []struct {
		name  string
		audio func(n int) time.Duration
		video func(n int) time.Duration
		after float64 // seconds from which on
		limit float64 // the tracks may lie this far apart
	}{
		{name: "right", limit: 0.004},
		{name: "one of the first is off", video: func(n int) time.Duration {
			if n == 2 {
				return 161 * time.Millisecond
			}
			return 0
		}, limit: 0.005},
		{name: "single ones far off", audio: func(n int) time.Duration {
			if n == 4 || n == 7 {
				return time.Duration(n) * time.Second
			}
			return 0
		}, limit: 0.005},
		{name: "noise", audio: func(n int) time.Duration { return time.Duration(n*7%11-5) * time.Millisecond }, limit: 0.012},
		{name: "clock at half speed", video: func(n int) time.Duration { return -time.Duration(n) * 500 * time.Millisecond / 2 }, limit: late.Seconds() + 0.08},
		{name: "clock set forward", audio: step(8, time.Hour), video: step(40, time.Hour), limit: 0.08},
		{name: "clock set back", audio: step(8, -time.Hour), video: step(40, -time.Hour), limit: 0.08},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r *rig
			bubble(t, func(t *testing.T, dir string) {
				r = newRig(t, Config{Dir: dir})
				r.open("c_1")
				m := newSim(t)
				m.delay = func(time.Duration, bool) time.Duration {
					return 20*time.Millisecond + time.Duration(m.rng.ExpFloat64()*float64(4*time.Millisecond))
				}
				twoTracks(r, m,
					&source{to: 40 * time.Second, reports: 2300 * time.Millisecond, wrong: c.audio},
					&source{to: 40 * time.Second, reports: 500 * time.Millisecond, wrong: c.video, lag: late})
			})
			_, p := r.one(t)
			if n := len(p.pts("opus")); n != 2000 {
				t.Errorf("%d audio frames", n)
			}
			if n := len(p.pts("vp8")); n != 40*fps {
				t.Errorf("%d video frames", n)
			}
			got, line := apart(p, c.after)
			t.Logf("tracks at most %.1f ms apart, time line strays %.1f ms", got*1000, line*1000)
			if got > c.limit {
				t.Errorf("tracks %.1f ms apart, limit %.1f", got*1000, c.limit*1000)
			}
		})
	}
}

func step(from int, by time.Duration) func(int) time.Duration {
	return func(n int) time.Duration {
		if n >= from {
			return by
		}
		return 0
	}
}

// TestSkew: both RTP clocks run differently from the sender's clock. The hour of
// it is in TestClockHour.
func TestSkew(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.open("c_1")
		m := newSim(t)
		m.delay = func(time.Duration, bool) time.Duration {
			return 40*time.Millisecond + time.Duration(m.rng.ExpFloat64()*float64(10*time.Millisecond))
		}
		twoTracks(r, m,
			&source{to: 2 * time.Minute, skew: 200e-6, reports: 2900 * time.Millisecond},
			&source{to: 2 * time.Minute, skew: -200e-6, reports: time.Second, lag: 60 * time.Millisecond})
	})
	f, p := r.one(t)
	got, line := apart(p, 0)
	t.Logf("±200 ppm: tracks at most %.1f ms apart, time line strays %.1f ms, file lasts %d ms", got*1000, line*1000, f.Duration)
	if got > 0.010 {
		t.Errorf("tracks %.1f ms apart", got*1000)
	}
	if math.Abs(float64(f.Duration)-120e3) > 30 {
		t.Errorf("file lasts %d ms", f.Duration)
	}
}

// TestMute: nobody speaks and the camera is off for ten minutes in the middle.
func TestMute(t *testing.T) {
	var r *rig
	mute := func(at time.Duration) bool { return at >= 5*time.Second && at < 605*time.Second }
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.open("c_1")
		twoTracks(r, newSim(t),
			&source{to: 610 * time.Second, reports: 4 * time.Second, mute: mute},
			&source{to: 610 * time.Second, reports: time.Second, mute: mute})
	})
	f, p := r.one(t)
	if math.Abs(p.Format.Duration-610) > 0.05 {
		t.Errorf("file lasts %v s", p.Format.Duration)
	}
	for _, codec := range []string{"opus", "vp8"} {
		at := p.pts(codec)
		i := len(at) / 2
		if codec == "vp8" && math.Abs(at[i]-605) > 0.01 || codec == "opus" && math.Abs(at[i]-604.9935) > 0.01 {
			t.Errorf("%s goes on at %v after %v", codec, at[i], at[i-1])
		}
	}
	if len(f.Gaps) != 2 {
		t.Fatalf("gaps %v", f.Gaps)
	}
	for _, g := range f.Gaps {
		if g.Reason != GapSilent || g.Start < 4950 || g.Start > 5100 || g.End < 604990 || g.End > 605010 {
			t.Errorf("gap %+v", g)
		}
	}
}

// TestLoss: a tenth of all packets is lost for good. Whatever is written decodes.
func TestLoss(t *testing.T) {
	for _, mime := range []string{"video/VP8", "video/VP9", "video/AV1", "video/H264"} {
		t.Run(mime[6:], func(t *testing.T) {
			var r *rig
			bubble(t, func(t *testing.T, dir string) {
				r = newRig(t, Config{Dir: dir})
				r.open("c_1")
				s := r.session("anna")
				a, v := r.track(s, "mic", "audio/opus"), r.track(s, "camera", mime)
				m := newSim(t)
				m.lose = func(at time.Duration, video bool) bool { return at > time.Second && m.rng.Float64() < 0.1 }
				m.add(&source{mime: "audio/opus", to: 20 * time.Second, ssrc: 1, reports: 2 * time.Second, sink: func() *Track { return a }})
				m.add(&source{mime: mime, size: "160x120", to: 20 * time.Second, ssrc: 2, reports: 500 * time.Millisecond, sink: func() *Track { return v }})
				m.play()
				r.close()
			})
			f, p := r.one(t)
			if f.Lost == 0 || len(f.Gaps) == 0 {
				t.Errorf("lost %d, gaps %v", f.Lost, f.Gaps)
			}
			for _, g := range f.Gaps {
				if g.Reason != GapLoss {
					t.Errorf("gap %+v", g)
				}
			}
			for i, at := range p.pts("opus") {
				if n := math.Round((at + 0.0065) / 0.02); math.Abs(at+0.0065-n*0.02) > 0.004 {
					t.Fatalf("audio frame %d at %v is off the grid", i, at)
				}
			}
			t.Logf("lost %d, dropped %d, %d gaps", f.Lost, f.Dropped, len(f.Gaps))
		})
	}
}

// TestLateTrack: the camera is turned on after the file has begun.
func TestLateTrack(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.open("c_1")
		s := r.session("anna")
		a := r.track(s, "mic", "audio/opus")
		var v *Track
		m := newSim(t)
		m.at(9*time.Second, func(time.Time) { v = r.track(s, "camera", "video/VP8") })
		m.add(&source{mime: "audio/opus", to: 20 * time.Second, ssrc: 1, reports: 2 * time.Second, sink: func() *Track { return a }})
		m.add(&source{mime: "video/VP8", size: "160x120", from: 10 * time.Second, to: 20 * time.Second, ssrc: 2, reports: 500 * time.Millisecond, lag: 100 * time.Millisecond, sink: func() *Track { return v }})
		m.play()
		r.close()
	})
	_, p := r.one(t)
	at := p.pts("vp8")
	if len(p.pts("opus")) != 1000 || len(at) != 10*fps || math.Abs(at[0]-10) > 0.005 {
		t.Errorf("%d audio and %d video frames, video from %v", len(p.pts("opus")), len(at), at[0])
	}
}
