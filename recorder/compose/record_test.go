package compose

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"go.uber.org/goleak"

	"showroom/recorder"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	rate    = 20 // frames a second of what is sent
	packet  = 20 * time.Millisecond
	picture = time.Second / rate
)

// plain is a second of a picture of one colour, in frames; the first is a keyframe.
func plain(t *testing.T, codec, colour, size string) [][]byte {
	t.Helper()
	args := []string{"-v", "error", "-f", "lavfi", "-i", "color=c=" + colour + ":s=" + size + ":r=20", "-frames:v", "20", "-g", "20", "-pix_fmt", "yuv420p"}
	if codec == "h264" {
		out := ffmpeg(t, append(args, "-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-tune", "zerolatency", "-x264-params", "aud=1:scenecut=0", "-f", "h264", "-")...)
		var frames [][]byte
		for _, au := range bytes.Split(out, []byte{0, 0, 0, 1, 9})[1:] {
			frames = append(frames, au[bytes.Index(au, []byte{0, 0, 1}):])
		}
		return frames
	}
	b := ffmpeg(t, append(args, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-f", "ivf", "-")...)
	var frames [][]byte
	for b = b[32:]; len(b) >= 12; {
		n := int(binary.LittleEndian.Uint32(b))
		frames, b = append(frames, b[12:12+n]), b[12+n:]
	}
	return frames
}

// sound is Opus packets of 20 ms: a tone, or nothing.
func sound(t *testing.T, source string) (packets [][]byte) {
	t.Helper()
	b := ffmpeg(t, "-v", "error", "-f", "lavfi", "-i", source+":duration=1", "-ac", "2", "-c:a", "libopus", "-frame_duration", "20", "-f", "ogg", "-")
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
	return packets[2:40]
}

func ffmpeg(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, said bytes.Buffer
	cmd := exec.Command("ffmpeg", args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("ffmpeg %v: %v\n%s", args, err, &said)
	}
	return out.Bytes()
}

// person is somebody in a simulated call. Times count from the start of the call.
type person struct {
	id, role string
	from, to time.Duration
	screen   bool
	mime     string                          // of the picture; empty: sound only
	show     func(at time.Duration) [][]byte // what the picture is made of; nil while the camera is off
	beeps    []time.Duration                 // 100 ms each; nil: no sound at all
	opus     map[bool][][]byte               // tone and silence
}

type sent struct {
	at  time.Duration
	run func(now time.Time)
}

// record has the recorder record a call in simulated time, and returns its files and where they are.
func record(t *testing.T, people ...person) (dir string, m recorder.Manifest) {
	t.Helper()
	dir = t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		rec, err := recorder.New(recorder.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		conf, err := rec.Conference("conf_1", recorder.Events{})
		if err != nil {
			t.Fatal(err)
		}
		var all []sent
		for _, p := range people {
			all = append(all, p.send(t, conf)...)
		}
		slices.SortStableFunc(all, func(a, b sent) int { return int(a.at - b.at) })
		start := time.Now()
		for _, s := range all {
			time.Sleep(time.Until(start.Add(s.at)))
			s.run(time.Now())
		}
		if m, err = conf.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		if err := rec.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
	return filepath.Join(dir, "conf_1"), m
}

// send schedules what a person does.
func (p person) send(t *testing.T, conf *recorder.Conference) (all []sent) {
	var session *recorder.Session
	var camera, mic *recorder.Track
	all = append(all, sent{p.from, func(time.Time) {
		var err error
		if session, err = conf.Session(recorder.Participant{ID: p.id, Role: p.role}); err != nil {
			t.Fatal(err)
		}
		track := func(source, mime string, clock uint32) *recorder.Track {
			tr, err := session.Track(recorder.TrackInfo{Source: source, MimeType: mime, ClockRate: clock, Channels: 2})
			if err != nil {
				t.Fatal(err)
			}
			return tr
		}
		if p.mime != "" {
			camera = track(map[bool]string{true: "screen", false: "camera"}[p.screen], p.mime, 90000)
		}
		if p.beeps != nil {
			mic = track("mic", "audio/opus", 48000)
		}
	}})
	var pay rtp.Payloader = &codecs.VP8Payloader{EnablePictureID: true}
	if p.mime == "video/H264" {
		pay = &codecs.H264Payloader{}
	}
	seq, n := uint16(0), 0
	var was [][]byte
	for at := p.from; at < p.to && p.mime != ""; at += picture {
		frames := p.show(at)
		if frames == nil {
			was = nil
			continue
		}
		if was == nil || &frames[0] != &was[0] {
			n = 0 // another picture begins with its keyframe
		}
		was = frames
		payloads := pay.Payload(1100, frames[n%len(frames)])
		n++
		for k, b := range payloads {
			pk := &rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 1, SequenceNumber: seq, Timestamp: uint32(at * 90000 / time.Second), Marker: k == len(payloads)-1}, Payload: b}
			seq++
			all = append(all, sent{at, func(now time.Time) { camera.WriteRTP(pk, now) }})
		}
	}
	for i, at := 0, p.from; at < p.to && p.beeps != nil; i, at = i+1, at+packet {
		beep := slices.ContainsFunc(p.beeps, func(b time.Duration) bool { return at >= b && at < b+100*time.Millisecond })
		pk := &rtp.Packet{Header: rtp.Header{Version: 2, SSRC: 2, SequenceNumber: uint16(i), Timestamp: uint32(at * 48000 / time.Second), Marker: i == 0},
			Payload: p.opus[beep][i%len(p.opus[beep])]}
		all = append(all, sent{at, func(now time.Time) { mic.WriteRTP(pk, now) }})
	}
	return append(all, sent{p.to, func(time.Time) { session.Close() }})
}

// media is what people in tests send.
type media struct {
	red, portrait, white, blue [][]byte
	opus                       map[bool][][]byte
}

var source = sync.OnceValue(func() *media { return &media{} })

func medium(t *testing.T) *media {
	t.Helper()
	m := source()
	if m.opus == nil {
		m.red, m.portrait = plain(t, "vp8", "red", "320x180"), plain(t, "vp8", "red", "180x320")
		m.white, m.blue = plain(t, "vp8", "white", "640x360"), plain(t, "h264", "blue", "320x180")
		m.opus = map[bool][][]byte{true: sound(t, "sine=frequency=1000:sample_rate=48000"), false: sound(t, "anullsrc=r=48000:cl=stereo")}
	}
	return m
}

func always(frames [][]byte) func(time.Duration) [][]byte {
	return func(time.Duration) [][]byte { return frames }
}

// opener opens recorded files where the recorder has put them.
func opener(dir string) func(context.Context, string, recorder.File) (io.ReadCloser, error) {
	return func(_ context.Context, _ string, f recorder.File) (io.ReadCloser, error) {
		return os.Open(filepath.Join(dir, f.Name))
	}
}
