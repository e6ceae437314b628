package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"showroom/sfu/sfutest"
)

// flashAndBeep is a second of pictures, all keyframes, and of sound: for its first tenth white and loud, then black and almost still.
func flashAndBeep(t *testing.T) (sound, pictures [][]byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flash.ivf")
	output(t, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("color=black:size=160x120:rate=%d:duration=1", sfutest.FrameRate),
		"-vf", "drawbox=t=fill:color=white:enable='lt(t,0.1)'", "-c:v", "libvpx", "-deadline", "realtime", "-g", "1", "-pix_fmt", "yuv420p", path)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for b = b[32:]; len(b) >= 12; {
		n := int(binary.LittleEndian.Uint32(b))
		pictures = append(pictures, b[12:12+n])
		b = b[12+n:]
	}
	ogg, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "aevalsrc='sin(2*PI*1000*t)*if(lt(mod(t,1),0.1),0.8,0.001)':duration=2:sample_rate=48000",
		"-ac", "2", "-c:a", "libopus", "-frame_duration", "20", "-page_duration", "20000", "-f", "ogg", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	pages, _, err := oggreader.NewWith(bytes.NewReader(ogg))
	if err != nil {
		t.Fatal(err)
	}
	for {
		page, _, err := pages.ParseNextPage()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(page, []byte("OpusTags")) {
			sound = append(sound, page)
		}
	}
	return sound[50:100], pictures // the second second, in which the codec has settled
}

// noticed is how late sound may be before people notice, ms (ITU-R BT.1359). A browser on a busy machine is late itself by some of it;
// how exact the recorder is, its own tests say.
const noticed = 125

// TestSyncOfRealPublishers records a Chromium page and a Pion client that both flash and beep once a second, for 15 s or what
// SHOWROOM_SYNC_REAL says, and holds sound against picture in the decoded files.
func TestSyncOfRealPublishers(t *testing.T) {
	t.Parallel()
	length := 15 * time.Second
	if s := os.Getenv("SHOWROOM_SYNC_REAL"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatalf("SHOWROOM_SYNC_REAL: %v", err)
		}
	}
	p := start(t, "demo")
	n, _ := dial(t, "buyer", p.buyer)
	n.sound, n.pictures = flashAndBeep(t)
	s := &person{newChromium(t), t, "buyer"}
	s.inject(pattern)
	s.join(p.seller)
	s.phase("call")
	click(t, s, "admit")
	n.await("admitted")
	n.consent()
	n.offer()
	n.gets(time.Second)
	time.Sleep(length) // of real time
	drawn := number(t, s, "window.flashLate.sort((a, b) => a - b)[Math.floor(window.flashLate.length / 2)]")
	t.Logf("the page itself draws its flashes %.1f ms late in the median", drawn)
	click(t, s, "hangup")
	click(t, s, "end-for-all")
	s.phase("ended")
	for _, f := range p.recording(p.newest().ID) {
		file := download(t, f.URL)
		decodes(t, file)
		seen, heard := flashes(t, file), beeps(t, file)
		late := offsets(seen, heard)
		if want := int(length.Seconds()) * 6 / 10; len(late) < want {
			t.Errorf("%s: %d flashes and %d beeps make %d pairs, want %d", f.Participant, len(seen), len(heard), len(late), want)
			continue
		}
		median, worst := late[len(late)/2], math.Max(math.Abs(late[0]), math.Abs(late[len(late)-1]))
		first, last := offsets(seen[:len(seen)/4], heard), offsets(seen[len(seen)*3/4:], heard)
		drift := (last[len(last)/2] - first[len(first)/2]) / (0.75 * length.Minutes())
		t.Logf("%s, %d pairs: sound is %.1f ms late in the median, at worst %.1f ms, and drifts %.1f ms a minute", f.Participant, len(late), median, worst, drift)
		if math.Abs(median) > noticed {
			t.Errorf("%s: sound is %.1f ms late, want at most %v", f.Participant, median, noticed)
		}
	}
}
