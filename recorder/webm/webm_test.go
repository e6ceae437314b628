package webm

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

var errBroken = errors.New("broken on purpose")

// memFile is a File in memory that fails at its nth call.
type memFile struct {
	b     []byte
	calls int
	fail  int // 0: never
	room  int // bytes it can hold, 0: any
}

func (f *memFile) broken() bool {
	f.calls++
	return f.calls == f.fail
}

func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	if f.broken() {
		half := b[:len(b)/2] // a torn write
		f.put(half, off)
		return len(half), errBroken
	}
	if f.room > 0 && int(off)+len(b) > f.room {
		n := max(0, min(len(b), f.room-int(off)))
		f.put(b[:n], off)
		return n, errors.Join(errBroken, syscall.ENOSPC)
	}
	f.put(b, off)
	return len(b), nil
}

func (f *memFile) put(b []byte, off int64) {
	if need := int(off) + len(b); need > len(f.b) {
		f.b = append(f.b, make([]byte, need-len(f.b))...)
	}
	copy(f.b[off:], b)
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	return bytes.NewReader(f.b).ReadAt(b, off)
}

func (f *memFile) Truncate(n int64) error {
	if f.broken() {
		return errBroken
	}
	f.b = f.b[:n]
	return nil
}

func (f *memFile) Sync() error {
	if f.broken() {
		return errBroken
	}
	return nil
}

var opusTrack = Track{Codec: Opus, Channels: 2, Private: OpusHead(2)}

// silence is a valid Opus packet of 20 ms (CELT, full band, no content).
var silence = []byte{0xFC, 0xFF, 0xFE}

// audioFile writes that many Opus packets and finishes.
func audioFile(f File, packets int) (bool, error) {
	w, err := NewWriter(f, WebM, time.Unix(1, 0))
	if err != nil {
		return false, err
	}
	n, err := w.AddTrack(opusTrack)
	for i := 0; err == nil && i < packets; i++ {
		err = w.Write(Block{Track: n, Time: time.Duration(i) * 20 * time.Millisecond, Duration: 20 * time.Millisecond, Data: silence})
	}
	ok, ferr := w.Finish()
	return ok, errors.Join(err, ferr)
}

// check has ffmpeg decode a file; it must not say a word.
func check(t *testing.T, b []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.webm")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", path, "-f", "null", "-").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("ffmpeg: %v\n%s", err, out)
	}
}

func TestFailingAtEveryCall(t *testing.T) {
	whole := &memFile{}
	if ok, err := audioFile(whole, 300); !ok || err != nil {
		t.Fatal(ok, err)
	}
	check(t, whole.b)
	for n := 1; n <= whole.calls; n++ {
		f := &memFile{fail: n}
		ok, err := audioFile(f, 300)
		if !errors.Is(err, errBroken) && n < whole.calls-4 {
			t.Errorf("call %d failed: error %v", n, err)
		}
		if ok && n%4 == 0 {
			check(t, f.b)
		}
		// Whatever was left, repair makes a file of it, or says there is nothing.
		w, err := Repair(f, int64(len(f.b)), Known{})
		switch {
		case err == nil:
			if w.Duration() <= 0 || n%4 == 1 {
				check(t, f.b)
			}
		case !errors.Is(err, ErrEmpty) && !errors.Is(err, ErrBadFile):
			t.Errorf("call %d failed: repair: %v", n, err)
		case n > 8:
			t.Errorf("call %d failed: nothing left: %v", n, err)
		}
	}
}

func TestFullDisk(t *testing.T) {
	for _, room := range []int{HeadSize + 500, HeadSize + 1000, HeadSize + 2000} {
		f := &memFile{room: room}
		ok, err := audioFile(f, 1000)
		if !ok || !errors.Is(err, errBroken) || len(f.b) > room {
			t.Errorf("room %d: ok %v, error %v, %d bytes", room, ok, err, len(f.b))
		}
		check(t, f.b)
	}
}

func TestOrder(t *testing.T) {
	w, err := NewWriter(&memFile{}, WebM, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.AddTrack(Track{Codec: H264}); !errors.Is(err, ErrFormat) {
		t.Errorf("H.264 in WebM: %v", err)
	}
	a, _ := w.AddTrack(opusTrack)
	b, _ := w.AddTrack(Track{Codec: VP8, Width: 2, Height: 2})
	for i, c := range []struct {
		track int
		ms    int
		want  error
	}{{a, 10, nil}, {a, 10, ErrOrder}, {b, 9, ErrOrder}, {b, 10, nil}, {a, 11, nil}, {b, 70000, nil}, {a, 69999, ErrOrder}} {
		err := w.Write(Block{Track: c.track, Time: time.Duration(c.ms) * time.Millisecond, Data: silence})
		if !errors.Is(err, c.want) {
			t.Errorf("%d: %v, want %v", i, err, c.want)
		}
	}
	if err := w.Write(Block{Track: 9}); err == nil {
		t.Error("unknown track was taken")
	}
}

func TestHeadFull(t *testing.T) {
	w, err := NewWriter(&memFile{}, WebM, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	big := Track{Codec: AV1, Width: 2, Height: 2, Private: make([]byte, 1800)}
	for i, want := range []error{nil, nil, ErrHeadFull} {
		if _, err := w.AddTrack(big); !errors.Is(err, want) {
			t.Errorf("track %d: %v", i, err)
		}
	}
	if _, err := w.AddTrack(opusTrack); err != nil {
		t.Errorf("small track behind a refused one: %v", err)
	}
}

func TestOpusDuration(t *testing.T) {
	for _, c := range []struct {
		packet string
		want   time.Duration
	}{
		{"", 20 * time.Millisecond},
		{"\x00", 10 * time.Millisecond},
		{"\x18", 60 * time.Millisecond},
		{"\x80", 2500 * time.Microsecond},
		{"\xFC", 20 * time.Millisecond},
		{"\xFD", 40 * time.Millisecond},
		{"\xFB\x03", 60 * time.Millisecond},
		{"\xFB", 20 * time.Millisecond},
		{"\xFB\x3F", 20 * time.Millisecond}, // 63 frames cannot be
	} {
		if got := OpusDuration([]byte(c.packet)); got != c.want {
			t.Errorf("%q: %v, want %v", c.packet, got, c.want)
		}
	}
}
