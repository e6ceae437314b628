package compose

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"showroom/call"
	"showroom/recorder"
)

// BenchmarkCompose composes two people at 720p and 30 frames a second, and says how many times faster than the call that is.
func BenchmarkCompose(b *testing.B) {
	const length = 30 * time.Second
	dir := b.TempDir()
	rec := Recording{Conference: "conf_1", Names: map[string]string{"seller": "Ana Souza", "buyer": "Bruno Lima"}}
	for _, who := range []string{"seller", "buyer"} {
		name := who + "-1.webm"
		out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=1280x720:rate=30", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
			"-t", "30", "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "16", "-b:v", "1500k", "-g", "3000", "-c:a", "libopus", filepath.Join(dir, name)).CombinedOutput()
		if err != nil {
			b.Fatalf("ffmpeg: %v\n%s", err, out)
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			b.Fatal(err)
		}
		sum := sha256.Sum256(text)
		rec.Files = append(rec.Files, recorder.File{Name: name, Participant: who, Role: who, Source: "camera+mic", Codecs: []string{"vp8", "opus"},
			Duration: length.Milliseconds(), Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])})
	}
	for _, o := range []struct {
		name string
		Options
	}{{"webm", Options{Layout: Side}}, {"webm+mp4", Options{Layout: Side, MP4: true}}, {"pip", Options{Layout: Inset}}} {
		b.Run(o.name, func(b *testing.B) {
			c, err := New(context.Background(), Config{FFmpeg: "ffmpeg", Dir: b.TempDir(), Options: o.Options, Open: opener(dir), Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				err := c.Compose(context.Background(), Job{Recording: rec, Deliver: func(context.Context, call.Derived, io.ReadSeeker) error { return nil }})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(length.Seconds()*float64(b.N)/b.Elapsed().Seconds(), "x-real-time")
		})
	}
}
