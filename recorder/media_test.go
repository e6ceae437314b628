package recorder

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"go.uber.org/goleak"
)

var samples struct {
	dir string
	mu  sync.Mutex
	got map[string][][]byte
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "recorder")
	if err != nil {
		panic(err)
	}
	samples.dir, samples.got = dir, make(map[string][][]byte)
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		os.Exit(code)
	}))
}

const (
	fps      = 20 // of the sample videos
	gop      = 40 // frames; a sample is one group, so that it can be looped
	opusStep = 20 * time.Millisecond
)

var encoders = map[string][]string{
	"video/VP8":  {"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "400k", "-f", "ivf"},
	"video/VP9":  {"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-b:v", "400k", "-f", "ivf"},
	"video/AV1":  {"-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-b:v", "400k", "-f", "ivf"},
	"video/H264": {"-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-tune", "zerolatency", "-x264-params", "aud=1:scenecut=0", "-b:v", "400k", "-f", "h264"},
	"audio/opus": {"-c:a", "libopus", "-b:a", "32k", "-f", "ogg"},
}

// sample returns one group of pictures, or two seconds of Opus packets, made by ffmpeg.
func sample(t testing.TB, mime, size string) [][]byte {
	t.Helper()
	samples.mu.Lock()
	defer samples.mu.Unlock()
	key := mime + size
	if got := samples.got[key]; got != nil {
		return got
	}
	out := filepath.Join(samples.dir, strconv.Itoa(len(samples.got)))
	args := []string{"-v", "error", "-y", "-f", "lavfi"}
	if mime == "audio/opus" {
		args = append(args, "-i", "sine=frequency=440:duration=2:sample_rate=48000", "-ac", "2")
	} else {
		args = append(args, "-i", "testsrc2=size="+size+":rate="+strconv.Itoa(fps), "-frames:v", strconv.Itoa(gop), "-g", strconv.Itoa(gop), "-pix_fmt", "yuv420p")
	}
	args = append(append(args, encoders[mime]...), out)
	if b, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %v: %v\n%s", args, err, b)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	var frames [][]byte
	switch mime {
	case "audio/opus":
		frames = oggPackets(b)[2:] // behind OpusHead and OpusTags
		frames = frames[:100]
	case "video/H264":
		for _, au := range bytes.Split(b, []byte{0, 0, 0, 1, 9})[1:] {
			frames = append(frames, au[bytes.Index(au, []byte{0, 0, 1}):])
		}
	default:
		for b = b[32:]; len(b) >= 12; {
			n := int(binary.LittleEndian.Uint32(b))
			frames = append(frames, b[12:12+n])
			b = b[12+n:]
		}
	}
	if mime != "audio/opus" && len(frames) != gop {
		t.Fatalf("%s: %d frames of %d", mime, len(frames), gop)
	}
	samples.got[key] = frames
	return frames
}

func oggPackets(b []byte) (packets [][]byte) {
	var cur []byte
	for len(b) >= 27 {
		lacing := b[27 : 27+int(b[26])]
		b = b[27+len(lacing):]
		for _, n := range lacing {
			cur = append(cur, b[:n]...)
			b = b[n:]
			if n < 255 {
				packets, cur = append(packets, cur), nil
			}
		}
	}
	return packets
}

// payloader of Pion for a MIME type.
func payloader(mime string) rtp.Payloader {
	switch mime {
	case "video/VP8":
		return &codecs.VP8Payloader{EnablePictureID: true}
	case "video/VP9":
		return &codecs.VP9Payloader{}
	case "video/AV1":
		return &codecs.AV1Payloader{}
	case "video/H264":
		return &codecs.H264Payloader{}
	}
	return &codecs.OpusPayloader{}
}

// probed is what ffprobe says of a file.
type probed struct {
	Format struct {
		Duration float64 `json:"duration,string"`
		Name     string  `json:"format_name"`
	}
	Streams []struct {
		Index         int
		CodecName     string `json:"codec_name"`
		Width, Height int
	}
	Packets []struct {
		Stream int     `json:"stream_index"`
		PTS    float64 `json:"pts_time,string"`
		Flags  string
		Size   int `json:",string"`
	}
}

// pts of one codec's packets, seconds.
func (p *probed) pts(codec string) (at []float64) {
	for _, s := range p.Streams {
		for _, pk := range p.Packets {
			if s.CodecName == codec && pk.Stream == s.Index {
				at = append(at, pk.PTS)
			}
		}
	}
	return at
}

// judge has outside programs read a file: everything must decode without a
// word, and mkvinfo must find nothing to complain about.
func judge(t *testing.T, path string) *probed {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-enc_time_base", "-1", "-vsync", "passthrough", "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("decoding %s: %v\n%s", filepath.Base(path), err, out)
	}
	info, err := exec.Command("mkvinfo", "-v", path).CombinedOutput()
	if err != nil || bytes.Contains(bytes.ToLower(info), []byte("error")) || bytes.Contains(info, []byte("unknown")) {
		t.Errorf("mkvinfo %s: %v\n%s", filepath.Base(path), err, info)
	}
	return quickly(t, path)
}

// quickly reads a file without decoding it.
func quickly(t *testing.T, path string) *probed {
	t.Helper()
	b, err := exec.Command("ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_packets", path).Output()
	if err != nil {
		t.Fatalf("ffprobe %s: %v", path, err)
	}
	var p probed
	if err := json.Unmarshal(b, &p); err != nil {
		t.Fatalf("ffprobe %s: %v", path, err)
	}
	return &p
}

// cueTimes of a file, ms, as mkvinfo reads them.
func cueTimes(t *testing.T, path string) (at []int64) {
	t.Helper()
	out, err := exec.Command("mkvinfo", "-a", path).CombinedOutput()
	if err != nil {
		t.Fatalf("mkvinfo: %v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if _, v, ok := strings.Cut(line, "Cue time: "); ok {
			d, err := time.Parse("15:04:05.000000000", strings.TrimSpace(v))
			if err != nil {
				t.Fatal(err)
			}
			at = append(at, d.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)).Milliseconds())
		}
	}
	return at
}
