package sfu

import (
	"math/rand/v2"
	"testing"
)

// TestWindow compares with a slow map: what it takes is new and within reach, once.
func TestWindow(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var w window
	seen := map[uint64]bool{}
	true64 := uint64(1<<32 + 65000)
	if ext, ok := w.add(65000); !ok || ext != true64 {
		t.Fatalf("the first is %d, %v", ext, ok)
	}
	seen[true64] = true
	highest := true64
	for n := range 200_000 {
		var next uint64
		switch r.IntN(10) {
		case 0:
			next = highest - uint64(r.IntN(2*windowSize))
		case 1:
			next = highest + uint64(r.IntN(3*windowSize))
		default:
			next = highest + 1
		}
		if next < true64 {
			continue
		}
		ext, ok := w.add(uint16(next))
		want := !seen[next] && (next > highest || highest-next < windowSize)
		if ok != want || (ok && ext != next) {
			t.Fatalf("step %d: %d (highest %d, seen %v) gives %d, %v", n, next, highest, seen[next], ext, ok)
		}
		if ok {
			seen[next] = true
		}
		highest = max(highest, next)
	}
	if lost := w.lost(); lost != highest-true64+1-uint64(len(seen)) {
		t.Errorf("%d lost of %d, %d came", lost, highest-true64+1, len(seen))
	}
}

func FuzzWindow(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 255, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		var w window
		seen := map[uint64]bool{}
		for ; len(b) >= 2; b = b[2:] {
			ext, ok := w.add(uint16(b[0])<<8 | uint16(b[1]))
			if !ok {
				continue
			}
			if seen[ext] || uint16(ext) != uint16(b[0])<<8|uint16(b[1]) {
				t.Fatalf("%d again, or of another packet", ext)
			}
			seen[ext] = true
		}
		if w.started && w.received != uint64(len(seen)) {
			t.Fatalf("%d received, %d taken", w.received, len(seen))
		}
	})
}

// TestSkip: what was not looked at is neither lost nor taken later.
func TestSkip(t *testing.T) {
	var w window
	w.skip(7) // nothing to skip yet
	if _, ok := w.add(65000); !ok {
		t.Fatal("the first packet was refused")
	}
	for _, step := range []uint16{1, 2, 255, 30_000} {
		seq := uint16(w.highest) + step
		w.skip(seq)
		if _, ok := w.add(seq); !ok || w.lost() != 0 {
			t.Fatalf("%d further: taken %v, %d lost", step, ok, w.lost())
		}
		if _, ok := w.add(seq - 1); ok && step > 1 {
			t.Errorf("%d further: one was taken from the time before", step)
		}
	}
	if _, ok := w.add(uint16(w.highest) + 3); !ok || w.lost() != 2 {
		t.Errorf("%d lost, want 2", w.lost())
	}
}
