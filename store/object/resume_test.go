package object_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"showroom/store/object"
	"showroom/store/object/objecttest"
)

const resumeSize = 24<<20 + 7 // four parts

// journal is what the owner of an upload keeps, after a trip through JSON.
type journal struct {
	t *testing.T
	b []byte
}

func (j *journal) save(u object.Upload) (err error) {
	j.b, err = json.Marshal(u)
	return err
}

func (j *journal) load() (u object.Upload) {
	j.t.Helper()
	if len(j.b) == 0 {
		return u
	}
	if err := json.Unmarshal(j.b, &u); err != nil {
		j.t.Fatal(err)
	}
	return u
}

func (j *journal) resume(s *object.S3, b []byte) error {
	j.t.Helper()
	_, err := s.Resume(j.t.Context(), "recordings/conf_1/buyer-1.webm", bytes.NewReader(b), int64(len(b)), "video/webm", objecttest.Sum(b), j.load(), j.save)
	return err
}

// nth lets the nth part, counted from 1, meet with harm, and every one after it.
func nth(n int, harm func(http.ResponseWriter, *http.Request)) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if objecttest.IsPart(r) && r.URL.Query().Get("partNumber") >= string(rune('0'+n)) {
			harm(w, r)
			return true
		}
		return false
	}
}

// TestS3Resume harms an upload in the third of four parts, each time in another way. The next try, of another process, sends what is missing
// and nothing else.
func TestS3Resume(t *testing.T) {
	server := objecttest.StartS3(t)
	proxy := objecttest.StartProxy(t, server.Endpoint)
	b := objecttest.Bytes(1, resumeSize)
	for name, harm := range map[string]struct {
		do   func(http.ResponseWriter, *http.Request)
		want error
	}{
		"reset":      {objecttest.Reset, object.ErrUnavailable},
		"503":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, object.ErrUnavailable},
		"full":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInsufficientStorage) }, object.ErrFull},
		"denied":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, object.ErrDenied},
		"never ends": {func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); <-r.Context().Done() }, object.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			c := server.Config("resume-" + objecttest.Sum([]byte(name))[:8])
			c.Endpoint, c.Timeout = proxy.Endpoint, time.Second
			j := &journal{t: t}
			proxy.Harm(nth(3, harm.do))
			if err := j.resume(newS3(t, c), b); !errors.Is(err, harm.want) {
				t.Fatalf("Resume = %v, want %v", err, harm.want)
			}
			if sent := j.load().Sent(); sent != 16<<20 {
				t.Errorf("%d bytes are said to be sent, want two parts", sent)
			}
			proxy.Harm(nil)
			proxy.Parts()
			c.Timeout = 10 * time.Second
			s := newS3(t, c)
			if err := j.resume(s, b); err != nil {
				t.Fatal(err)
			}
			if n := proxy.Parts(); n != 2 {
				t.Errorf("%d parts were sent again, want 2", n)
			}
			objecttest.Expect(t, s, "recordings/conf_1/buyer-1.webm", b)
			if n, err := s.Unfinished(t.Context()); n != 0 || err != nil {
				t.Errorf("%d uploads left, %v", n, err)
			}
		})
	}
}

// flip passes a request on with one byte of its body changed.
func flip(_ http.ResponseWriter, r *http.Request) bool {
	if objecttest.IsPart(r) {
		r.Body = &flipped{ReadCloser: r.Body}
	}
	return false
}

type flipped struct {
	io.ReadCloser
	read int
}

func (f *flipped) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if at := 1000 - f.read; at >= 0 && at < n {
		p[at] ^= 1
	}
	f.read += n
	return n, err
}

// TestS3ResumeOdd: what is not as the journal says is not believed.
func TestS3ResumeOdd(t *testing.T) {
	server := objecttest.StartS3(t)
	proxy := objecttest.StartProxy(t, server.Endpoint)
	c := server.Config("odd")
	c.Endpoint = proxy.Endpoint
	s := newS3(t, c)
	b := objecttest.Bytes(1, resumeSize)
	third := func() *journal {
		j := &journal{t: t}
		proxy.Harm(nth(3, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
		if err := j.resume(s, b); err == nil {
			t.Fatal("the upload was not stopped")
		}
		proxy.Harm(nil)
		proxy.Parts()
		return j
	}
	done := func(j *journal, parts int) {
		t.Helper()
		if err := j.resume(s, b); err != nil {
			t.Fatal(err)
		}
		if n := proxy.Parts(); n != parts {
			t.Errorf("%d parts were sent, want %d", n, parts)
		}
		objecttest.Expect(t, s, "recordings/conf_1/buyer-1.webm", b)
	}

	j := third() // bytes changed on the way: the service refuses them
	proxy.Harm(flip)
	if err := j.resume(s, b); err == nil {
		t.Error("wrong bytes were taken")
	}
	proxy.Harm(nil)
	proxy.Parts()
	done(j, len(b)/(8<<20)+1-len(j.load().Parts))

	j = third() // aborted by somebody
	if err := s.Abort(t.Context(), "", time.Now().Add(time.Hour), nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "recordings/conf_1/buyer-1.webm"); err != nil {
		t.Fatal(err)
	}
	done(j, 4)

	j = third() // a part of the journal is not that of the file
	u := j.load()
	u.Parts[1].CRC32C = u.Parts[0].CRC32C
	j.save(u)
	done(j, 3)

	j = third() // the service completed the upload, and its answer was lost
	proxy.Harm(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || !r.URL.Query().Has("uploadId") {
			return false
		}
		proxy.Harm(nil)
		forward(t, server.Endpoint, r)
		objecttest.Reset(w, r)
		return true
	})
	if err := j.resume(s, b); !errors.Is(err, object.ErrUnavailable) {
		t.Errorf("completed, and the answer was lost: %v, want ErrUnavailable", err)
	}
	proxy.Harm(nil)
	proxy.Parts()
	done(j, 0)

	if err := j.resume(s, append(b, 'x')[:len(b)-1]); err != nil { // another file altogether
		t.Error(err)
	}
	bad := bytes.Clone(b)
	bad[9<<20] ^= 1
	_, err := s.Resume(t.Context(), "bad", bytes.NewReader(bad), int64(len(bad)), "", objecttest.Sum(b), object.Upload{}, j.save)
	if !errors.Is(err, object.ErrChecksum) {
		t.Errorf("damaged file: %v, want ErrChecksum", err)
	}
}

// forward brings a request to the server and drops the answer.
func forward(t *testing.T, endpoint string, r *http.Request) {
	out := r.Clone(t.Context())
	out.RequestURI, out.URL.Scheme, out.URL.Host = "", "http", endpoint
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("complete: %s", resp.Status)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// TestS3ResumeKilled: the server is killed in the middle of a part and comes back.
func TestS3ResumeKilled(t *testing.T) {
	server := objecttest.StartS3(t)
	proxy := objecttest.StartProxy(t, server.Endpoint)
	c := server.Config("killed")
	c.Endpoint = proxy.Endpoint
	s := newS3(t, c)
	b := objecttest.Bytes(1, resumeSize)
	j := &journal{t: t}
	proxy.Harm(nth(2, func(w http.ResponseWriter, r *http.Request) { server.Kill(); objecttest.Reset(w, r) }))
	if err := j.resume(s, b); !errors.Is(err, object.ErrUnavailable) {
		t.Fatalf("Resume = %v, want ErrUnavailable", err)
	}
	proxy.Harm(nil)
	if err := j.resume(s, b); !errors.Is(err, object.ErrUnavailable) {
		t.Fatalf("while it is away: %v, want ErrUnavailable", err)
	}
	server.Restart()
	proxy.Parts()
	if err := j.resume(s, b); err != nil {
		t.Fatal(err)
	}
	if n := proxy.Parts(); n != 3 {
		t.Errorf("%d parts were sent, want the 3 that were missing", n)
	}
	objecttest.Expect(t, s, "recordings/conf_1/buyer-1.webm", b)
}

// largest is a file that looks, now and then, how much memory is in use.
type largest struct {
	*os.File
	read, next int64
	peak       uint64
}

func (l *largest) ReadAt(p []byte, at int64) (int, error) {
	n, err := l.File.ReadAt(p, at)
	if l.read += int64(n); l.read >= l.next {
		l.next = l.read + 4<<20
		l.peak = max(l.peak, live())
	}
	return n, err
}

// TestS3ResumeMemory: a large file costs no memory to speak of. SHOWROOM_LARGE is its size in MiB, for measuring.
func TestS3ResumeMemory(t *testing.T) {
	size := int64(64 << 20)
	if mib, err := strconv.ParseInt(os.Getenv("SHOWROOM_LARGE"), 10, 64); err == nil {
		size = mib << 20
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "large.webm"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sum := sparse(t, f, size)
	s := newS3(t, objecttest.StartS3(t).Config("large"))
	body := &largest{File: f}
	before, begin := live(), time.Now()
	if _, err := s.Resume(t.Context(), "large.webm", body, size, "video/webm", sum, object.Upload{}, func(object.Upload) error { return nil }); err != nil {
		t.Fatal(err)
	}
	held := int64(body.peak) - int64(before)
	t.Logf("%d MiB in %v, at most %d KiB held", size>>20, time.Since(begin), held>>10)
	if held > 4<<20 {
		t.Errorf("uploading %d MiB held %d KiB, want less than 4 MiB", size>>20, held>>10)
	}
}

// sparse makes a file of that size with something in it here and there, and returns its SHA-256.
func sparse(t *testing.T, f *os.File, size int64) string {
	t.Helper()
	for at := int64(0); at < size; at += 5 << 20 {
		if _, err := f.WriteAt(objecttest.Bytes(uint64(at>>20), 1000), at); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, size)); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestS3SlowCompletion: a service that takes long to make one object of the parts is waited for, and asked once.
func TestS3SlowCompletion(t *testing.T) {
	server := objecttest.StartS3(t)
	proxy := objecttest.StartProxy(t, server.Endpoint)
	c := server.Config("slow")
	c.Endpoint, c.Timeout = proxy.Endpoint, 500*time.Millisecond
	s := newS3(t, c)
	b := objecttest.Bytes(1, 9<<20)
	var asked atomic.Int32
	proxy.Harm(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && r.URL.Query().Has("uploadId") {
			asked.Add(1)
			<-time.After(3 * c.Timeout)
		}
		return false
	})
	j := &journal{t: t}
	if err := j.resume(s, b); err != nil {
		t.Fatal(err)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the service was asked %d times to complete the upload", n)
	}
	objecttest.Expect(t, s, "recordings/conf_1/buyer-1.webm", b)
}
