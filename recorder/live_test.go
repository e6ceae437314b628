package recorder

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// TestLive plays the files of a call while it runs: each state of them is a whole file, up to the last second, and stays what it was.
func TestLive(t *testing.T) {
	left := t.TempDir()
	type state struct {
		Live
		path string
	}
	var states []state
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.open("c_1")
		m := newSim(t)
		stop := r.talk(m, "anna", 0, 12*time.Second, "video/VP8")
		r.talk(m, "bert", 3*time.Second, 12*time.Second, "video/H264")
		read := func(l Live) []byte {
			f, err := r.rec.OpenLive("c_1", l.Name, l.Upto)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			b, err := io.ReadAll(f)
			if err != nil {
				t.Error(err)
			}
			return b
		}
		for _, at := range []time.Duration{6 * time.Second, 8 * time.Second, 11 * time.Second} {
			m.at(at, func(time.Time) {
				synctest.Wait()
				files := r.rec.Live("c_1")
				if len(files) != 2 {
					t.Errorf("after %v: %d files", at, len(files))
				}
				for _, l := range files {
					if behind := at.Milliseconds() - l.Offset - l.Duration; behind > 1000 {
						t.Errorf("after %v: %s is %d ms behind", at, l.Name, behind)
					}
					s := state{l, filepath.Join(left, at.String()+l.Name)}
					if err := os.WriteFile(s.path, read(l), 0o600); err != nil {
						t.Error(err)
					}
					states = append(states, s)
				}
				for _, s := range states { // also those of before
					if b, err := os.ReadFile(s.path); err != nil || string(b) != string(read(s.Live)) {
						t.Errorf("%s up to %s is something else later: %v", s.Name, s.Upto, err)
					}
				}
			})
		}
		m.at(12*time.Second, func(time.Time) { stop() })
		m.play()
		for _, upto := range []string{"", "1.2.3", "9999999999.1.1", "x", "-1.-1.-1"} {
			if _, err := r.rec.OpenLive("c_1", "bert-1.mkv", upto); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("up to %q: %v", upto, err)
			}
		}
		r.close()
		if _, err := r.rec.OpenLive("c_1", states[0].Name, states[0].Upto); !errors.Is(err, fs.ErrNotExist) || len(r.rec.Live("c_1")) != 0 {
			t.Errorf("after the call: %v", err)
		}
	})
	for _, s := range states {
		p := judge(t, s.path)
		if len(p.Streams) != 2 || near(int64(p.Format.Duration*1000), s.Duration, 10) || len(cueTimes(t, s.path)) == 0 {
			t.Errorf("%s up to %s: %d streams, %.3f s of %d ms", s.Name, s.Upto, len(p.Streams), p.Format.Duration, s.Duration)
		}
	}
}
