package object_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"showroom/store/object"
	"showroom/store/object/objecttest"
)

// liar is an S3 service of one object that may not keep what it was given.
type liar struct {
	mu sync.Mutex // held while it answers

	corrupt  bool // it stores other bytes
	checksum bool // it answers with a CRC32C
	cut      bool // it breaks off in the middle of an object
	refuse   int  // status of every answer, if not 0

	body    []byte
	header  http.Header
	deleted bool
}

// ServeHTTP implements http.Handler. Every address but the object's is the bucket.
func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := !strings.HasSuffix(r.URL.Path, "/key")
	switch {
	case l.refuse != 0:
		w.WriteHeader(l.refuse)
	case bucket && r.URL.Query().Has("uploads"):
		fmt.Fprint(w, "<ListMultipartUploadsResult/>")
	case bucket:
	case r.Method == http.MethodPut:
		l.header = r.Header.Clone()
		l.body = chunks(r.Body)
		if l.corrupt {
			l.body[0] ^= 1
		}
		w.Header().Set("ETag", `"etag"`)
	case r.Method == http.MethodDelete:
		l.deleted = true
		w.WriteHeader(http.StatusNoContent)
	default:
		l.answer(w, r)
	}
}

func (l *liar) setCut(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
}

func (l *liar) answer(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("ETag", `"etag"`)
	h.Set("X-Amz-Meta-Sha256", l.header.Get("X-Amz-Meta-Sha256"))
	if l.checksum {
		crc := crc32.Checksum(l.body, crc32.MakeTable(crc32.Castagnoli))
		h.Set("X-Amz-Checksum-Crc32c", base64.StdEncoding.EncodeToString([]byte{byte(crc >> 24), byte(crc >> 16), byte(crc >> 8), byte(crc)}))
		h.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	if l.cut && r.Method == http.MethodGet {
		h.Set("Content-Length", fmt.Sprint(len(l.body)))
		h.Set("Last-Modified", time.Now().UTC().Format(http.TimeFormat))
		w.Write(l.body[:len(l.body)/2])
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "", time.Now(), bytes.NewReader(l.body))
}

// chunks undoes the signed chunks an S3 client sends: a line with the size in
// hexadecimal digits, the bytes, an empty line.
func chunks(r io.Reader) []byte {
	raw, _ := io.ReadAll(r)
	var body []byte
	for {
		line, rest, _ := bytes.Cut(raw, []byte("\r\n"))
		var n int
		if _, err := fmt.Sscanf(string(line), "%x;", &n); err != nil || n == 0 {
			return body
		}
		body, raw = append(body, rest[:n]...), rest[n+2:]
	}
}

func newLiar(t *testing.T, l *liar) *object.S3 {
	t.Helper()
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	return newS3(t, object.S3Config{Endpoint: server.Listener.Addr().String(), Bucket: "bucket", PathStyle: true, AccessKey: "a", SecretKey: "b", Timeout: 5 * time.Second})
}

// Put believes the service only what it can prove.
func TestS3Proof(t *testing.T) {
	b := objecttest.Bytes(1, 1000)
	for _, tt := range []struct {
		name string
		liar *liar
		want error
	}{
		{"honest with CRC32C", &liar{checksum: true}, nil},
		{"honest without", &liar{}, nil},
		{"other bytes with CRC32C", &liar{checksum: true, corrupt: true}, object.ErrChecksum},
		{"other bytes without", &liar{corrupt: true}, object.ErrChecksum},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newLiar(t, tt.liar)
			_, err := s.Put(t.Context(), "key", bytes.NewReader(b), 1000, "", objecttest.Sum(b))
			if !errors.Is(err, tt.want) {
				t.Errorf("Put = %v, want %v", err, tt.want)
			}
			if tt.want == nil {
				objecttest.Expect(t, s, "key", b)
			}
			tt.liar.mu.Lock()
			defer tt.liar.mu.Unlock()
			if tt.liar.deleted != (tt.want != nil) {
				t.Errorf("deleted: %t", tt.liar.deleted)
			}
		})
	}
}

func TestS3Refusals(t *testing.T) {
	b := []byte("b")
	for status, want := range map[int]error{
		http.StatusInternalServerError: object.ErrUnavailable,
		http.StatusServiceUnavailable:  object.ErrUnavailable,
		http.StatusTooManyRequests:     object.ErrUnavailable,
		http.StatusInsufficientStorage: object.ErrFull,
	} {
		s := newLiar(t, &liar{refuse: status})
		if _, err := s.Put(t.Context(), "key", bytes.NewReader(b), 1, "", objecttest.Sum(b)); !errors.Is(err, want) {
			t.Errorf("%d: Put = %v, want %v", status, err, want)
		}
	}
}

// An answer that breaks off is an error, not the end of the object.
func TestS3CutAnswer(t *testing.T) {
	l := &liar{checksum: true}
	s := newLiar(t, l)
	b := objecttest.Bytes(1, 1000)
	objecttest.Put(t, s, "key", b)
	l.setCut(true)
	r, err := s.Open(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if !errors.Is(err, object.ErrUnavailable) {
		t.Errorf("read %d bytes, %v, want ErrUnavailable", len(got), err)
	}
	l.setCut(false)
	rest, err := io.ReadAll(r) // it goes on where it was
	if err != nil || !bytes.Equal(append(got, rest...), b) {
		t.Errorf("read %d and %d bytes, %v", len(got), len(rest), err)
	}
}
