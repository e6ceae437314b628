package recorder

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"showroom/recorder/webm"
)

// cam and mic of a participant for a while, on their own sender clock.
func (r *rig) talk(m *sim, id string, from, to time.Duration, mime string) (done func()) {
	s := r.session(id)
	a := r.track(s, "mic", "audio/opus")
	v := r.track(s, "camera", mime)
	m.add(&source{mime: "audio/opus", from: from, to: to, ssrc: 1, reports: 2 * time.Second, sink: func() *Track { return a }})
	m.add(&source{mime: mime, size: "160x120", from: from, to: to, ssrc: 2, reports: 500 * time.Millisecond, sink: func() *Track { return v }})
	return s.Close
}

// TestSegments: two people, one of whom comes again; a screen share; and after
// all is closed, the conference goes on.
func TestSegments(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.open("c_1")
		m := newSim(t)
		closeAnna := r.talk(m, "anna", 0, 4*time.Second, "video/VP8")
		m.at(4100*time.Millisecond, func(time.Time) { closeAnna() })
		m.play()
		m = newSim(t)
		r.talk(m, "anna", 2*time.Second, 5*time.Second, "video/VP8")
		screen := r.session("anna")
		sv := r.track(screen, "screen", "video/VP9")
		m.add(&source{mime: "video/VP9", size: "160x120", from: 3 * time.Second, to: 5 * time.Second, ssrc: 9, reports: 500 * time.Millisecond, sink: func() *Track { return sv }})
		m.play()
		if _, err := r.conf.Close(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(10 * time.Second)
		r.open("c_1")
		m = newSim(t)
		r.talk(m, "anna", 0, 2*time.Second, "video/H264")
		m.play()
		r.close()
		if _, err := r.conf.Session(Participant{ID: "anna"}); !errors.Is(err, ErrClosed) {
			t.Errorf("session after close: %v", err)
		}
	})
	type file struct {
		offset, duration int64
		typ, source      string
	}
	// The second and third file are numbered in the order their clocks were known in.
	second, third := file{6120, 3000, webm.TypeWebM, "camera+mic"}, file{7120, 2000, webm.TypeWebM, "screen"}
	want := map[string]file{
		"anna-1.webm":        {20, 4000, webm.TypeWebM, "camera+mic"},
		"anna-2.webm":        second,
		"anna-3.webm":        second,
		"anna-2-screen.webm": third,
		"anna-3-screen.webm": third,
		"anna-4.mkv":         {19120, 2000, webm.TypeMatroska, "camera+mic"},
	}
	if len(r.manifest.Files) != 4 || r.manifest.Conference != "c_1" || r.manifest.Origin.IsZero() {
		t.Fatalf("manifest %+v", r.manifest)
	}
	for _, f := range r.manifest.Files {
		w, ok := want[f.Name]
		if !ok || near(f.Offset, w.offset, 25) || near(f.Duration, w.duration, 25) || f.MediaType != w.typ || f.Source != w.source {
			t.Errorf("file %+v, want %+v", f, w)
		}
		judge(t, r.path(f))
		sum, size := sumFile(t, r.path(f))
		if sum != f.SHA256 || size != f.Size {
			t.Errorf("%s: checksum or size is not the file's", f.Name)
		}
	}
	names, err := os.ReadDir(r.dir + "/c_1")
	if err != nil || len(names) != 5 {
		t.Errorf("left in the spool: %v, %v", names, err)
	}
}

func near(a, b, by int64) bool { return max(a-b, b-a) > by }

func sumFile(t *testing.T, path string) (string, int64) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum, size, err := checksum(f)
	if err != nil {
		t.Fatal(err)
	}
	return sum, size
}

// TestStreamChanges: within one session the publisher gets another SSRC, its
// sequence begins anew, its RTP clock jumps, and the track is published again.
func TestStreamChanges(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.open("c_1")
		s := r.session("anna")
		a, v := r.track(s, "mic", "audio/opus"), r.track(s, "camera", "video/VP8")
		m := newSim(t)
		sec := func(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }
		m.add(&source{mime: "audio/opus", to: sec(25), ssrc: 1, reports: sec(2), sink: func() *Track { return a }})
		for _, c := range []source{
			{to: sec(5), ssrc: 2, ts0: 1000, seq0: 10},
			{from: sec(5), to: sec(10), ssrc: 3, ts0: 900_000_000, seq0: 40000},
			{from: sec(10), to: sec(15), ssrc: 3, ts0: 5, seq0: 40000},    // jump back of everything
			{from: sec(17), to: sec(20), ssrc: 3, ts0: 1 << 31, seq0: 17}, // after a pause
		} {
			c.mime, c.size, c.reports, c.sink = "video/VP8", "160x120", sec(0.5), func() *Track { return v }
			m.add(&c)
		}
		var again *Track
		m.at(sec(20.5), func(time.Time) { again = r.track(s, "camera", "video/VP8") })
		m.add(&source{mime: "video/VP8", size: "160x120", from: sec(21), to: sec(25), ssrc: 4, reports: sec(0.5), sink: func() *Track { return again }})
		m.play()
		r.close()
	})
	f, p := r.one(t)
	at := p.pts("vp8")
	// The sequence that began anew without another SSRC is noticed after 64
	// packets, and then waits for a keyframe: two seconds.
	if len(at) < 18*fps || len(p.pts("opus")) != 1250 {
		t.Errorf("%d video and %d audio frames", len(at), len(p.pts("opus")))
	}
	if math.Abs(p.Format.Duration-25) > 0.05 {
		t.Errorf("file lasts %v", p.Format.Duration)
	}
	i, _ := slices.BinarySearch(at, 16.5)
	if math.Abs(at[i]-17) > 0.03 {
		t.Errorf("after the pause video goes on at %v", at[i])
	}
	i, _ = slices.BinarySearch(at, 20.5)
	if math.Abs(at[i]-21) > 0.03 {
		t.Errorf("published again, video goes on at %v", at[i])
	}
	t.Logf("%d video frames of %d, gaps %v", len(at), 22*fps, f.Gaps)
}

// TestRepublished: the microphone is unpublished and published again under its
// SSRC. Its clock is still known, though no report comes for long.
func TestRepublished(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.open("c_1")
		s := r.session("anna")
		a, v := r.track(s, "mic", "audio/opus"), r.track(s, "camera", "video/VP8")
		m := newSim(t)
		quiet := func(at time.Duration) bool { return at >= 5*time.Second && at < 10*time.Second }
		m.at(6*time.Second, func(time.Time) { a.Close() })
		m.at(9*time.Second, func(time.Time) { a = r.track(s, "mic", "audio/opus") })
		m.add(&source{mime: "audio/opus", to: 14 * time.Second, ssrc: 1, reports: 2300 * time.Millisecond, mute: quiet, wrong: func(n int) time.Duration {
			if n > 2 {
				return time.Duration(n) * time.Minute // of no use
			}
			return 0
		}, sink: func() *Track { return a }})
		m.add(&source{mime: "video/VP8", size: "160x120", to: 14 * time.Second, ssrc: 2, reports: 500 * time.Millisecond, lag: 200 * time.Millisecond, sink: func() *Track { return v }})
		m.play()
		r.close()
	})
	f, p := r.one(t)
	at := p.pts("opus")
	if len(at) != 450 || math.Abs(at[250]+0.0065-10) > 0.003 {
		t.Fatalf("%d audio frames, again from %v", len(at), at[250])
	}
	if len(f.Gaps) != 1 || f.Gaps[0].Reason != GapSilent {
		t.Errorf("gaps %v", f.Gaps)
	}
}

// TestCodecChange begins another file, and H.264 one that is Matroska.
func TestCodecChange(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.open("c_1")
		s := r.session("anna")
		a, v := r.track(s, "mic", "audio/opus"), r.track(s, "camera", "video/VP8")
		m := newSim(t)
		m.add(&source{mime: "audio/opus", to: 8 * time.Second, ssrc: 1, reports: 2 * time.Second, sink: func() *Track { return a }})
		m.add(&source{mime: "video/VP8", size: "160x120", to: 4 * time.Second, ssrc: 2, reports: 500 * time.Millisecond, sink: func() *Track { return v }})
		var h *Track
		m.at(4*time.Second, func(time.Time) { h = r.track(s, "camera", "video/h264") })
		m.add(&source{mime: "video/H264", size: "160x120", from: 4 * time.Second, to: 8 * time.Second, ssrc: 3, reports: 500 * time.Millisecond, sink: func() *Track { return h }})
		m.play()
		r.close()
	})
	if len(r.finished) != 2 || r.finished[0].Name != "anna-1.webm" || r.finished[1].Name != "anna-2.mkv" {
		t.Fatalf("files %+v", r.finished)
	}
	audio := 0
	for _, f := range r.finished {
		p := judge(t, r.path(f))
		audio += len(p.pts("opus"))
		if len(p.Streams) != 2 || near(f.Duration, 4000, 60) {
			t.Errorf("%s: %d streams, %d ms", f.Name, len(p.Streams), f.Duration)
		}
	}
	if audio != 400 {
		t.Errorf("%d audio frames in both", audio)
	}
}

// TestAudioOnly has cues each five seconds and says so in its type.
func TestAudioOnly(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.open("c_1")
		a := r.track(r.session("anna"), "mic", "audio/OPUS")
		m := newSim(t)
		// No sender report ever comes.
		m.add(&source{mime: "audio/opus", to: 21 * time.Second, ssrc: 1, sink: func() *Track { return a }})
		m.play()
		r.close()
	})
	f, p := r.one(t)
	if f.MediaType != webm.TypeAudio || len(p.pts("opus")) != 1050 {
		t.Errorf("%s, %d frames", f.MediaType, len(p.pts("opus")))
	}
	if cues := cueTimes(t, r.path(f)); len(cues) != 5 || cues[1] != 5000 {
		t.Errorf("cues %v", cues)
	}
}

// TestKeyframeRequests: at the start at once, then twice a second while one is
// missing, never when it is there.
func TestKeyframeRequests(t *testing.T) {
	bubble(t, func(t *testing.T, dir string) {
		r := newRig(t, Config{Dir: dir})
		r.open("c_1")
		s := r.session("anna")
		var asked []time.Duration
		start := time.Now()
		v, err := s.Track(TrackInfo{Source: "camera", MimeType: "video/VP8", ClockRate: 90000, Keyframe: func() {
			asked = append(asked, time.Since(start))
		}})
		if err != nil {
			t.Fatal(err)
		}
		m := newSim(t)
		frames := 0
		m.lose = func(at time.Duration, _ bool) bool {
			frames++
			return at < 100*time.Millisecond // the first keyframe
		}
		m.add(&source{mime: "video/VP8", size: "160x120", to: 8 * time.Second, ssrc: 2, reports: 500 * time.Millisecond, sink: func() *Track { return v }})
		m.play()
		r.close()
		if len(asked) < 4 || len(asked) > 6 || asked[0] > 100*time.Millisecond || asked[len(asked)-1] > 2500*time.Millisecond {
			t.Errorf("asked at %v", asked)
		}
		for i := 1; i < len(asked); i++ {
			if asked[i]-asked[i-1] < keyframeEvery {
				t.Errorf("asked at %v", asked)
			}
		}
	})
}

func TestLimitsAndNames(t *testing.T) {
	bubble(t, func(t *testing.T, dir string) {
		r := newRig(t, Config{Dir: dir, MaxSessions: 2, MaxTracks: 1})
		for _, id := range []string{"", "..", "a/b", "A", "a-b", "ä", "a.webm", strings.Repeat("a", 65)} {
			if _, err := r.rec.Conference(id, Events{}); !errors.Is(err, ErrName) {
				t.Errorf("conference %q: %v", id, err)
			}
		}
		c := r.open("c_1")
		if _, err := r.rec.Conference("c_1", Events{}); !errors.Is(err, ErrOpen) {
			t.Errorf("opened twice: %v", err)
		}
		for _, p := range []Participant{{ID: "../x"}, {ID: "a", Role: "b/c"}, {}} {
			if _, err := c.Session(p); !errors.Is(err, ErrName) {
				t.Errorf("session %v: %v", p, err)
			}
		}
		s := r.session("anna")
		r.session("bert")
		if _, err := c.Session(Participant{ID: "carl"}); !errors.Is(err, ErrTooMany) {
			t.Errorf("third session: %v", err)
		}
		for _, info := range []TrackInfo{
			{Source: "mic", MimeType: "audio/red", ClockRate: 48000},
			{Source: "mic", MimeType: "audio/opus", ClockRate: 8000},
			{Source: "camera", MimeType: "video/VP8"},
			{Source: "camera", MimeType: "video/H265", ClockRate: 90000},
		} {
			if _, err := s.Track(info); !errors.Is(err, ErrCodec) {
				t.Errorf("track %v: %v", info, err)
			}
		}
		r.track(s, "mic", "audio/opus")
		if _, err := s.Track(TrackInfo{Source: "camera", MimeType: "video/VP8", ClockRate: 90000}); !errors.Is(err, ErrTooMany) {
			t.Errorf("second track: %v", err)
		}
		r.close()
		if len(r.manifest.Files) != 0 {
			t.Errorf("files of nothing: %v", r.manifest.Files)
		}
		if _, err := r.rec.Conference("c_2", Events{}); !errors.Is(err, ErrClosed) {
			t.Errorf("conference after close: %v", err)
		}
	})
}

// TestCloseWaitsNoLongerThanTold: a stuck disk does not keep Close for ever.
func TestCloseWaitsNoLongerThanTold(t *testing.T) {
	bubble(t, func(t *testing.T, dir string) {
		r := newRig(t, Config{Dir: dir})
		stuck := make(chan struct{})
		r.rec.wrap = func(f webm.File) webm.File { return &stuckFile{File: f, until: stuck} }
		r.open("c_1")
		m := newSim(t)
		r.talk(m, "anna", 0, 2*time.Second, "video/VP8")
		m.play()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := r.conf.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		close(stuck)
		r.close()
		if len(r.finished) != 1 {
			t.Errorf("finished %v", r.finished)
		}
	})
}

// stuckFile syncs only once it is let go.
type stuckFile struct {
	webm.File
	until chan struct{}
}

func (f *stuckFile) Sync() error {
	<-f.until
	return f.File.Sync()
}
