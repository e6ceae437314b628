package object_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"showroom/store/object"
	"showroom/store/object/objecttest"
)

// hooked is a body that calls a function when it has been read up to a place.
type hooked struct {
	io.ReadSeeker
	at   int64
	hook func()
}

func (h *hooked) Read(p []byte) (int, error) {
	n, err := h.ReadSeeker.Read(p)
	if h.at -= int64(n); h.at <= 0 && h.hook != nil {
		h.hook()
		h.hook = nil
	}
	return n, err
}

// A server that dies in the middle of a Put leaves the old object or none, and
// the next Put succeeds.
func TestS3KilledMidPut(t *testing.T) {
	server := objecttest.StartS3(t)
	s := newS3(t, server.Config("killed"))
	b, old := objecttest.Bytes(1, 20<<20), objecttest.Bytes(2, 100)
	objecttest.Put(t, s, "old.webm", old)
	for _, tt := range []struct {
		key string
		at  int64
	}{{"old.webm", 12 << 20}, {"new.webm", 1}, {"new.webm", 12 << 20}, {"new.webm", 20 << 20}} {
		body := &hooked{bytes.NewReader(b), tt.at, server.Kill}
		_, err := s.Put(t.Context(), tt.key, body, int64(len(b)), "video/webm", objecttest.Sum(b))
		if !errors.Is(err, object.ErrUnavailable) {
			t.Errorf("%s, killed at %d: Put = %v, want ErrUnavailable", tt.key, tt.at, err)
		}
		server.Restart()
		objecttest.Expect(t, s, "old.webm", old)
		objecttest.Expect(t, s, "new.webm", nil)
	}
	objecttest.Put(t, s, "new.webm", b)
	objecttest.Expect(t, s, "new.webm", b)
}

// Every operation on a server that is away ends soon, and says what it is; the
// store works as soon as the server does.
func TestS3Unreachable(t *testing.T) {
	server := objecttest.StartS3(t)
	server.Kill()
	s := newS3(t, server.Config("away"))
	expectUnavailable(t, s)
	server.Restart()
	objecttest.Put(t, s, "a", []byte("a"))
	server.Kill()
	expectUnavailable(t, s)
}

// A server that accepts connections and says nothing is away as well.
func TestS3Silent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // the connections it never accepted go with it
	s := newS3(t, object.S3Config{Endpoint: l.Addr().String(), Bucket: "silent", PathStyle: true, AccessKey: "a", SecretKey: "b", Timeout: 100 * time.Millisecond})
	expectUnavailable(t, s)
}

func expectUnavailable(t *testing.T, s *object.S3) {
	t.Helper()
	begin := time.Now()
	b := []byte("a")
	_, put := s.Put(t.Context(), "a", bytes.NewReader(b), 1, "", objecttest.Sum(b))
	_, open := s.Open(t.Context(), "a")
	for op, err := range map[string]error{"Put": put, "Open": open, "Delete": s.Delete(t.Context(), "a")} {
		if !errors.Is(err, object.ErrUnavailable) {
			t.Errorf("%s = %v, want ErrUnavailable", op, err)
		}
	}
	if took := time.Since(begin); took > 15*time.Second {
		t.Errorf("three operations took %v", took)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := s.Open(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, object.ErrUnavailable) {
		t.Errorf("Open past its deadline = %v, want DeadlineExceeded and ErrUnavailable", err)
	}
}

// Wrong credentials are not something to wait for.
func TestS3Denied(t *testing.T) {
	c := objecttest.StartS3(t).Config("denied")
	for name, change := range map[string]func(){
		"secret key": func() { c.SecretKey = "wrong" },
		"access key": func() { c.AccessKey = "nobody" },
	} {
		change()
		if err := newS3(t, c).Prepare(t.Context()); err == nil || errors.Is(err, object.ErrUnavailable) {
			t.Errorf("wrong %s: %v", name, err)
		} else {
			t.Logf("wrong %s: %v", name, err)
		}
	}
}

func TestS3BadConfig(t *testing.T) {
	for _, c := range []object.S3Config{
		{Endpoint: "127.0.0.1:1"},
		{Endpoint: "http://127.0.0.1:1", Bucket: "bucket"},
		{Endpoint: "", Bucket: "bucket"},
		{Endpoint: "127.0.0.1:1", Bucket: "bucket", Prefix: "../up"},
	} {
		if _, err := object.NewS3(c); err == nil {
			t.Errorf("NewS3(%+v) succeeded", c)
		}
	}
}

// sampling is a body that looks, every 8 MiB, how much memory is in use.
type sampling struct {
	io.ReadSeeker
	read, next int64
	peak       uint64 // bytes
}

func (s *sampling) Read(p []byte) (int, error) {
	n, err := s.ReadSeeker.Read(p)
	if s.read += int64(n); s.read >= s.next {
		s.next = s.read + 8<<20
		s.peak = max(s.peak, live())
	}
	return n, err
}

// live returns the bytes in use, without garbage.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A large object costs the memory of a part.
func TestS3BigObject(t *testing.T) {
	const size = 64 << 20
	s := newS3(t, objecttest.StartS3(t).Config("big"))
	b := objecttest.Bytes(1, size)
	sum := objecttest.Sum(b)
	body := &sampling{ReadSeeker: bytes.NewReader(b)}
	before := live()
	begin := time.Now()
	if _, err := s.Put(t.Context(), "big.webm", body, size, "video/webm", sum); err != nil {
		t.Fatal(err)
	}
	t.Logf("64 MiB in %v, at most %d KiB held", time.Since(begin), (body.peak-before)>>10)
	if held := body.peak - before; held > 12<<20 {
		t.Errorf("Put of 64 MiB held %d MiB, want at most 12", held>>20)
	}
	objecttest.Expect(t, s, "big.webm", b)
}

func TestS3Abort(t *testing.T) {
	s := newS3(t, objecttest.StartS3(t).Config("old"))
	if err := s.Abort(t.Context(), "", time.Now(), nil); err != nil {
		t.Errorf("no bucket yet: %v", err)
	}
	objecttest.Put(t, s, "a", []byte("a"))
	for _, key := range []string{"left/one", "left/two", "right/one"} {
		if err := s.Begin(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	known := func(key, _ string) bool { return key == "left/one" }
	for _, tt := range []struct {
		dir    string
		before time.Duration
		keep   func(key, id string) bool
		left   int
	}{{"", -time.Hour, nil, 3}, {"", time.Hour, known, 1}, {"right", time.Hour, nil, 1}, {"left", time.Hour, nil, 0}} {
		if err := s.Abort(t.Context(), tt.dir, time.Now().Add(tt.before), tt.keep); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Unfinished(t.Context()); n != tt.left || err != nil {
			t.Errorf("aborted in %q: %d left, %v, want %d", tt.dir, n, err, tt.left)
		}
	}
}
