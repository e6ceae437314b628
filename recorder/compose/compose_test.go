package compose

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"showroom/call"
)

// bench composes into a folder.
type bench struct {
	*Composer
	t   *testing.T
	out string
	got map[string]call.Derived
}

func newBench(t *testing.T, files string, change func(*Config)) *bench {
	t.Helper()
	cfg := Config{FFmpeg: "ffmpeg", Dir: filepath.Join(t.TempDir(), "scratch"), Options: Options{Layout: Side}, Open: opener(files), Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	c, err := New(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{Composer: c, t: t, out: t.TempDir(), got: map[string]call.Derived{}}
}

func (b *bench) job(rec Recording) Job {
	return Job{Recording: rec, Deliver: func(_ context.Context, d call.Derived, f io.ReadSeeker) error {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		text, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		if int64(len(text)) != d.Size {
			b.t.Errorf("%s is said to have %d bytes and has %d", d.Name, d.Size, len(text))
		}
		b.got[d.Name] = d
		return os.WriteFile(b.path(d.Name), text, 0o600)
	}}
}

func (b *bench) path(name string) string { return filepath.Join(b.out, name) }

func (b *bench) compose(rec Recording) {
	b.t.Helper()
	if err := b.Compose(context.Background(), b.job(rec)); err != nil {
		b.t.Fatal(err)
	}
	if left, err := os.ReadDir(b.cfg.Dir); err != nil || len(left) > 0 {
		b.t.Errorf("the scratch folder is left with %v (%v)", left, err)
	}
}

type probed struct {
	Format struct {
		Duration float64 `json:"duration,string"`
	}
	Streams []struct {
		CodecName     string `json:"codec_name"`
		Width, Height int
	}
}

func probe(t *testing.T, file string) (p probed, codecs []string) {
	t.Helper()
	b, err := exec.Command("ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", file).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", file, err)
	}
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatalf("ffprobe %s: %v: %s", file, err, b)
	}
	for _, s := range p.Streams {
		codecs = append(codecs, s.CodecName)
	}
	slices.Sort(codecs)
	return p, codecs
}

// colourAt is the main colour of a few pixels at a time: red, blue, white or dark.
func colourAt(t *testing.T, file string, at float64, x, y int) string {
	t.Helper()
	args := []string{"-v", "error"}
	if at > 0 {
		args = append(args, "-ss", fmt.Sprint(at))
	}
	b := ffmpeg(t, append(args, "-i", file, "-frames:v", "1", "-vf", fmt.Sprintf("crop=8:8:%d:%d,scale=1:1,format=rgb24", x, y), "-f", "rawvideo", "-")...)
	if len(b) < 3 {
		t.Fatalf("%s has no picture at %v s", file, at)
	}
	r, g, bl := int(b[0]), int(b[1]), int(b[2])
	switch {
	case r > 200 && g > 200 && bl > 200:
		return "white"
	case r > 150 && g < 90 && bl < 90:
		return "red"
	case bl > 150 && r < 90 && g < 90:
		return "blue"
	case r < 90 && g < 90 && bl < 90:
		return "dark"
	}
	return fmt.Sprintf("#%02x%02x%02x", r, g, bl)
}

// beepsOf are the times (s) at which the sound sets in.
func beepsOf(t *testing.T, file string) (times []float64) {
	t.Helper()
	const hz, window = 8000, 40 // 5 ms
	pcm := ffmpeg(t, "-v", "error", "-i", file, "-vn", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", fmt.Sprint(hz), "-f", "s16le", "-")
	quiet := 100
	for i := 0; i+2*window <= len(pcm); i += 2 * window {
		var sum float64
		for j := range window {
			s := float64(int16(binary.LittleEndian.Uint16(pcm[i+2*j:])))
			sum += s * s
		}
		if math.Sqrt(sum/window) < 300 {
			quiet++
			continue
		}
		if quiet > 20 {
			times = append(times, float64(i/2)/hz)
		}
		quiet = 0
	}
	return times
}

func near(got, want []float64, by float64) bool {
	return slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) <= by })
}

// meeting is a call with all that is awkward: a picture that changes its size, a camera that is off for a while, somebody who comes
// late with H.264, somebody who only speaks, and the first file beginning late on the time line.
func meeting(t *testing.T) (dir string, rec Recording) {
	m := medium(t)
	const s = time.Second
	dir, manifest := record(t,
		person{id: "seller", role: "seller", from: 2 * s, to: 14 * s, mime: "video/VP8", opus: m.opus, beeps: []time.Duration{3 * s, 11 * s}, show: func(at time.Duration) [][]byte {
			switch {
			case at < 6*s:
				return m.red
			case at < 9*s:
				return m.portrait
			case at < 12*s:
				return nil
			}
			return m.red
		}},
		person{id: "buyer", role: "buyer", from: 5 * s, to: 10 * s, mime: "video/H264", opus: m.opus, beeps: []time.Duration{6 * s}, show: always(m.blue)},
		person{id: "guest_1", role: "guest", from: 4 * s, to: 13 * s, opus: m.opus, beeps: []time.Duration{8 * s}},
	)
	if len(manifest.Files) != 3 {
		t.Fatalf("the recorder made %+v", manifest.Files)
	}
	return dir, Recording{Conference: "conf_1", Files: manifest.Files, Names: map[string]string{
		"seller": "Ana Souza", "buyer": `%{pts} 'Bruno'\: [v]; ../../etc`, "guest_1": "名前 \n\x00" + string(make([]byte, 300)),
	}}
}

func TestCompose(t *testing.T) {
	dir, rec := meeting(t)
	b := newBench(t, dir, func(c *Config) { c.MP4 = true })
	job, last := b.job(rec), 0.0
	job.Progress = func(done float64) {
		if done < last || done > 1 {
			t.Errorf("progress goes from %v to %v", last, done)
		}
		last = done
	}
	if err := b.Compose(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	if last < 0.99 {
		t.Errorf("the last progress told is %v", last)
	}
	var beeps []float64 // of the files on the composed time line
	for _, f := range rec.Files {
		for _, at := range beepsOf(t, filepath.Join(dir, f.Name)) {
			beeps = append(beeps, at+float64(f.Offset)/1000-2)
		}
	}
	slices.Sort(beeps)
	if !near(beeps, []float64{1, 4, 6, 9}, 0.06) {
		t.Fatalf("the files beep at %v", beeps)
	}
	for name, want := range map[string][]string{"conference.webm": {"opus", "vp9"}, "conference.mp4": {"aac", "h264"}, "conference.m4a": {"aac"}} {
		p, codecs := probe(t, b.path(name))
		if !slices.Equal(codecs, want) || math.Abs(p.Format.Duration-12) > 0.06 {
			t.Errorf("%s: %v, %.3f s; want %v, 12 s", name, codecs, p.Format.Duration, want)
		}
		if got := beepsOf(t, b.path(name)); !near(got, beeps, 0.015) {
			t.Errorf("%s beeps at %v, the files at %v", name, got, beeps)
		}
		if d := b.got[name]; math.Abs(float64(d.OffsetMS)-2000) > 60 || math.Abs(float64(d.DurationMS)-12000) > 60 || len(d.LeftOut) > 0 {
			t.Errorf("%s is %+v", name, d)
		}
		if d := b.got[name]; d.Kind == call.DerivedVideo {
			for _, at := range []struct {
				s    float64
				x, y int
				want string
			}{
				{1, 320, 100, "red"}, {1, 960, 100, "dark"}, {1, 640, 460, "dark"}, // the seller alone
				{3.5, 320, 100, "red"}, {3.5, 20, 100, "red"}, {3.5, 960, 100, "blue"}, // the buyer is there
				{5, 320, 100, "red"}, {5, 20, 100, "dark"}, // portrait, with bars
				{8.5, 320, 100, "dark"},                      // the camera is off
				{7, 960, 100, "blue"}, {9, 960, 100, "dark"}, // the buyer has gone
				{11, 320, 100, "red"}, {11, 20, 100, "red"},
			} {
				if got := colourAt(t, b.path(name), at.s, at.x, at.y); got != at.want {
					t.Errorf("%s at %v s, %d,%d is %s, want %s", name, at.s, at.x, at.y, got, at.want)
				}
			}
		}
	}
	poster, _ := probe(t, b.path("poster.jpg"))
	strip, _ := probe(t, b.path("strip.jpg"))
	if s := poster.Streams[0]; s.Width != 1280 || s.Height != 720 {
		t.Errorf("the poster is %d×%d", s.Width, s.Height)
	}
	if s := strip.Streams[0]; s.Width != 1600 || s.Height != 90 {
		t.Errorf("the strip is %d×%d", s.Width, s.Height)
	}
	for _, x := range []int{300, 940} { // the poster shows as many as may be
		if got := colourAt(t, b.path("poster.jpg"), 0, x, 100); got == "dark" {
			t.Errorf("the poster is dark at %d", x)
		}
	}
	keep(t, b, "compose")
}

// keep copies what was composed to where somebody can look at it.
func keep(t *testing.T, b *bench, name string) {
	if to := os.Getenv("SHOWROOM_KEEP"); to != "" {
		if err := os.CopyFS(filepath.Join(to, name), os.DirFS(b.out)); err != nil {
			t.Log(err)
		}
	}
}

func TestScreenIsLarge(t *testing.T) {
	m := medium(t)
	const s = time.Second
	dir, manifest := record(t,
		person{id: "seller", role: "seller", from: 0, to: 6 * s, mime: "video/VP8", show: always(m.red)},
		person{id: "seller", role: "seller", screen: true, from: 2 * s, to: 4 * s, mime: "video/VP8", show: always(m.white)},
		person{id: "buyer", role: "buyer", from: 0, to: 6 * s, mime: "video/H264", show: always(m.blue)},
	)
	rec := Recording{Conference: "conf_1", Files: manifest.Files}
	for layout, want := range map[Layout][]struct {
		s    float64
		x, y int
		want string
	}{
		Side:  {{1, 320, 360, "red"}, {1, 960, 360, "blue"}, {3, 480, 360, "white"}, {3, 1120, 300, "red"}, {3, 1120, 450, "blue"}, {5, 320, 360, "red"}, {5, 960, 360, "blue"}},
		Inset: {{1, 320, 360, "red"}, {1, 1100, 620, "blue"}, {3, 320, 200, "white"}, {3, 1100, 620, "red"}, {3, 800, 620, "blue"}, {5, 320, 360, "red"}},
	} {
		b := newBench(t, dir, func(c *Config) { c.Layout = layout })
		b.compose(rec)
		p, codecs := probe(t, b.path("conference.webm"))
		if !slices.Equal(codecs, []string{"vp9"}) || math.Abs(p.Format.Duration-6) > 0.06 {
			t.Errorf("%s: %v, %.3f s; want 6 s of picture without sound", layout, codecs, p.Format.Duration)
		}
		if _, ok := b.got["conference.m4a"]; ok {
			t.Error("there is a file of sound without sound")
		}
		for _, at := range want {
			if got := colourAt(t, b.path("conference.webm"), at.s, at.x, at.y); got != at.want {
				t.Errorf("%s at %v s, %d,%d is %s, want %s", layout, at.s, at.x, at.y, got, at.want)
			}
		}
		keep(t, b, "screen-"+string(layout))
	}
}

func TestNoFFmpeg(t *testing.T) {
	for _, name := range []string{"no-such-ffmpeg", "/bin/false"} {
		if _, err := New(context.Background(), Config{FFmpeg: name, Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, ErrNoFFmpeg) {
			t.Errorf("%s: %v, want ErrNoFFmpeg", name, err)
		}
	}
}
