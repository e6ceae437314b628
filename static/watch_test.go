package static

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sample makes a WebM of a moving picture and a tone.
func sample(t *testing.T, dir, name string, seconds float64, tone int) int64 {
	t.Helper()
	file := filepath.Join(dir, name)
	out, err := exec.Command("ffmpeg", "-v", "error", "-y",
		"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=640x360:rate=25:duration=%g", seconds),
		"-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=%d:duration=%g", tone, seconds),
		"-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", "50", "-b:v", "400k", "-c:a", "libopus", file).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// recordingOf is a call of 20 s: the buyer came later, was away for a while, and showed a screen.
func recordingOf(t *testing.T) answers {
	dir := t.TempDir()
	files := []message{}
	a := answers{}
	add := func(name, participant, who, role, source string, offset, duration float64) {
		size := sample(t, dir, name, duration, 300+len(files)*100)
		path := "/recordings/conf_1/" + name
		files = append(files, message{
			"name": name, "participant": participant, "participant_name": who, "role": role, "source": source, "media_type": "video/webm", "codecs": []string{"vp8", "opus"},
			"offset_ms": int(offset * 1000), "duration_ms": int(duration * 1000), "size": size, "sha256": "", "url": "/api/v1" + path + "?exp=1&sig=2",
			"expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "gaps": []message{},
		})
		a["GET "+path] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, filepath.Join(dir, name)) })
	}
	add("seller-1.webm", "seller", "Ana Souza", "seller", "camera", 0.08, 20) // as in real recordings, nobody is there from the first frame on
	add("buyer-1.webm", "buyer", "Bruno Lima", "buyer", "camera", 1.5, 8)
	add("buyer-2.webm", "buyer", "Bruno Lima", "buyer", "camera", 12, 7)
	add("screen-1.webm", "buyer", "Bruno Lima", "buyer", "screen", 5, 4)
	files[0]["gaps"] = []message{{"track": "video", "start_ms": 16000, "end_ms": 18000, "reason": "silent"}}
	a["GET /watch"] = message{"derived": []message{
		{"name": "conference.mp4", "kind": "video", "media_type": "video/mp4", "size": 1234567, "duration_ms": 20000, "url": "/v?exp=1"},
		{"name": "poster.jpg", "kind": "poster", "media_type": "image/jpeg", "url": "/static/favicon.svg"},
	}, "state": "ready", "origin": "2026-11-20T15:00:00Z", "duration_ms": 20000, "files": files, "conference": conferenceOf(time.Now())}
	return a
}

// shown is the names of the files whose pictures are to be seen, in order.
const shown = `[...document.querySelectorAll('[data-testid="video"].on')].map(v => v.dataset.name).sort().join()`

// worst is the largest drift of any video that is on, in milliseconds.
const worst = `Math.max(...showroomPlayer.conductor.drifts.map(Math.abs))`

func TestWatch(t *testing.T) {
	f := newFake(t, recordingOf(t))
	b := newTab(t)
	b.open(f.url + "/watch#token")
	b.phase("player")
	b.until(element("duration") + ".textContent === '0:20'")
	b.until(shown + " === 'seller-1.webm'")
	b.until(element("poster") + ".hidden && " + element("poster") + ".src !== ''")
	b.until(`[...document.querySelectorAll('[data-testid="whole"]')].map(e => e.dataset.kind).join() === 'video'`)
	b.click("big-play")
	b.until(shown + " === 'buyer-1.webm,seller-1.webm'")
	b.until("showroomPlayer.conductor.time > 4000")
	if w := b.text(worst); !under(w, 40) {
		t.Errorf("playing side by side, the worst drift is %s ms", w)
	}
	b.until(shown + " === 'buyer-1.webm,screen-1.webm,seller-1.webm'")
	b.shot("watch-screen")

	for _, tt := range []struct {
		ms    int
		shown string
	}{
		{10_500, "seller-1.webm"}, {13_000, "buyer-2.webm,seller-1.webm"}, {17_000, "buyer-2.webm"}, {2_000, "buyer-1.webm,seller-1.webm"}, {19_500, "seller-1.webm"},
	} {
		b.run(fmt.Sprintf(`const s = %s; s.value = %d; s.dispatchEvent(new Event('input')); s.dispatchEvent(new Event('change'));`, element("seek"), tt.ms))
		b.until(shown + " === '" + tt.shown + "'")
		b.until(worst + " < 40")
	}
	b.until(element("player") + ".dataset.state === 'ended'")
	b.run("document.activeElement.blur(); document.dispatchEvent(new KeyboardEvent('keydown', { key: ' ' }))") // from the start again
	b.until("showroomPlayer.conductor.playing && showroomPlayer.conductor.time < 5000")
	b.run("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight' }))")
	b.until("showroomPlayer.conductor.time > 5000")
	b.run(`const s = ` + element("speed") + `; s.value = '2'; s.dispatchEvent(new Event('change'))`)
	b.until("showroomPlayer.conductor.time > 8000 && " + worst + " < 60")
	b.click("play")
	b.run("showroomPlayer.conductor.seek(3000)")
	b.until(shown + " === 'buyer-1.webm,seller-1.webm'")
	b.shot("watch")
	b.run("showroomPlayer.conductor.seek(10500)")
	b.until(shown + " === 'seller-1.webm'")
	b.shot("watch-absent")
}

func under(s string, limit float64) bool {
	var n float64
	_, err := fmt.Sscan(s, &n)
	return err == nil && n < limit
}

func TestWatchLinksThatDoNotWork(t *testing.T) {
	b := newTab(t)
	for code, want := range map[string]string{"token_expired": "has expired", "token_invalid": "not valid", "internal": "interrupted"} {
		status := 401
		if code == "internal" {
			status = 500
		}
		f := newFake(t, answers{"GET /watch": problem{status, code, "no"}})
		b.open(f.url + "/watch?lang=en#token")
		b.phase("message")
		if got := b.text(element("message-title") + ".textContent"); !strings.Contains(got, want) {
			t.Errorf("%s: the page says %q", code, got)
		}
	}
	b.shot("watch-message")
}
