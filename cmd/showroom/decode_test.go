package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"testing"
)

// download saves a recording file and returns its path.
func download(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, resp.Status)
	}
	dir := os.Getenv("SHOWROOM_KEEP")
	if dir == "" {
		dir = t.TempDir()
	}
	f, err := os.CreateTemp(dir, "recording")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, resp.Body); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func output(t *testing.T, name string, args ...string) (stdout, stderr []byte) {
	t.Helper()
	cmd := exec.Command(name, args...)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, errOut.Bytes())
	}
	return out.Bytes(), errOut.Bytes()
}

// probed is what ffprobe says of a file.
type probed struct {
	Format  struct{ Duration string }
	Streams []struct {
		CodecType string `json:"codec_type"`
		CodecName string `json:"codec_name"`
		Width     int
	}
}

func (p probed) seconds(t *testing.T) float64 {
	t.Helper()
	s, err := strconv.ParseFloat(p.Format.Duration, 64)
	if err != nil {
		t.Fatalf("duration %q: %v", p.Format.Duration, err)
	}
	return s
}

func (p probed) kinds() []string {
	var kinds []string
	for _, s := range p.Streams {
		kinds = append(kinds, s.CodecType)
	}
	slices.Sort(kinds)
	return kinds
}

func probe(t *testing.T, file string) (p probed) {
	t.Helper()
	out, _ := output(t, "ffprobe", "-v", "error", "-print_format", "json", "-show_format", "-show_streams", file)
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// decodes fails the test if any frame of the file does not decode. Without the two options a correct file of variable rate gives false
// errors.
func decodes(t *testing.T, file string) {
	t.Helper()
	_, errOut := output(t, "ffmpeg", "-v", "error", "-i", file, "-enc_time_base", "-1", "-vsync", "passthrough", "-f", "null", "-")
	if len(errOut) > 0 {
		t.Errorf("%s does not decode cleanly:\n%.2000s", file, errOut)
	}
}

var shown = regexp.MustCompile(`pts_time:([0-9.]+).* mean:\[(\d+)`)

// flashes are the times (s) at which the picture turns bright.
func flashes(t *testing.T, file string) (times []float64) {
	t.Helper()
	_, log := output(t, "ffmpeg", "-hide_banner", "-nostats", "-i", file, "-an", "-vf", "scale=16:16,format=gray,showinfo", "-vsync", "passthrough", "-f", "null", "-")
	dark := true
	for _, m := range shown.FindAllSubmatch(log, -1) {
		at, _ := strconv.ParseFloat(string(m[1]), 64)
		mean, _ := strconv.Atoi(string(m[2]))
		if mean > 150 && dark {
			times = append(times, at)
		}
		dark = mean < 100 || dark && mean <= 150
	}
	return times
}

// beeps are the times (s) at which the sound sets in.
func beeps(t *testing.T, file string) (times []float64) {
	t.Helper()
	const rate, window = 8000, 40 // 5 ms
	pcm, _ := output(t, "ffmpeg", "-v", "error", "-i", file, "-vn", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", fmt.Sprint(rate), "-f", "s16le", "-")
	quiet := 0
	for i := 0; i+2*window <= len(pcm); i += 2 * window {
		var sum float64
		for j := 0; j < window; j++ {
			s := float64(int16(binary.LittleEndian.Uint16(pcm[i+2*j:])))
			sum += s * s
		}
		if loud := math.Sqrt(sum/window) > 1000; !loud {
			quiet++
		} else {
			if quiet > 40 {
				times = append(times, float64(i/2)/rate)
			}
			quiet = 0
		}
	}
	return times
}

// offsets pairs each flash with the nearest beep and returns by how much (ms) the sound is late, sorted.
func offsets(flashes, beeps []float64) (ms []float64) {
	for _, f := range flashes {
		best := math.Inf(1)
		for _, b := range beeps {
			if math.Abs(b-f) < math.Abs(best) {
				best = b - f
			}
		}
		if math.Abs(best) < 0.5 {
			ms = append(ms, best*1000)
		}
	}
	slices.Sort(ms)
	return ms
}
