package recorder

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"showroom/recorder/webm"
	"showroom/store/object"
)

var errBroken = errors.New("broken on purpose")

// brokenFile fails for good from its nth call on.
type brokenFile struct {
	webm.File
	calls, from int
}

func (f *brokenFile) broken() bool { f.calls++; return f.from > 0 && f.calls >= f.from }

func (f *brokenFile) WriteAt(b []byte, off int64) (int, error) {
	if f.broken() {
		return 0, errBroken
	}
	return f.File.WriteAt(b, off)
}

func (f *brokenFile) Sync() error {
	if f.broken() {
		return errBroken
	}
	return f.File.Sync()
}

// TestBrokenWriter fails from every possible call on. The session ends with a
// reason, what could be kept is valid, nothing hangs and another participant's
// file is whole.
func TestBrokenWriter(t *testing.T) {
	for from := 2; from < 24; from += 5 {
		var r *rig
		bubble(t, func(t *testing.T, dir string) {
			r = newRig(t, Config{Dir: dir})
			var n atomic.Int32
			r.rec.wrap = func(f webm.File) webm.File {
				if n.Add(1) == 1 {
					return &brokenFile{File: f, from: from}
				}
				return f
			}
			r.open("c_1")
			m := newSim(t)
			r.talk(m, "anna", 0, 14*time.Second, "video/VP8")
			r.talk(m, "bert", time.Second, 8*time.Second, "video/VP8")
			m.play()
			r.close()
		})
		if len(r.failed) != 1 || !errors.Is(r.failed[0], errBroken) {
			t.Fatalf("from call %d: failed with %v", from, r.failed)
		}
		for _, f := range r.finished { // bert's, and what anna's disk took again two seconds later
			judge(t, r.path(f))
			if f.Participant == "bert" && near(f.Duration, 7000, 60) || f.Participant == "anna" && (f.Name != "anna-2.webm" || f.Offset < 2000) {
				t.Errorf("from call %d: finished %+v", from, f)
			}
		}
		if len(r.finished) != 2 {
			t.Fatalf("from call %d: finished %v", from, r.finished)
		}
		// A disk that refuses everything can't even take the final head; what
		// is there is then for Repair.
		rec, err := New(Config{Dir: r.dir, Log: r.rec.cfg.Log})
		if err != nil {
			t.Fatal(err)
		}
		kept := r.kept
		if kept[0].Size == 0 {
			kept = nil
			if err := rec.Repair(t.Context(), func(_ string, f File, lost error) {
				if lost == nil {
					kept = append(kept, f)
				}
			}); err != nil {
				t.Errorf("from call %d: repair: %v", from, err)
			}
		}
		for _, f := range kept {
			judge(t, r.path(f))
		}
		if from > 12 && len(kept) != 1 {
			t.Errorf("from call %d: kept %v", from, kept)
		}
		if err := rec.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// panicFile stands for a bug: its fifth write panics, and what follows as well.
type panicFile struct {
	webm.File
	n int
}

func (f *panicFile) WriteAt(b []byte, off int64) (int, error) {
	if f.n++; f.n > 4 {
		panic("on purpose")
	}
	return f.File.WriteAt(b, off)
}

// TestPanic ends the one recording and is repaired like a crash.
func TestPanic(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.rec.wrap = func(f webm.File) webm.File { return &panicFile{File: f} }
		r.open("c_1")
		m := newSim(t)
		r.talk(m, "anna", 0, 8*time.Second, "video/VP8")
		m.play()
		r.close()
	})
	if len(r.failed) != 1 || len(r.finished) != 0 {
		t.Fatalf("failed %v, finished %v", r.failed, r.finished)
	}
	rec, err := New(Config{Dir: r.dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close(t.Context())
	if err := rec.Repair(t.Context(), func(_ string, f File, lost error) {
		if lost != nil || f.Duration < 900 {
			t.Errorf("repaired %+v: %v", f, lost)
		}
		judge(t, r.path(f))
	}); err != nil {
		t.Error(err)
	}
}

// TestStalledWriter: the disk stands still for five seconds. Writing to the
// track never waits; what does not fit is a gap.
func TestStalledWriter(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir, QueuePackets: 100})
		r.rec.wrap = func(f webm.File) webm.File { return &slowFile{File: f, at: time.Now().Add(4 * time.Second)} }
		r.open("c_1")
		s := r.session("anna")
		a, v := r.track(s, "mic", "audio/opus"), r.track(s, "camera", "video/VP8")
		m := newSim(t)
		m.add(&source{mime: "audio/opus", to: 20 * time.Second, ssrc: 1, reports: 2 * time.Second, sink: func() *Track { return a }})
		m.add(&source{mime: "video/VP8", size: "160x120", to: 20 * time.Second, ssrc: 2, reports: 500 * time.Millisecond, sink: func() *Track { return v }})
		m.play()
		if late := time.Since(m.start); late > 20*time.Second+50*time.Millisecond {
			t.Errorf("writing was held up: %v", late)
		}
		r.close()
	})
	f, _ := r.one(t)
	overflow := 0
	for _, g := range f.Gaps {
		if g.Reason == GapOverflow {
			overflow++
		}
	}
	if overflow != 2 || f.Dropped == 0 || f.Lost != 0 || near(f.Duration, 20000, 60) {
		t.Errorf("gaps %v, dropped %d, lost %d, lasts %d ms", f.Gaps, f.Dropped, f.Lost, f.Duration)
	}
}

// slowFile stands still once for five seconds.
type slowFile struct {
	webm.File
	at   time.Time
	done bool
}

func (f *slowFile) Sync() error {
	if !f.done && time.Now().After(f.at) {
		f.done = true
		time.Sleep(5 * time.Second)
	}
	return f.File.Sync()
}

// TestKilled copies the spool in mid-call, as a killed process leaves it, and
// repairs the copy.
func TestKilled(t *testing.T) {
	left := t.TempDir()
	bubble(t, func(t *testing.T, dir string) {
		r := newRig(t, Config{Dir: dir})
		r.open("c_1")
		m := newSim(t)
		r.talk(m, "anna", 0, 12*time.Second, "video/VP8")
		r.talk(m, "bert", 0, 12*time.Second, "video/H264")
		m.at(9500*time.Millisecond, func(time.Time) {
			if err := os.CopyFS(left, os.DirFS(dir)); err != nil {
				t.Error(err)
			}
		})
		m.play()
		r.close()
	})
	if err := os.WriteFile(filepath.Join(left, "c_1", "carl-1.webm.part"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		rec, err := New(Config{Dir: left, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		var found []File
		if err := rec.Repair(t.Context(), func(id string, f File, lost error) {
			if lost != nil || id != "c_1" {
				t.Errorf("%s: %v: %v", id, f.Name, lost)
			}
			found = append(found, f)
		}); err != nil {
			t.Fatal(err)
		}
		if round == 1 {
			if len(found) != 0 {
				t.Errorf("repaired again: %v", found)
			}
		} else if len(found) != 2 {
			t.Fatalf("repaired %v", found)
		}
		m, err := rec.Manifest("c_1")
		if err != nil || len(m.Files) != 2 {
			t.Fatalf("manifest %v, %v", m, err)
		}
		for _, f := range m.Files {
			path := filepath.Join(left, "c_1", f.Name)
			p := judge(t, path)
			if p.Format.Duration < 8 || !f.Repaired || len(p.Streams) != 2 || len(cueTimes(t, path)) < 4 {
				t.Errorf("%s: %v s, %d streams, repaired %v", f.Name, p.Format.Duration, len(p.Streams), f.Repaired)
			}
			if sum, size := sumFile(t, path); sum != f.SHA256 || size != f.Size {
				t.Errorf("%s: checksum", f.Name)
			}
		}
		if names, err := os.ReadDir(filepath.Join(left, "c_1")); err != nil || len(names) != 3 {
			t.Errorf("left: %v, %v", names, err)
		}
		if err := rec.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// liar is a store that says it has stored something else.
type liar struct{ object.Store }

func (l liar) Open(ctx context.Context, key string) (object.Reader, error) {
	rd, err := l.Store.Open(ctx, key)
	return liarReader{rd}, err
}

type liarReader struct{ object.Reader }

func (l liarReader) Info() object.Info {
	info := l.Reader.Info()
	info.Size--
	return info
}

func quietly(int64) {}

func TestUpload(t *testing.T) {
	var r *rig
	bubble(t, func(t *testing.T, dir string) {
		r = newRig(t, Config{Dir: dir})
		r.open("c_1")
		m := newSim(t)
		r.talk(m, "anna", 0, 2*time.Second, "video/VP8")
		m.play()
		r.close()
	})
	rec, err := New(Config{Dir: r.dir, Log: r.rec.cfg.Log})
	if err != nil {
		t.Fatal(err)
	}
	defer rec.Close(t.Context())
	f := r.finished[0]
	ctx := t.Context()
	store, err := object.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if err := rec.Upload(canceled, "c_1", f, store, quietly); err == nil {
		t.Error("upload went through a canceled context")
	}
	wrong := f
	wrong.SHA256 = "00" + f.SHA256[2:]
	if err := rec.Upload(ctx, "c_1", wrong, store, quietly); err == nil {
		t.Error("a file was stored under another's checksum")
	}
	if _, err := os.Stat(r.path(f)); err != nil {
		t.Fatalf("local file after failed uploads: %v", err)
	}
	if err := rec.Upload(ctx, "c_1", f, store, quietly); err != nil {
		t.Fatal(err)
	}
	if err := rec.Release(ctx, "c_1", f, liar{store}); !errors.Is(err, object.ErrChecksum) {
		t.Errorf("release at a liar's word: %v", err)
	}
	if _, err := os.Stat(r.path(f)); err != nil {
		t.Fatalf("local file after failed uploads: %v", err)
	}
	for range 2 { // repeatable
		if err := rec.Upload(ctx, "c_1", f, store, quietly); err != nil {
			t.Fatal(err)
		}
		if err := rec.Release(ctx, "c_1", f, store); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(r.path(f)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("local file after it was released: %v", err)
		}
	}
	if err := rec.Upload(ctx, "c_1", f, liar{store}, quietly); !errors.Is(err, ErrLost) {
		t.Errorf("a file that is nowhere as it was: %v", err)
	}
	rd, err := store.Open(ctx, "recordings/c_1/anna-1.webm")
	if err != nil {
		t.Fatal(err)
	}
	if sum, size, err := checksum(rd); err != nil || sum != f.SHA256 || size != f.Size || rd.Info().ContentType != "video/webm" {
		t.Errorf("stored: %v, %v", rd.Info(), err)
	}
	rd.Close()
	for _, name := range []string{"", "../x", "anna-1.webm.part", "manifest.json", "anna-1.json", "anna-01.webm", "a/b-1.webm"} {
		if err := rec.Upload(ctx, "c_1", File{Name: name}, store, quietly); !errors.Is(err, ErrName) {
			t.Errorf("upload of %q: %v", name, err)
		}
	}
	// The number of a file that is gone from the spool is not given again.
	c, err := rec.Conference("c_1", Events{})
	if err != nil {
		t.Fatal(err)
	}
	if n := c.nextNumber("anna"); n != 2 {
		t.Errorf("next number %d", n)
	}
	if _, err := c.Close(ctx); err != nil {
		t.Error(err)
	}
}
