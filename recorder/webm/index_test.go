package webm

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// section is an element of a finished file and where it is.
type section struct {
	at   int64
	id   uint64
	data []byte
}

// sections of the segment, in order; positions count from its data.
func sections(t *testing.T, b []byte) (all []section) {
	t.Helper()
	_, _, rest, ok := element(b)
	if !ok {
		t.Fatal("no EBML header")
	}
	id, data, rest, ok := element(rest)
	if !ok || id != 0x18538067 || len(rest) != 0 {
		t.Fatalf("segment %x, %v, %d bytes behind it", id, ok, len(rest))
	}
	for whole := data; len(data) > 0; data = rest {
		s := section{at: int64(len(whole) - len(data))}
		if s.id, s.data, rest, ok = element(data); !ok {
			t.Fatalf("torn element at %d", s.at)
		}
		all = append(all, s)
	}
	return all
}

// TestIndex: SeekHead and Cues point at what they say, keyframes begin
// clusters, and clusters are as short as promised.
func TestIndex(t *testing.T) {
	f := &memFile{}
	w, err := NewWriter(f, WebM, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	a, _ := w.AddTrack(opusTrack)
	var v int
	for ms := 0; ms < 20000; ms += 20 {
		at := time.Duration(ms) * time.Millisecond
		if err := w.Write(Block{Track: a, Time: at, Duration: 20 * time.Millisecond, Data: silence}); err != nil {
			t.Fatal(err)
		}
		if ms == 6000 { // a track that comes late
			if v, err = w.AddTrack(Track{Codec: VP8, Width: 2, Height: 2}); err != nil {
				t.Fatal(err)
			}
		}
		if v > 0 && ms%40 == 0 {
			if err := w.Write(Block{Track: v, Time: at, Keyframe: ms%3000 == 0, Data: make([]byte, 5000)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if ok, err := w.Finish(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	at, clusters := map[int64]section{}, map[int64]uint64{}
	for _, s := range sections(t, f.b) {
		at[s.at] = s
		if s.id == 0x1F43B675 {
			_, tc, rest, _ := element(s.data)
			clusters[s.at] = number(tc)
			n, last := 0, int16(0)
			for len(rest) > 0 {
				var data []byte
				_, data, rest, _ = element(rest)
				rel := int16(number(data[1:3]))
				if rel < last || rel > 1000 {
					t.Errorf("cluster at %d ms: block at %d after %d", number(tc), rel, last)
				}
				if data[0] == 0x82 && data[3]&0x80 != 0 && rel != 0 && n > 1 {
					t.Errorf("cluster at %d ms: keyframe at %d is block %d", number(tc), rel, n)
				}
				last = rel
				n++
			}
			if len(s.data) > clusterBytes+5100 {
				t.Errorf("cluster of %d bytes", len(s.data))
			}
		}
	}
	seen := map[uint64]bool{}
	var cueTimes []uint64
	for _, s := range at {
		switch s.id {
		case 0x114D9B74: // SeekHead
			for rest := s.data; len(rest) > 0; {
				var data, id, pos []byte
				_, data, rest, _ = element(rest)
				_, id, data, _ = element(data)
				_, pos, _, _ = element(data)
				if at[int64(number(pos))].id != number(id) {
					t.Errorf("SeekHead: %x is not at %d", id, number(pos))
				}
				seen[number(id)] = true
			}
		case 0x1C53BB6B: // Cues
			for rest := s.data; len(rest) > 0; {
				var point, tm, pos, cl []byte
				_, point, rest, _ = element(rest)
				_, tm, point, _ = element(point)
				_, pos, _, _ = element(point)
				_, _, pos, _ = element(pos) // track
				_, cl, _, _ = element(pos)
				cueTimes = append(cueTimes, number(tm))
				// Audio blocks of the same millisecond may come before the keyframe.
				if c, ok := clusters[int64(number(cl))]; !ok || c > number(tm) || number(tm)-c > uint64(clusterSpan.Milliseconds()) {
					t.Errorf("cue at %d ms: cluster %v at %d ms", number(tm), ok, c)
				}
			}
		}
	}
	if len(seen) != 3 || len(cueTimes) != 2+5 {
		t.Errorf("SeekHead has %d entries, cues %v", len(seen), cueTimes)
	}
	path := filepath.Join(t.TempDir(), "x.webm")
	if err := os.WriteFile(path, f.b, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("mkvmerge", "-o", path+".out", path).CombinedOutput()
	if err != nil || bytes.Contains(out, []byte("Warning")) {
		t.Errorf("mkvmerge: %v\n%s", err, out)
	}
}

// TestSeek: on a file of 30 MB a seek reads little, because there is an index.
func TestSeek(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.webm")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, err := NewWriter(file, WebM, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.AddTrack(Track{Codec: VP8, Width: 2, Height: 2})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3000 {
		if err := w.Write(Block{Track: v, Time: time.Duration(i) * 50 * time.Millisecond, Keyframe: i%60 == 0, Data: make([]byte, 10000)}); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := w.Finish(); !ok || err != nil {
		t.Fatal(ok, err)
	}
	out, err := exec.Command("ffprobe", "-v", "trace", "-read_intervals", "100%+#1", "-show_packets", path).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("pts_time=99.000000")) && !bytes.Contains(out, []byte("pts_time=100")) {
		t.Fatalf("ffprobe: %v\n%.2000s", err, out)
	}
	i := bytes.Index(out, []byte("Statistics: "))
	var read float64
	for _, c := range bytes.Fields(out[i:])[1:2] {
		for _, d := range c {
			read = read*10 + float64(d-'0')
		}
	}
	t.Logf("a seek into %d MB read %.0f KB", w.Size()>>20, read/1000)
	if i < 0 || math.IsNaN(read) || read > 2e6 {
		t.Errorf("seek read %.0f bytes", read)
	}
}
