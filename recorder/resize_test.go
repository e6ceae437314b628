package recorder

import (
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestResize turns and resizes the picture in the middle, as phones and congestion do: it stays one file, and all of it decodes.
func TestResize(t *testing.T) {
	sizes := []string{"160x120", "120x160", "320x180"}
	for _, mime := range []string{"video/VP8", "video/VP9", "video/AV1", "video/H264"} {
		t.Run(mime[6:], func(t *testing.T) {
			for _, size := range sizes {
				sample(t, mime, size)
			}
			var r *rig
			bubble(t, func(t *testing.T, dir string) {
				r = newRig(t, Config{Dir: dir})
				r.open("c_1")
				s := r.session("anna")
				a, v := r.track(s, "mic", "audio/opus"), r.track(s, "camera", mime)
				m := newSim(t)
				m.add(&source{mime: "audio/opus", to: 6 * time.Second, ssrc: 1, reports: 2 * time.Second, sink: func() *Track { return a }})
				seq := uint16(0)
				for i, size := range sizes {
					from := time.Duration(i) * 2 * time.Second
					m.add(&source{mime: mime, size: size, from: from, to: from + 2*time.Second, ssrc: 2, seq0: seq, ts0: uint32(i * 180000),
						reports: 500 * time.Millisecond, sink: func() *Track { return v }})
					pl := payloader(mime)
					for _, f := range sample(t, mime, size) {
						seq += uint16(len(pl.Payload(1100, f)))
					}
				}
				m.play()
				r.close()
			})
			f, p := r.one(t)
			if n := len(p.pts(f.Codecs[1])); n != 6*fps && len(p.pts(f.Codecs[0])) != 6*fps || len(f.Gaps) != 0 {
				t.Errorf("%d frames, gaps %v", n, f.Gaps)
			}
			out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "frame=width,height", "-of", "csv=p=0:s=x", r.path(f)).Output()
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range sizes {
				if n := strings.Count(string(out), size); n != 2*fps {
					t.Errorf("%d pictures of %s, want %d", n, size, 2*fps)
				}
			}
		})
	}
}
