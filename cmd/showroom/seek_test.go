package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"showroom/recorder"
	"showroom/recorder/webm"
	"showroom/store/object/objecttest"
)

// A large film is one of groups of two seconds, ten different ones again and again; the left half of group n is as bright as n.
const (
	groupSeconds = 2
	groupFrames  = 20
	groupCount   = 10
	filmGroups   = 65 // more than 128 MB
)

// film writes a large recording and returns its length.
func film(t *testing.T, path string) time.Duration {
	t.Helper()
	ivf := filepath.Join(t.TempDir(), "groups.ivf")
	filter := "noise=alls=100:allf=t"
	for n := range groupCount {
		filter += fmt.Sprintf(",drawbox=x=0:y=0:w=320:h=360:t=fill:color=0x%02[1]x%02[1]x%02[1]x:enable='between(t,%d,%f)'", 10+25*n, groupSeconds*n, groupSeconds*float64(n+1)-0.001)
	}
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("color=gray:size=640x360:rate=%d:duration=%d", groupFrames/groupSeconds, groupCount*groupSeconds),
		"-vf", filter, "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-g", fmt.Sprint(groupFrames), "-keyint_min", fmt.Sprint(groupFrames),
		"-qmin", "4", "-qmax", "12", "-b:v", "40M", "-pix_fmt", "yuv420p", ivf).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	b, err := os.ReadFile(ivf)
	if err != nil {
		t.Fatal(err)
	}
	var frames [][]byte
	for b = b[32:]; len(b) >= 12; {
		n := int(binary.LittleEndian.Uint32(b))
		frames = append(frames, b[12:12+n])
		b = b[12+n:]
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := webm.NewWriter(f, webm.WebM, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	track, err := w.AddTrack(webm.Track{Codec: webm.VP8, Width: 640, Height: 360})
	if err != nil {
		t.Fatal(err)
	}
	const step = groupSeconds * time.Second / groupFrames
	for i := range filmGroups * groupFrames {
		frame := frames[i%len(frames)]
		if err := w.Write(webm.Block{Track: track, Time: time.Duration(i) * step, Duration: step, Keyframe: frame[0]&1 == 0, Data: frame}); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := w.Finish(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	return w.Duration()
}

// spoolFilm puts a film into the spool as a finished recording of a conference.
func spoolFilm(t *testing.T, data, conference string) recorder.File {
	t.Helper()
	dir := filepath.Join(data, "spool", conference)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	f := recorder.File{Name: "seller-1.webm", Participant: "seller", Role: "seller", Source: "camera", MediaType: "video/webm", Codecs: []string{"vp8"}, Width: 640, Height: 360}
	f.Duration = film(t, filepath.Join(dir, f.Name)).Milliseconds()
	b, err := os.ReadFile(filepath.Join(dir, f.Name))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	f.Size, f.SHA256 = int64(len(b)), hex.EncodeToString(sum[:])
	m, err := json.Marshal(recorder.Manifest{Version: recorder.ManifestVersion, Conference: conference, Origin: time.Now().UTC(), Files: []recorder.File{f}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), m, 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

// counting is a proxy before a program that counts what is asked of recordings.
type counting struct {
	*httptest.Server

	mu       sync.Mutex
	to       *httputil.ReverseProxy
	requests int
	bytes    int64
}

func newCounting(t *testing.T) *counting {
	t.Helper()
	c := &counting{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		to := c.to
		c.mu.Unlock()
		to.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *counting) point(t *testing.T, address string) {
	t.Helper()
	u, err := url.Parse("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ErrorLog = nil
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) {} // a player has hung up
	proxy.ModifyResponse = func(r *http.Response) error {
		if strings.Contains(r.Request.URL.Path, "/recordings/") {
			c.mu.Lock()
			c.requests++
			c.mu.Unlock()
			r.Body = counted{r.Body, c}
		}
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.to = proxy
}

type counted struct {
	io.ReadCloser
	c *counting
}

func (r counted) Read(b []byte) (int, error) {
	n, err := r.ReadCloser.Read(b)
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	r.c.bytes += int64(n)
	return n, err
}

// since is what was asked since the last time.
func (c *counting) since() (requests int, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	requests, bytes = c.requests, c.bytes
	c.requests, c.bytes = 0, 0
	return requests, bytes
}

// TestSeekInLargeFile seeks in a recording of more than 128 MB, in two browsers, from the disk and from S3: at once the right picture, by a few
// requests.
func TestSeekInLargeFile(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s3 := objecttest.StartS3(t)
	s3.Kill()
	p := startIn(t, data, "demo")
	key, conference := p.key, p.newest().ID
	p.close()
	f := spoolFilm(t, data, conference)
	proxy := newCounting(t)
	where := s3.Config("showroom")
	again := startIn(t, data, "serve", "--public-url", proxy.URL, "--s3-endpoint", where.Endpoint, "--s3-plain", "--s3-access-key", where.AccessKey, "--s3-secret-key", where.SecretKey)
	proxy.point(t, again.log.find(t, `http=(\S+)`))
	again.key = key
	var link struct{ URL string }
	again.api("POST", "/conferences/"+conference+"/recording/links", map[string]any{"expires_in_seconds": 3600}, &link)
	seek := func(from string) {
		for name, b := range map[string]tab{"Chromium": newChromium(t), "Firefox": newFirefox(t)} { // which have nothing in a cache
			b.open(link.URL)
			const video = `document.querySelector('[data-testid="video"]')`
			until(t, b, visible("player")+" && "+video+".readyState >= 2")
			if d := number(t, b, video+".duration"); d*1000 < float64(f.Duration)-50 || d*1000 > float64(f.Duration)+50 {
				t.Errorf("%s, %s: it lasts %.3f s, want %d ms", from, name, d, f.Duration)
			}
			if end := number(t, b, video+".seekable.end(0)"); end*1000 < float64(f.Duration)-50 {
				t.Errorf("%s, %s: it can be sought up to %.3f s", from, name, end)
			}
			for _, second := range []int{95, 31, 127, 63} {
				proxy.since()
				took := number(t, b, fmt.Sprintf(`(async () => {
					const began = performance.now();
					showroomPlayer.conductor.seek(%d500);
					const v = %s;
					while (v.seeking || v.readyState < 2) await new Promise(r => setTimeout(r, 5));
					return performance.now() - began;
				})()`, second, video))
				requests, bytes := proxy.since()
				bright := number(t, b, fmt.Sprintf(`(async () => {
					const c = document.createElement('canvas'), g = c.getContext('2d');
					c.width = c.height = 16;
					for (let n = 0; n < 20; n++) { g.drawImage(%s, 20, 20, 200, 200, 0, 0, 16, 16); await new Promise(r => requestAnimationFrame(r)); }
					return g.getImageData(8, 8, 1, 1).data[0];
				})()`, video))
				group := second / groupSeconds % groupCount
				t.Logf("%s, %s: to %d.5 s took %.0f ms, %d requests, %.1f MB", from, name, second, took, requests, float64(bytes)/1e6)
				if want := float64(10 + 25*group); bright < want-12 || bright > want+12 {
					t.Errorf("%s, %s: the picture at %d.5 s is as bright as %.0f, want %.0f of group %d", from, name, second, bright, want, group)
				}
				if requests > 6 { // without an index it is hundreds; how much is read ahead is the player's affair
					t.Errorf("%s, %s: a seek to %d.5 s took %d requests", from, name, second, requests)
				}
			}
		}
	}
	t.Logf("the file has %d MB", f.Size>>20)
	seek("disk")
	s3.Restart()
	again.until("the file is in S3", func() bool { return again.fileStates(conference)[f.Name] == "stored" })
	seek("S3")
	out, err := exec.Command("ffprobe", "-v", "error", download(t, again.recording(conference)[0].URL)).CombinedOutput()
	if err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("ffprobe: %v\n%s", err, out)
	}
}
