package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"showroom/call"
	"showroom/recorder"
	"showroom/store/object"
)

// script is an ffmpeg that does something else first.
func script(t *testing.T, first string) string {
	t.Helper()
	real, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+first+"\nexec "+real+" \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

func short(t *testing.T) (dir string, rec Recording) {
	m := medium(t)
	const s = time.Second
	dir, manifest := record(t,
		person{id: "seller", role: "seller", from: 0, to: 3 * s, mime: "video/VP8", opus: m.opus, beeps: []time.Duration{s}, show: always(m.red)},
		person{id: "seller", role: "seller", screen: true, from: s, to: 2 * s, mime: "video/VP8", show: always(m.white)},
	)
	return dir, Recording{Conference: "conf_1", Files: manifest.Files}
}

// TestResume interrupts a composition before each of its steps in turn: the next one does only what is missing.
func TestResume(t *testing.T) {
	files, rec := short(t)
	log := filepath.Join(t.TempDir(), "log")
	b := newBench(t, files, func(c *Config) { c.FFmpeg = script(t, `echo "$*" >>`+log) })
	runs := func(output string) int {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "file:new-"+output)
	}
	plan, err := b.Plan(rec)
	if err != nil {
		t.Fatal(err)
	}
	for n := range plan.steps {
		ctx, stop := context.WithCancel(context.Background())
		j := b.job(rec)
		done := 0
		deliver := j.Deliver
		j.Wanted = func(name string) bool { return b.got[name].Size == 0 }
		j.Deliver = func(ctx context.Context, d call.Derived, f io.ReadSeeker) error {
			done++
			return deliver(ctx, d, f)
		}
		j.Progress = func(float64) {
			if _, err := os.Stat(filepath.Join(b.cfg.Dir, "conf_1", plan.steps[n].outputs[0])); err == nil {
				stop() // the step is whole: as late as may be, and before the next
			}
		}
		err := b.Compose(ctx, j)
		stop()
		if n < len(plan.steps)-1 && !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted after %s: %v", plan.steps[n].name, err)
		}
	}
	b.compose(rec)
	for _, s := range plan.steps[:len(plan.steps)-1] { // the last one's result went with the scratch folder
		if n := runs(s.outputs[len(s.outputs)-1]); n < 1 || n > 2 {
			t.Errorf("%s was made %d times", s.name, n)
		}
	}
	if len(b.got) != 4 {
		t.Errorf("delivered: %v", b.got)
	}
	if got := colourAt(t, b.path("conference.webm"), 1.5, 480, 360); got != "white" {
		t.Errorf("the screen is %s", got)
	}
}

// TestKilledInTheMiddle leaves an unfinished file and a foreign folder: neither is taken for anything.
func TestKilledInTheMiddle(t *testing.T) {
	files, rec := short(t)
	b := newBench(t, files, nil)
	for _, dir := range []string{"conf_1", "conf_2"} {
		if err := os.MkdirAll(filepath.Join(b.cfg.Dir, dir), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"part-0.webm", "new-part-1.webm", "digest"} {
			if err := os.WriteFile(filepath.Join(b.cfg.Dir, dir, name), []byte("of something else"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := b.Sweep(func(conference string) bool { return conference == "conf_1" }); err != nil {
		t.Fatal(err)
	}
	b.compose(rec)
	probe(t, b.path("conference.webm"))
}

func TestFailures(t *testing.T) {
	files, rec := short(t)
	for name, tt := range map[string]struct {
		change func(*Config)
		want   error
		words  string
	}{
		"ffmpeg fails": {func(c *Config) {
			c.FFmpeg = script(t, `case "$*" in *libvpx*) echo "no luck at all" >&2; exit 9;; esac`)
		}, ErrFFmpeg, "picture, part 1 of 3: ffmpeg failed: exit status 9: no luck at all"},
		"ffmpeg writes nothing":   {func(c *Config) { c.FFmpeg = script(t, `case "$*" in *libvpx*) exit 0;; esac`) }, ErrFFmpeg, "wrote nothing"},
		"ffmpeg is killed":        {func(c *Config) { c.FFmpeg = script(t, `case "$*" in *libvpx*) kill -9 $$;; esac`) }, ErrFFmpeg, "killed"},
		"ffmpeg says very much":   {func(c *Config) { c.FFmpeg = script(t, `case "$*" in *libvpx*) seq 1 100000 >&2; exit 1;; esac`) }, ErrFFmpeg, "99999 100000"},
		"the store is away":       {func(c *Config) { c.Open = fails(object.ErrUnavailable) }, object.ErrUnavailable, "seller-"},
		"all recordings are lost": {func(c *Config) { c.Open = fails(object.ErrNotFound) }, ErrNothing, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, files, tt.change)
			err := b.Compose(context.Background(), b.job(rec))
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.words) || len(err.Error()) > 1000 {
				t.Errorf("%v; want %v with %q in it, short", err, tt.want, tt.words)
			}
			if left, _ := os.ReadDir(b.cfg.Dir); len(left) > 0 && !errors.Is(err, object.ErrUnavailable) {
				t.Errorf("left in the scratch folder: %v", left)
			}
		})
	}
	b := newBench(t, files, nil)
	for _, id := range []string{"", "../x", "a/b", "A"} {
		if err := b.Compose(context.Background(), Job{Recording: Recording{Conference: id}}); !errors.Is(err, recorder.ErrName) {
			t.Errorf("conference %q: %v", id, err)
		}
	}
}

func fails(err error) func(context.Context, string, recorder.File) (io.ReadCloser, error) {
	return func(context.Context, string, recorder.File) (io.ReadCloser, error) {
		return nil, fmt.Errorf("open: %w", err)
	}
}

// TestLeftOut composes what can be read when a file is lost, damaged, or no file at all.
func TestLeftOut(t *testing.T) {
	files, rec := short(t)
	if err := os.WriteFile(filepath.Join(files, "buyer-1.webm"), []byte("#EXTM3U\nhttp://127.0.0.1/x"), 0o600); err != nil {
		t.Fatal(err)
	}
	rec.Files = append(rec.Files,
		recorder.File{Name: "buyer-1.webm", Participant: "buyer", Role: "buyer", Source: "camera", Codecs: []string{"vp8"}, Duration: 9000, Size: 26, SHA256: "8f0d1bbe"},
		recorder.File{Name: "guest-1.webm", Participant: "guest", Role: "guest", Source: "camera", Codecs: []string{"opus"}, Duration: 9000, Size: 5, SHA256: "00"})
	b := newBench(t, files, func(c *Config) {
		open := c.Open
		c.Open = func(ctx context.Context, conference string, f recorder.File) (io.ReadCloser, error) {
			r, err := open(ctx, conference, f)
			if err != nil {
				return nil, object.ErrNotFound
			}
			return r, nil
		}
	})
	b.compose(rec)
	if got := b.got["conference.webm"]; !slices.Equal(got.LeftOut, []string{"buyer-1.webm", "guest-1.webm"}) || got.DurationMS > 3100 {
		t.Errorf("composed is %+v, want it without the two and 3 s long", got)
	}
}

// TestNoFont leaves the names out.
func TestNoFont(t *testing.T) {
	files, rec := short(t)
	old := fonts
	fonts = nil
	defer func() { fonts = old }()
	rec.Names = map[string]string{"seller": "Ana"}
	b := newBench(t, files, nil)
	b.compose(rec)
	if _, err := New(context.Background(), Config{FFmpeg: "ffmpeg", Font: "/no/such.ttf", Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a font that is not there: %v", err)
	}
}

// TestFullDisk does not begin what does not fit.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("mounting a tmpfs needs root")
	}
	files, rec := short(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	b := newBench(t, files, func(c *Config) { c.Dir = dir })
	if err := b.Compose(context.Background(), b.job(rec)); !errors.Is(err, ErrNoSpace) {
		t.Errorf("on a small disk: %v", err)
	}
}

// TestGivesWay looks at what the system thinks of a running ffmpeg.
func TestGivesWay(t *testing.T) {
	files, rec := short(t)
	said := filepath.Join(t.TempDir(), "said")
	b := newBench(t, files, func(c *Config) {
		// The shell waits a moment until it was put back.
		c.FFmpeg = script(t, `case "$*" in *libvpx*) n=0; while [ "$(nice)" != 19 ] && [ $n -lt 200 ]; do n=$((n+1)); sleep 0.05; done; echo "$(nice) $(cat /proc/$$/oom_score_adj) $(ulimit -v)" >`+said+`;; esac`)
	})
	b.compose(rec)
	text, err := os.ReadFile(said)
	if err != nil {
		t.Fatal(err)
	}
	if f := strings.Fields(string(text)); len(f) != 3 || f[0] != "19" {
		t.Errorf("nice, oom_score_adj and address space are %v, want 19 first", f)
	}
}
