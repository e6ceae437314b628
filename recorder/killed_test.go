package recorder

import (
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// TestKilledAtAnyMoment copies the spool again and again in a call, as a killed process leaves it, and repairs each copy: at most the last
// second of each track is missing. The call has all that makes frames wait in memory: first reports that come late, packets that are sent again,
// a camera that comes on and goes off, and a microphone that stops.
func TestKilledAtAnyMoment(t *testing.T) {
	type kill struct {
		at  time.Duration
		dir string
	}
	type stretch struct{ from, to time.Duration }
	mic, cam, screen := stretch{0, 7 * time.Second}, stretch{3300 * time.Millisecond, 9 * time.Second}, stretch{5 * time.Second, 9 * time.Second}
	const until = 10 * time.Second
	var kills []kill
	left := t.TempDir()
	bubble(t, func(t *testing.T, dir string) {
		r := newRig(t, Config{Dir: dir})
		r.open("c_1")
		s := r.session("anna")
		a, v := r.track(s, "mic", "audio/opus"), r.track(s, "camera", "video/VP8")
		sv := r.track(r.session("anna"), "screen", "video/VP9")
		m := newSim(t)
		m.delay = func(time.Duration, bool) time.Duration {
			if m.rng.Float64() < 0.02 {
				return 320 * time.Millisecond // sent again
			}
			return 20 * time.Millisecond
		}
		m.add(&source{mime: "audio/opus", from: mic.from, to: mic.to, ssrc: 1, reports: 2300 * time.Millisecond, sink: func() *Track { return a }})
		m.add(&source{mime: "video/VP8", size: "160x120", from: cam.from, to: cam.to, ssrc: 2, reports: 2 * time.Second, sink: func() *Track { return v }})
		m.add(&source{mime: "video/VP9", size: "160x120", from: screen.from, to: screen.to, ssrc: 3, sink: func() *Track { return sv }})
		for at := 70 * time.Millisecond; at < until; at += 390 * time.Millisecond {
			k := kill{at, filepath.Join(left, strconv.Itoa(len(kills)))}
			kills = append(kills, k)
			m.at(at, func(time.Time) {
				synctest.Wait()
				if err := os.CopyFS(k.dir, os.DirFS(dir)); err != nil {
					t.Error(err)
				}
			})
		}
		m.play()
		r.close()
	})
	worst := map[string]time.Duration{}
	for i, k := range kills {
		rec, err := New(Config{Dir: k.dir, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		ends := map[string]time.Duration{}
		if err := rec.Repair(t.Context(), func(_ string, f File, lost error) {
			if lost != nil {
				return // nothing had reached it
			}
			path := filepath.Join(k.dir, "c_1", f.Name)
			p := quickly(t, path)
			if i%4 == 0 {
				p = judge(t, path)
			}
			for _, codec := range f.Codecs {
				if at := p.pts(codec); len(at) > 0 {
					ends[codec] = time.Duration(f.Offset)*time.Millisecond + time.Duration(at[len(at)-1]*1e9)
				}
			}
			if sum, size := sumFile(t, path); sum != f.SHA256 || size != f.Size || !f.Repaired {
				t.Errorf("killed at %v: %s is not as it is told", k.at, f.Name)
			}
		}); err != nil {
			t.Errorf("killed at %v: %v", k.at, err)
		}
		for codec, s := range map[string]stretch{"opus": mic, "vp8": cam, "vp9": screen} {
			sent := min(k.at-20*time.Millisecond, s.to) // what had arrived
			if missing := sent - max(ends[codec], s.from); sent > s.from && missing > worst[codec] {
				worst[codec] = missing
				if missing > time.Second {
					t.Errorf("killed at %v: the last %v of %s are missing", k.at, missing, codec)
				}
			}
		}
		if err := rec.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d kills, at most missing: %v", len(kills), worst)
}
