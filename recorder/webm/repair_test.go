package webm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

// callFile is a torn file of so many seconds of sound and pictures; each frame holds its number, so that they differ.
func callFile(t testing.TB, seconds int) (*memFile, Known) {
	t.Helper()
	f := &memFile{}
	w, err := NewWriter(f, WebM, time.Unix(1, 0).UTC())
	if err != nil {
		t.Fatal(err)
	}
	tracks := []Track{opusTrack, {Codec: VP8, Width: 2, Height: 2}}
	for _, track := range tracks {
		if _, err := w.AddTrack(track); err != nil {
			t.Fatal(err)
		}
	}
	writeCall(t, w, 0, seconds*1000)
	return f, Known{Format: WebM, Started: time.Unix(1, 0).UTC(), Tracks: tracks}
}

// writeCall writes frames of that stretch (ms) and flushes.
func writeCall(t testing.TB, w *Writer, from, to int) {
	t.Helper()
	for ms := from; ms < to; ms += 20 {
		at := time.Duration(ms) * time.Millisecond
		data := binary.BigEndian.AppendUint32([]byte{silence[0]}, uint32(ms))
		if err := w.Write(Block{Track: 1, Time: at, Duration: 20 * time.Millisecond, Data: data}); err != nil {
			t.Fatal(err)
		}
		if ms%40 == 0 {
			picture := binary.BigEndian.AppendUint32(make([]byte, 200, 204), uint32(ms))
			if err := w.Write(Block{Track: 2, Time: at, Duration: 40 * time.Millisecond, Keyframe: ms%2000 == 0, Data: picture}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// frames of a file, by walking it: how many, and when the last one is.
func frames(t testing.TB, f *memFile) (n int, last time.Duration) {
	t.Helper()
	c := &memFile{b: bytes.Clone(f.b)}
	if _, err := walk(c, int64(len(c.b)), Known{}, func(b Block) { n++; last = b.Time }); err != nil {
		t.Fatal(err)
	}
	return n, last
}

// TestRepairAtEveryCut cuts a file at each of its bytes: what comes back grows with what is there, and repairing it again changes nothing.
func TestRepairAtEveryCut(t *testing.T) {
	whole := &memFile{}
	if ok, err := audioFile(whole, 200); !ok || err != nil {
		t.Fatal(ok, err)
	}
	last := time.Duration(0)
	for cut := 0; cut <= len(whole.b); cut++ {
		f := &memFile{b: bytes.Clone(whole.b[:cut])}
		w, err := Repair(f, int64(cut), Known{})
		if err != nil {
			if cut < HeadSize && !errors.Is(err, ErrBadFile) || cut >= HeadSize && !errors.Is(err, ErrEmpty) || last > 0 {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			continue
		}
		if w.Duration() < last {
			t.Fatalf("cut at %d: %v after %v", cut, w.Duration(), last)
		}
		last = w.Duration()
		once := bytes.Clone(f.b)
		if _, err := Repair(f, int64(len(once)), Known{}); err != nil || !bytes.Equal(f.b, once) {
			t.Fatalf("cut at %d: repaired again: %v, %d bytes of %d", cut, err, len(f.b), len(once))
		}
		if cut%500 == 0 {
			check(t, f.b)
		}
	}
	if last != 4*time.Second {
		t.Errorf("whole file lasts %v", last)
	}
}

// TestRepairKilled stops the repair at each of its calls, in the middle of what it writes, and repairs again: the result is the same.
func TestRepairKilled(t *testing.T) {
	torn, known := callFile(t, 6)
	torn.b = torn.b[:len(torn.b)-100]
	damage(torn.b, len(torn.b)/2, 40)
	tail, _ := callFile(t, 1)
	for name, repair := range map[string]func(f *memFile) (*Writer, error){
		"plain": func(f *memFile) (*Writer, error) { return Repair(f, int64(len(f.b)), known) },
		"with a tail": func(f *memFile) (*Writer, error) {
			return RepairWithTail(f, int64(len(f.b)), known, bytes.NewReader(tail.b), int64(len(tail.b)))
		},
	} {
		want := &memFile{b: bytes.Clone(torn.b)}
		if _, err := repair(want); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= want.calls; n++ {
			f := &memFile{b: bytes.Clone(torn.b), fail: n}
			if _, err := repair(f); !errors.Is(err, errBroken) {
				t.Fatalf("%s, stopped at call %d: %v", name, n, err)
			}
			f.fail = 0
			if _, err := repair(f); err != nil || !bytes.Equal(f.b, want.b) {
				t.Errorf("%s, stopped at call %d and repaired: %v, %d bytes, want %d", name, n, err, len(f.b), len(want.b))
			}
		}
	}
}

func damage(b []byte, at, n int) {
	for i := range n {
		b[at+i] ^= byte(0x55 + i)
	}
}

// TestRepairDamaged damages a file of three minutes at random: everything but the clusters that were hit comes back.
func TestRepairDamaged(t *testing.T) {
	whole, known := callFile(t, 180)
	all, end := frames(t, whole)
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 1))
		f := &memFile{b: bytes.Clone(whole.b)}
		hits := 1 + rng.IntN(8)
		for range hits {
			n := 1 + rng.IntN(64)
			damage(f.b, rng.IntN(len(f.b)-n), n)
		}
		w, err := Repair(f, int64(len(f.b)), known)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		n, last := frames(t, f)
		const cluster = 26 + 13 // frames in half a second, with one to spare
		if lost := all - n; lost > 2*hits*cluster {
			t.Errorf("seed %d: %d hits cost %d of %d frames", seed, hits, lost, all)
		}
		if end-last > time.Duration(hits)*clusterSpan || w.Duration() > end+time.Second {
			t.Errorf("seed %d: the last frame of %v is at %v, the file lasts %v", seed, end, last, w.Duration())
		}
		if sections := sections(t, f.b); len(sections) < 10 {
			t.Errorf("seed %d: %d sections", seed, len(sections))
		}
	}
}

// TestRepairTimes damages the times of clusters alone: one in the far future must not put what follows it in the past.
func TestRepairTimes(t *testing.T) {
	whole, known := callFile(t, 20)
	all, _ := frames(t, whole)
	at, last := 0, bytes.LastIndex(whole.b, idCluster) // what comes last has nothing behind it to tell
	for n := 0; ; n++ {
		i := bytes.Index(whole.b[at+1:], idCluster)
		if i < 0 {
			break
		}
		at += 1 + i
		if n == 0 {
			continue
		}
		f := &memFile{b: bytes.Clone(whole.b)}
		f.b[bytes.IndexByte(f.b[at:], 0xE7)+at+2] |= 0x70
		w, err := Repair(f, int64(len(f.b)), known)
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := frames(t, f); all-n > 2*39 || w.Duration().Seconds() > 21 && at < last {
			t.Errorf("cluster at %d: %d of %d frames, %v", at, n, all, w.Duration())
		}
	}
}

// TestRepairHead tears the head in every way; what is known of the file brings it back.
func TestRepairHead(t *testing.T) {
	torn, known := callFile(t, 3)
	all, _ := frames(t, torn)
	for at := 0; at < 600; at += 3 {
		f := &memFile{b: bytes.Clone(torn.b)}
		damage(f.b, at, 7)
		if _, err := Repair(f, int64(len(f.b)), known); err != nil {
			t.Fatalf("head damaged at %d: %v", at, err)
		}
		if n, _ := frames(t, f); n != all {
			t.Errorf("head damaged at %d: %d of %d frames", at, n, all)
		}
		f = &memFile{b: bytes.Clone(torn.b)}
		clear(f.b[:HeadSize])
		before := bytes.Clone(f.b)
		if _, err := Repair(f, int64(len(f.b)), Known{}); !errors.Is(err, ErrBadFile) || !bytes.Equal(f.b, before) {
			t.Fatalf("without a head and with nothing known: %v", err)
		}
	}
}

// TestRepairWithTail: what was in memory comes behind what is in the file, each frame once, also a track that the file does not know.
func TestRepairWithTail(t *testing.T) {
	for _, c := range []struct {
		from, to int // ms of the tail, on the file's time line
		shift    time.Duration
		want     int // frames
	}{
		{3000, 4000, 0, 75},
		{2000, 4000, 0, 75},
		{1000, 2000, 0, 0},
		{3000, 4000, 200 * time.Millisecond, 75},
		{2500, 4000, -30 * time.Millisecond, 75},
	} {
		f, known := callFile(t, 3)
		all, _ := frames(t, f)
		tail := &memFile{}
		w, err := NewWriter(tail, WebM, known.Started.Add(c.shift))
		if err != nil {
			t.Fatal(err)
		}
		for _, track := range known.Tracks {
			if _, err := w.AddTrack(track); err != nil {
				t.Fatal(err)
			}
		}
		writeCall(t, w, c.from, c.to)
		for range 2 { // again, as after a kill behind it
			if _, err := RepairWithTail(f, int64(len(f.b)), known, bytes.NewReader(tail.b), int64(len(tail.b))); err != nil {
				t.Fatal(err)
			}
			if n, _ := frames(t, f); n != all+c.want {
				t.Errorf("%+v: %d frames more, want %d", c, n-all, c.want)
			}
		}
		sections(t, f.b)
	}
	audio := &memFile{}
	if _, err := audioFile(audio, 100); err != nil {
		t.Fatal(err)
	}
	tail, _ := callFile(t, 3)
	w, err := RepairWithTail(audio, int64(len(audio.b)), Known{}, bytes.NewReader(tail.b), int64(len(tail.b)))
	if err != nil || w.MediaType() != TypeWebM {
		t.Fatalf("a tail with a camera behind a file with none: %v", err)
	}
}

func FuzzRepair(f *testing.F) {
	whole := &memFile{}
	if _, err := audioFile(whole, 60); err != nil {
		f.Fatal(err)
	}
	torn, known := callFile(f, 1)
	f.Add(whole.b, []byte(nil), false)
	f.Add(torn.b, whole.b, true)
	f.Fuzz(func(t *testing.T, b, tail []byte, remembered bool) {
		if !remembered {
			known = Known{}
		}
		m := &memFile{b: bytes.Clone(b)}
		w, err := RepairWithTail(m, int64(len(b)), known, bytes.NewReader(tail), int64(len(tail)))
		if err != nil {
			return
		}
		if w.Duration() < 0 || len(m.b) < HeadSize {
			t.Errorf("lasts %v, %d bytes", w.Duration(), len(m.b))
		}
		once := bytes.Clone(m.b)
		if again, err := Repair(m, int64(len(m.b)), known); err != nil || again.Duration() < w.Duration() {
			t.Errorf("repaired again: %v; %d bytes of %d", err, len(m.b), len(once))
		}
	})
}
