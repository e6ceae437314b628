package webm

import (
	"bytes"
	"io"
	"testing"
	"time"
)

// TestLive reads a file while it grows: at each time it is a whole one, indexed, and what was read of an earlier time stays the same.
func TestLive(t *testing.T) {
	f, known := callFile(t, 0)
	w, err := NewWriter(f, WebM, known.Started)
	if err != nil {
		t.Fatal(err)
	}
	audio, err := w.AddTrack(known.Tracks[0])
	if err != nil {
		t.Fatal(err)
	}
	for ms := range 50 {
		if err := w.Write(Block{Track: audio, Time: time.Duration(ms*20) * time.Millisecond, Duration: 20 * time.Millisecond, Data: silence}); err != nil {
			t.Fatal(err)
		}
	}
	read := func(l Live) []byte {
		t.Helper()
		r, err := l.Reader(f)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil || int64(len(b)) != r.Size() {
			t.Fatalf("%d of %d bytes: %v", len(b), r.Size(), err)
		}
		return b
	}
	first := w.Live()
	early := read(first)
	check(t, early)
	if _, err := w.AddTrack(known.Tracks[1]); err != nil {
		t.Fatal(err)
	}
	for second := 1; second < 8; second++ {
		writeCall(t, w, second*1000, second*1000+1000)
		now := w.Live()
		b := read(now)
		clusters, points := map[int64]uint64{}, 0
		for _, s := range sections(t, b) {
			switch s.id {
			case 0x1F43B675:
				_, tc, _, _ := element(s.data)
				clusters[s.at] = number(tc)
			case 0x1C53BB6B:
				points = bytes.Count(s.data, []byte{0xBB})
			}
		}
		for _, s := range sections(t, b) {
			for rest := s.data; s.id == 0x1C53BB6B && len(rest) > 0; {
				var point, tm, pos, cl []byte
				_, point, rest, _ = element(rest)
				_, tm, point, _ = element(point)
				_, pos, _, _ = element(point)
				_, _, pos, _ = element(pos)
				_, cl, _, _ = element(pos)
				if at, ok := clusters[int64(number(cl))]; !ok || at > number(tm) {
					t.Errorf("after %d s: the cue of %d ms points at nothing", second, number(tm))
				}
			}
		}
		if points == 0 || now.Duration() != time.Duration(second+1)*time.Second {
			t.Errorf("after %d s: %d cues, %v", second, points, now.Duration())
		}
		again, ok := now.Before(first.End(), first.Duration(), first.Tracks())
		if !ok || !bytes.Equal(read(again), early) {
			t.Errorf("after %d s: what it was in the first is something else", second)
		}
		for _, bad := range []struct {
			end    int64
			d      time.Duration
			tracks int
		}{{0, 0, 1}, {now.End() + 1, 0, 1}, {now.End(), time.Hour, 1}, {now.End(), 0, 3}, {now.End(), 0, 0}, {now.End(), -1, 1}} {
			if _, ok := now.Before(bad.end, bad.d, bad.tracks); ok {
				t.Errorf("%+v was possible", bad)
			}
		}
	}
	early = read(w.Live())
	if ok, err := w.Finish(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if n, _ := frames(t, f); n == 0 || len(early) == 0 {
		t.Error("nothing")
	}
}
