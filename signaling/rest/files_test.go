package rest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"showroom/call"
	"showroom/store/object"
)

// TestRanges asks for parts of a file that is on the disk, and again when it is in the object store.
func TestRanges(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	path := b.fileURL(v)
	etag := b.wantAs(200, "", "GET", path, "").Header().Get("ETag")
	if len(etag) != 66 {
		t.Fatalf("ETag: %q", etag)
	}
	for _, where := range []string{"disk", "object store"} {
		if where == "object store" {
			b.upload(v.conference, v.file)
		}
		for _, c := range []struct {
			method, ranges, ifRange, ifNone string
			status                          int
			body, contentRange              string
		}{
			{"GET", "", "", "", 200, fileText, ""},
			{"HEAD", "", "", "", 200, "", ""},
			{"GET", "bytes=0-9", "", "", 206, fileText[:10], "bytes 0-9/36"},
			{"GET", "bytes=10-", "", "", 206, fileText[10:], "bytes 10-35/36"},
			{"GET", "bytes=-6", "", "", 206, fileText[30:], "bytes 30-35/36"},
			{"GET", "bytes=30-99", "", "", 206, fileText[30:], "bytes 30-35/36"},
			{"GET", "bytes=0-9", etag, "", 206, fileText[:10], "bytes 0-9/36"},
			{"GET", "bytes=0-9", `"other"`, "", 200, fileText, ""},
			{"GET", "", "", etag, 304, "", ""},
			{"GET", "bytes=36-", "", "", 416, "", "bytes */36"},
			{"GET", "bytes=x", "", "", 416, "", ""},
		} {
			pairs := []string{}
			for name, value := range map[string]string{"Range": c.ranges, "If-Range": c.ifRange, "If-None-Match": c.ifNone} {
				if value != "" {
					pairs = append(pairs, name, value)
				}
			}
			a := b.ask(c.method, path, "", "", pairs...)
			if a.Code != c.status || a.Header().Get("Content-Range") != c.contentRange {
				t.Errorf("%s, %+v: %d %q", where, c, a.Code, a.Header().Get("Content-Range"))
			}
			if c.status == 416 {
				checkProblem(t, a)
				continue
			}
			if a.Body.String() != c.body {
				t.Errorf("%s, %+v: body %q", where, c, a.Body)
			}
			if h := a.Header(); c.status < 300 && (h.Get("Content-Type") != "video/webm" || h.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.HasPrefix(h.Get("Cache-Control"), "private") || h.Get("Content-Disposition") != "inline") {
				t.Errorf("%s, %+v: headers %v", where, c, h)
			}
		}
	}
	a := b.wantAs(200, "", "GET", path+"&download=1", "")
	if got, want := a.Header().Get("Content-Disposition"), `attachment; filename="`+v.conference+`-buyer-1.webm"`; got != want {
		t.Errorf("Content-Disposition %s, want %s", got, want)
	}
}

// TestSignedURLs changes every part of a good address.
func TestSignedURLs(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	b.record(v.conference, "buyer-2.webm")
	good := b.fileURL(v)
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	exp, by, sig := u.Query().Get("exp"), u.Query().Get("by"), u.Query().Get("sig")
	for name, bad := range map[string]string{
		"another file":     strings.Replace(good, v.file, "buyer-2.webm", 1),
		"no query":         u.Path,
		"no signature":     u.Path + "?exp=" + exp + "&by=" + by,
		"nobody's":         u.Path + "?exp=" + exp + "&sig=" + sig,
		"somebody else's":  strings.Replace(good, by, "key_crm", 1),
		"empty signature":  u.Path + "?sig=&exp=" + exp + "&by=" + by,
		"later":            u.Path + "?exp=9999999999&by=" + by + "&sig=" + sig,
		"leading zero":     u.Path + "?exp=0" + exp + "&by=" + by + "&sig=" + sig,
		"cut signature":    good[:len(good)-1],
		"padded":           good + "=",
		"watch token's":    u.Path + "?exp=9999999999&by=" + strings.Split(v.watch, ".")[1] + "&sig=" + strings.Split(v.watch, ".")[2],
		"path in the name": strings.Replace(good, v.file, "..%2f"+v.file, 1),
		"hidden name":      strings.Replace(good, v.file, "."+v.file, 1),
	} {
		if a := b.ask("GET", bad, "", ""); a.Code != 401 || a.code() != "token_invalid" {
			t.Errorf("%s: %d %s", name, a.Code, a.Body)
		}
		b.restart() // forgets the failure
	}
	twice := good + "&exp=9999999999&sig=x" // the first of each counts
	b.wantAs(200, "", "GET", twice, "")

	b.now = b.now.Add(2 * time.Minute)
	if again := b.fileURL(v); again != good {
		t.Errorf("the address changed too soon: %s, before %s", again, good)
	}
	b.now = b.now.Add(18*time.Minute - time.Second) // 15 minutes and the length of the recording, in steps of 5
	b.wantAs(200, "", "GET", good, "")
	b.now = b.now.Add(time.Second)
	a := b.wantAs(410, "", "GET", good, "")
	if a.code() != "url_expired" {
		t.Errorf("expired: %s", a.Body)
	}
	checkProblem(t, a)

	b.config.SigningKey = []byte(strings.Repeat("another key, ", 4))
	b.restart()
	b.wantAs(401, "", "GET", good, "")
}

func TestWatchLinks(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	a := b.want(201, "POST", "/conferences/"+v.conference+"/recording/links", `{"expires_in_seconds": 60}`)
	if a.str("expires_at") != "2026-11-20T12:01:00Z" || !strings.HasPrefix(a.str("url"), "https://meet.example/watch#") {
		t.Errorf("%s", a.Body)
	}
	_, token, _ := strings.Cut(a.str("url"), "#")
	w := b.wantAs(200, token, "GET", "/watch", "")
	f := w.body["files"].([]any)[0].(map[string]any)
	if w.str("state") != "ready" || w.str("origin") != "2026-11-20T12:00:00Z" || w.body["duration_ms"] != 60500.0 ||
		f["participant_name"] != "Bruno Secret" || f["offset_ms"] != 500.0 || f["media_type"] != "video/webm" || f["gaps"] == nil ||
		w.body["conference"].(map[string]any)["subject"] != "Secret car" {
		t.Errorf("watch: %s", w.Body)
	}
	parts := strings.Split(token, ".")
	for _, forged := range []string{
		parts[0] + ".9999999999." + parts[2], v.conference + "." + parts[1] + ".", parts[0], "..", parts[0] + "." + parts[1] + "." + parts[2] + ".x", parts[0] + "." + parts[1] + "." + b.handler.(*api).signer.fileQuery(v.conference, v.file, "key_full", b.now)[20:],
	} {
		if a := b.wantAs(401, forged, "GET", "/watch", ""); a.code() != "token_invalid" {
			t.Errorf("%s: %s", forged, a.Body)
		}
	}
	b.now = b.now.Add(time.Minute)
	if a := b.wantAs(401, token, "GET", "/watch", ""); a.code() != "token_expired" {
		t.Errorf("%s", a.Body)
	}
}

// TestFileTrouble: what the store of files may do to us.
func TestFileTrouble(t *testing.T) {
	trouble := &troubled{}
	b := newBench(t)
	trouble.Store = b.objects
	b.config.Objects = trouble
	moving := false
	b.config.Local = func(conference, file string) (io.ReadSeekCloser, error) {
		if moving { // it is uploaded between our look at the log and at the disk
			moving = false
			b.upload(conference, file)
		}
		return b.local(conference, file)
	}
	b.restart()
	v := b.visit()
	path := b.fileURL(v)

	moving = true
	if a := b.wantAs(200, "", "GET", path, ""); a.Body.String() != fileText {
		t.Errorf("while it moved: %q", a.Body)
	}
	b.record(v.conference, "buyer-3.webm") // uploaded and gone from the disk, and the log has not been told
	b.put(v.conference, "buyer-3.webm", fileText)
	early := v
	early.file = "buyer-3.webm"
	if a := b.wantAs(200, "", "GET", b.fileURL(early), ""); a.Body.String() != fileText {
		t.Errorf("before the log knows: %q", a.Body)
	}
	b.put(v.conference, "buyer-3.webm", "something else")
	b.wantAs(503, "", "GET", b.fileURL(early), "")

	trouble.err = fmt.Errorf("dial: %w", object.ErrUnavailable)
	a := b.wantAs(503, "", "GET", path, "")
	if a.code() != "unavailable" || a.Header().Get("Retry-After") == "" {
		t.Errorf("%s %v", a.Body, a.Header())
	}
	checkProblem(t, a)
	trouble.err = object.ErrNotFound // it was stored and is gone: our fault, and no 404
	b.wantAs(500, "", "GET", path, "")
	trouble.err, trouble.seekErr = nil, errors.New("secret host is down")
	a = b.wantAs(503, "", "GET", path, "")
	checkProblem(t, a)
	if strings.Contains(a.Body.String(), "secret host") {
		t.Errorf("an inner error got out: %s", a.Body)
	}

	b.record(v.conference, "buyer-2.webm")
	v.file = "buyer-2.webm"
	path = b.fileURL(v)
	if err := os.Remove(filepath.Join(b.spool, v.file)); err != nil {
		t.Fatal(err)
	}
	b.wantAs(503, "", "GET", path, "")
	b.apply(v.conference, call.FailFile(call.File{Name: v.file, Reason: "lost"}))
	b.wantAs(404, "", "GET", path, "")
	if strings.Contains(b.log.String(), "sig=") {
		t.Errorf("a signature is in the log: %s", b.log)
	}
}

type troubled struct {
	object.Store
	err, seekErr error
}

func (s *troubled) Open(ctx context.Context, key string) (object.Reader, error) {
	r, err := s.Store.Open(ctx, key)
	if err := cmp.Or(s.err, err); err != nil {
		if r != nil {
			r.Close()
		}
		return nil, err
	}
	return seekTrouble{r, s.seekErr}, nil
}

type seekTrouble struct {
	object.Reader
	err error
}

func (r seekTrouble) Seek(offset int64, whence int) (int64, error) {
	if r.err != nil {
		return 0, r.err
	}
	return r.Reader.Seek(offset, whence)
}

// TestOverTheWire downloads through a real server, which may send the file by itself.
func TestOverTheWire(t *testing.T) {
	b := newBench(t)
	server := httptest.NewServer(b.handler)
	t.Cleanup(server.Close)
	v := b.visit()
	for range 2 {
		resp, err := server.Client().Get(server.URL + b.fileURL(v))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || string(body) != fileText {
			t.Errorf("%d %q %v", resp.StatusCode, body, err)
		}
		if resp.Header.Get("Transfer-Encoding") != "" || resp.ContentLength != int64(len(fileText)) {
			t.Errorf("length %d, %v", resp.ContentLength, resp.Header)
		}
		b.upload(v.conference, v.file)
		b.record(v.conference, v.file) // told twice: stays stored
	}
	server.Client().CloseIdleConnections()
}

func TestRecordingState(t *testing.T) {
	for _, c := range []struct {
		state call.State
		files []call.FileState
		want  string
	}{
		{call.StateOngoing, nil, "none"},
		{call.StateOngoing, []call.FileState{call.FileRecording}, "recording"},
		{call.StateOngoing, []call.FileState{call.FileStored, call.FileRecording}, "recording"},
		{call.StateScheduled, []call.FileState{call.FileStored}, "ready"},
		{call.StateFinished, []call.FileState{call.FileFinished, call.FileRecording}, "processing"},
		{call.StateFinished, []call.FileState{call.FileFinished, call.FileFailed}, "ready"},
		{call.StateFinished, []call.FileState{call.FileStored}, "ready"},
		{call.StateFinished, []call.FileState{call.FileFailed}, "failed"},
	} {
		f := call.Conference{State: c.state}
		for _, s := range c.files {
			f.Files = append(f.Files, call.File{State: s})
		}
		if got := string(f.RecordingState()); got != c.want {
			t.Errorf("%s %v: %s, want %s", c.state, c.files, got, c.want)
		}
	}
}

// FuzzSignedURL: no query but the signed one opens a file.
func FuzzSignedURL(f *testing.F) {
	s, err := newSigner([]byte(strings.Repeat("k", 32)))
	if err != nil {
		f.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	good, err := url.ParseQuery(s.fileQuery("conf_a", "buyer-1.webm", "key_a", now.Add(time.Hour))[1:])
	if err != nil {
		f.Fatal(err)
	}
	share, ticket := s.shareToken("conf_a", "share_a"), s.watchTicket("conf_a", "key_a", now.Add(time.Hour))
	f.Add("conf_a", "buyer-1.webm", good.Encode(), share)
	f.Add("conf_a", "buyer-1.webm", good.Encode(), ticket)
	f.Add("conf_a", "buyer-1.webm", "exp=1&sig=", "conf_a.1.x")
	f.Add("conf_a\nb", "..", "exp=1;sig", "..")
	f.Fuzz(func(t *testing.T, conference, file, query, bearer string) {
		q, err := url.ParseQuery(query)
		if err == nil {
			by, err := s.checkFile(conference, file, q, now)
			if err == nil && (by != "key_a" || conference != "conf_a" || file != "buyer-1.webm" || q.Get("exp") != good.Get("exp") || q.Get("sig") != good.Get("sig")) {
				t.Errorf("%q %q %q opens a file", conference, file, query)
			}
		}
		if c, _, err := s.checkWatch(bearer, now); err == nil && (bearer != share && bearer != ticket || c != "conf_a") {
			t.Errorf("%q opens %q", bearer, c)
		}
	})
}
