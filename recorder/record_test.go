package recorder

import (
	"math"
	"strings"
	"testing"
	"time"
)

// TestCodecs records each video codec with Opus for ten seconds, over jitter
// and late video, and has the files judged.
func TestCodecs(t *testing.T) {
	for _, mime := range []string{"video/VP8", "video/VP9", "video/AV1", "video/H264"} {
		name := strings.ToLower(strings.TrimPrefix(mime, "video/"))
		t.Run(name, func(t *testing.T) {
			var r *rig
			bubble(t, func(t *testing.T, dir string) {
				r = newRig(t, Config{Dir: dir})
				r.open("c_1")
				s := r.session("anna")
				mic, cam := r.track(s, "mic", "audio/opus"), r.track(s, "camera", mime)
				m := newSim(t)
				m.delay = func(time.Duration, bool) time.Duration {
					return 20*time.Millisecond + time.Duration(m.rng.Int64N(int64(30*time.Millisecond)))
				}
				m.add(&source{mime: "audio/opus", to: 10 * time.Second, ssrc: 1, ts0: math.MaxUint32 - 48000, seq0: 65500, reports: 2300 * time.Millisecond, sink: func() *Track { return mic }})
				m.add(&source{mime: mime, size: "160x120", to: 10 * time.Second, ssrc: 2, ts0: 77, seq0: 65530, reports: 500 * time.Millisecond, lag: 80 * time.Millisecond, sink: func() *Track { return cam }})
				m.play()
				r.close()
			})
			if len(r.finished) != 1 || len(r.failed) != 0 {
				t.Fatalf("finished %v, failed %v", r.finished, r.failed)
			}
			f := r.finished[0]
			p := judge(t, r.path(f))
			wantName, wantType := "anna-1.webm", "video/webm"
			if name == "h264" {
				wantName, wantType = "anna-1.mkv", "video/x-matroska"
			}
			if (f.Note != "") != (name == "h264") {
				t.Errorf("note %q", f.Note)
			}
			if f.Name != wantName || f.MediaType != wantType || f.Width != 160 || f.Height != 120 || f.Source != "camera+mic" {
				t.Errorf("file %+v", f)
			}
			if len(p.Streams) != 2 || f.Lost != 0 || f.Dropped != 0 || len(f.Gaps) != 0 {
				t.Errorf("%d streams, lost %d, dropped %d, gaps %v", len(p.Streams), f.Lost, f.Dropped, f.Gaps)
			}
			if d := p.Format.Duration; math.Abs(d-10) > 0.03 || math.Abs(float64(f.Duration)/1000-d) > 0.002 {
				t.Errorf("duration %v, manifest %v", d, f.Duration)
			}
			// Frame n of either track was captured at n times its step: both
			// must lie on one straight line, the codec delay of Opus apart.
			worst := offsets(t, p.pts("opus"), opusStep.Seconds(), 0.0065)
			if v := offsets(t, p.pts(name), 1.0/fps, 0); v > worst {
				worst = v
			}
			t.Logf("worst offset from capture time %.1f ms", worst*1000)
			if worst > 0.004 {
				t.Errorf("worst offset %.1f ms", worst*1000)
			}
			if cues := cueTimes(t, r.path(f)); len(cues) != 5 {
				t.Errorf("cues %v", cues)
			}
		})
	}
}

// offsets holds a complete track against its capture times and returns the worst difference.
func offsets(t *testing.T, pts []float64, step, delay float64) float64 {
	t.Helper()
	if want := int(math.Round(10 / step)); len(pts) != want {
		t.Errorf("%d frames, want %d", len(pts), want)
	}
	worst := 0.0
	for i, at := range pts {
		worst = max(worst, math.Abs(at+delay-float64(i)*step))
	}
	return worst
}
