// Package objecttest holds the tests that every object.Store must pass, and
// starts a real S3 server for them and for others.
package objecttest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"showroom/store/object"
)

// Run tests stores made by open; each is empty.
func Run(t *testing.T, open func(t *testing.T) object.Store) {
	tests := []struct {
		name string
		test func(t *testing.T, s object.Store)
	}{
		{"PutOpen", testPutOpen},
		{"Replace", testReplace},
		{"Seek", testSeek},
		{"Delete", testDelete},
		{"List", testList},
		{"NotFound", testNotFound},
		{"Keys", testKeys},
		{"WrongBody", testWrongBody},
		{"BrokenBody", testBrokenBody},
		{"Cancel", testCancel},
		{"Concurrent", testConcurrent},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, open(t)) })
	}
}

// Bytes returns size bytes that are the same for the same seed.
func Bytes(seed uint64, size int) []byte {
	b := make([]byte, size)
	var s [32]byte
	s[0], s[1] = byte(seed), byte(seed>>8)
	rand.NewChaCha8(s).Read(b) //nolint:errcheck // never fails
	return b
}

// Sum returns the SHA-256 of b as Put wants it.
func Sum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Put stores b under key with its right size and checksum.
func Put(t testing.TB, s object.Store, key string, b []byte) object.Info {
	t.Helper()
	info, err := s.Put(t.Context(), key, bytes.NewReader(b), int64(len(b)), "video/webm", Sum(b))
	if err != nil {
		t.Fatalf("Put(%s, %d bytes): %v", key, len(b), err)
	}
	return info
}

// Expect fails the test unless key holds b; nil stands for no object.
func Expect(t testing.TB, s object.Store, key string, b []byte) {
	t.Helper()
	r, err := s.Open(t.Context(), key)
	if b == nil {
		if !errors.Is(err, object.ErrNotFound) {
			t.Fatalf("Open(%s) = %v, want ErrNotFound", key, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("Open(%s): %v", key, err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", key, err)
	}
	if !bytes.Equal(got, b) {
		t.Fatalf("%s holds %d other bytes, want %d", key, len(got), len(b))
	}
	if i := r.Info(); i.SHA256 != Sum(b) || i.Size != int64(len(b)) || i.Key != key {
		t.Fatalf("info of %s is %+v", key, i)
	}
}

func testPutOpen(t *testing.T, s object.Store) {
	for i, size := range []int{0, 1, 4095, 1 << 20, 8 << 20, 8<<20 + 1, 16 << 20, 20<<20 + 7} {
		key := fmt.Sprintf("recordings/conf_%d/a-b.webm", size)
		b := Bytes(uint64(i), size)
		info := Put(t, s, key, b)
		if age := time.Since(info.Modified).Abs(); age > time.Minute {
			t.Errorf("%s: modified %v ago", key, age)
		}
		if info.ContentType != "video/webm" || info.SHA256 != Sum(b) || info.Size != int64(size) || info.Key != key {
			t.Errorf("Put(%s) = %+v", key, info)
		}
		r, err := s.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		// iotest reads and seeks in every odd way, too slow for large ones.
		if size <= 4095 {
			err = iotest.TestReader(r, b)
		}
		if err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if got := r.Info(); !got.Modified.Equal(info.Modified) || got.ContentType != info.ContentType {
			t.Errorf("Open(%s) says %+v, Put said %+v", key, got, info)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		Expect(t, s, key, b)
	}
}

func testReplace(t *testing.T, s object.Store) {
	for i, size := range []int{100, 100, 9 << 20, 5, 0} {
		b := Bytes(uint64(i), size)
		Put(t, s, "a/b.webm", b)
		Expect(t, s, "a/b.webm", b)
		Put(t, s, "a/b.webm", b) // repeated by a caller that missed the answer
		Expect(t, s, "a/b.webm", b)
	}
}

func testSeek(t *testing.T, s object.Store) {
	b := Bytes(1, 3<<20)
	Put(t, s, "seek", b)
	r, err := s.Open(t.Context(), "seek")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want := bytes.NewReader(b)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		whence := rng.IntN(3)
		at := rng.Int64N(int64(len(b)))
		switch whence {
		case io.SeekCurrent:
			pos, _ := want.Seek(0, io.SeekCurrent)
			at -= pos
		case io.SeekEnd:
			at = -at
		}
		wantAt, wantErr := want.Seek(at, whence)
		gotAt, err := r.Seek(at, whence)
		if gotAt != wantAt || (err == nil) != (wantErr == nil) {
			t.Fatalf("Seek(%d, %d) = %d, %v", at, whence, gotAt, err)
		}
		n := rng.IntN(100_000)
		wantBytes, gotBytes := make([]byte, n), make([]byte, n)
		wantN, _ := io.ReadFull(want, wantBytes)
		gotN, _ := io.ReadFull(r, gotBytes)
		if gotN != wantN || !bytes.Equal(gotBytes, wantBytes) {
			t.Fatalf("%d bytes from %d differ", n, gotAt)
		}
	}
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("Seek to -1 succeeded")
	}
	if _, err := r.Seek(10, io.SeekEnd); err != nil {
		t.Errorf("Seek behind the end: %v", err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("Read behind the end = %d, %v", n, err)
	}
}

func testDelete(t *testing.T, s object.Store) {
	b := Bytes(1, 10)
	Put(t, s, "d/one", b)
	Put(t, s, "d/two", b)
	for range 2 { // the second time it is gone already
		if err := s.Delete(t.Context(), "d/one"); err != nil {
			t.Fatal(err)
		}
		Expect(t, s, "d/one", nil)
	}
	Expect(t, s, "d/two", b)
	for _, key := range []string{"never", "never/there", "d/two/below"} {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%s): %v", key, err)
		}
	}
	Put(t, s, "d/one", b)
	Expect(t, s, "d/one", b)
}

func testList(t *testing.T, s object.Store) {
	l := s.(object.Lister)
	for _, key := range []string{"l/one", "l/below/two", "lx", "l-", "m/l/three"} {
		Put(t, s, key, []byte(key))
	}
	for dir, want := range map[string]string{"l": "l/below/two l/one", "l/below": "l/below/two", "m": "m/l/three", "nothing": "", "lx": ""} {
		keys, err := l.List(t.Context(), dir)
		slices.Sort(keys)
		if got := strings.Join(keys, " "); got != want || err != nil {
			t.Errorf("List(%s) = %s, %v, want %s", dir, got, err, want)
		}
	}
	if _, err := l.List(t.Context(), "../l"); !errors.Is(err, object.ErrKey) {
		t.Errorf("List(../l) = %v, want ErrKey", err)
	}
}

func testNotFound(t *testing.T, s object.Store) {
	Put(t, s, "x/y", Bytes(1, 10))
	for _, key := range []string{"x", "y", "x/z", "x/y/z"} {
		Expect(t, s, key, nil)
	}
}

func testKeys(t *testing.T, s object.Store) {
	for _, key := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", ".hidden", "a/.b", "A", "a b", "a\x00", "a\\b", "ä", "a~meta", strings.Repeat("a", 201), strings.Repeat("a/", 300) + "a"} {
		_, err := s.Put(t.Context(), key, strings.NewReader("a"), 1, "text/plain", Sum([]byte("a")))
		_, openErr := s.Open(t.Context(), key)
		for _, err := range []error{err, openErr, s.Delete(t.Context(), key)} {
			if !errors.Is(err, object.ErrKey) {
				t.Errorf("key %q: %v, want ErrKey", key, err)
			}
		}
	}
	for _, key := range []string{"a", "0", "a.b..c", "_-.", "d/b/c/d/e", strings.Repeat("a", 200), strings.Repeat(strings.Repeat("b", 99)+"/", 5) + "c"} {
		Put(t, s, key, []byte(key))
	}
}

// testConcurrent repeats uploads of the same objects from several goroutines,
// as a restarted upload job may, while others read them.
func testConcurrent(t *testing.T, s object.Store) {
	for k := range 3 {
		Put(t, s, fmt.Sprintf("c/%d", k), Bytes(uint64(k), 1000))
	}
	meet(t, s, func(_, i int) (string, []byte) { return fmt.Sprintf("c/%d", i%3), Bytes(uint64(i%3), 1000) })
}

// RunConflict has writers of different objects and readers meet at one key:
// whoever opens it sees one of the objects, whole, with its own checksum.
// Services that replace in several steps cannot pass it.
func RunConflict(t *testing.T, s object.Store) {
	Put(t, s, "c/0", Bytes(100, 1000))
	meet(t, s, func(w, i int) (string, []byte) { return "c/0", Bytes(uint64(w*10+i), 1000) })
}

func meet(t *testing.T, s object.Store, choose func(worker, i int) (key string, b []byte)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for w := range 4 {
		wg.Go(func() {
			for i := range 10 {
				key, b := choose(w, i)
				if _, err := s.Put(t.Context(), key, bytes.NewReader(b), 1000, "", Sum(b)); err != nil {
					t.Errorf("Put: %v", err)
				}
			}
		})
		wg.Go(func() {
			for i := range 20 {
				key, _ := choose(w, i)
				r, err := s.Open(t.Context(), key)
				if err != nil {
					t.Errorf("Open: %v", err)
					continue
				}
				b, err := io.ReadAll(r)
				if err != nil || Sum(b) != r.Info().SHA256 {
					t.Errorf("read %d bytes, with the checksum of others: %v", len(b), err)
				}
				r.Close()
			}
		})
	}
}
