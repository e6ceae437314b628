package recorder

import (
	"bytes"
	"context"
	"encoding/binary"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// packets of the first n frames of a sample, in order.
func packets(t testing.TB, mime string, n int) (out []item) {
	t.Helper()
	pl, seq := payloader(mime), uint16(0)
	for i, f := range sample(t, mime, "160x120")[:n] {
		payloads := pl.Payload(1100, f)
		for k, b := range payloads {
			out = append(out, item{seq: seq, ts: uint32(i * 4500), marker: k == len(payloads)-1, payload: b})
			seq++
		}
	}
	return out
}

func assemble(t testing.TB, mime string) (*assembler, func(items ...item) []frame) {
	t.Helper()
	rate := uint32(90000)
	if mime == "audio/opus" {
		rate = 48000
	}
	c, err := codecFor(TrackInfo{MimeType: mime, ClockRate: rate})
	if err != nil {
		t.Fatal(err)
	}
	a := newAssembler(c)
	next := uint16(0)
	return a, func(items ...item) (out []frame) {
		for _, it := range items {
			if it.seq != next {
				a.missing(GapLoss)
			}
			next = it.seq + 1
			out = a.push(it, out)
		}
		return out
	}
}

// TestFrames are byte for byte those that the encoder made, for codecs whose
// frames are the same on the wire and in the file.
func TestFrames(t *testing.T) {
	for _, mime := range []string{"video/VP8", "video/VP9"} {
		_, push := assemble(t, mime)
		got := push(packets(t, mime, gop)...)
		want := sample(t, mime, "160x120")
		if len(got) != len(want) {
			t.Fatalf("%s: %d frames of %d", mime, len(got), len(want))
		}
		for i := range got {
			if !bytes.Equal(got[i].data, want[i]) || got[i].key != (i == 0) || got[i].gap != "" {
				t.Errorf("%s: frame %d: %d bytes of %d, key %v, gap %q", mime, i, len(got[i].data), len(want[i]), got[i].key, got[i].gap)
			}
		}
	}
}

// TestIncompleteFrames: each packet of the first six frames is lost in turn.
// No frame comes out that lacks one, and none that refers to a missing one.
func TestIncompleteFrames(t *testing.T) {
	for _, mime := range []string{"video/VP8", "video/VP9", "video/AV1", "video/H264"} {
		group := packets(t, mime, 6)
		for lost := range group {
			a, push := assemble(t, mime)
			var in []item
			for i, it := range group {
				if i != lost {
					in = append(in, it)
				}
			}
			again := packets(t, mime, 1) // the next keyframe
			for _, it := range again {
				it.seq, it.ts = it.seq+uint16(len(group)), 6*4500
				in = append(in, it)
			}
			got := push(in...)
			before := int(group[lost].ts / 4500)
			if len(got) != before+1 {
				t.Errorf("%s without packet %d (frame %d): %d frames", mime, lost, before, len(got))
				continue
			}
			if last := got[len(got)-1]; !last.key || before > 0 && last.gap != GapLoss || a.needKey {
				t.Errorf("%s without packet %d: last frame key %v, gap %q", mime, lost, last.key, last.gap)
			}
		}
	}
}

// TestOddPackets: padding, missing markers and the middle of a frame at the start.
func TestOddPackets(t *testing.T) {
	group := packets(t, "video/VP8", 3)
	_, push := assemble(t, "video/VP8")
	var in []item
	for i, it := range group {
		it.marker = false
		it.seq = uint16(2 * i)
		in = append(in, it, item{seq: uint16(2*i + 1), ts: it.ts})
	}
	if got := push(in...); len(got) != 2 { // the third is not known to be whole
		t.Errorf("without markers and with padding: %d frames", len(got))
	}
	_, push = assemble(t, "video/VP8")
	if got := push(group[1:]...); len(got) != 0 {
		t.Errorf("from the middle of a keyframe: %d frames", len(got))
	}
}

// ffprobe's own reading of the H.264 and AV1 headers is what ours must be.
func TestDescribe(t *testing.T) {
	for _, size := range []string{"160x120", "322x182", "640x360"} {
		for _, mime := range []string{"video/VP8", "video/VP9", "video/AV1", "video/H264"} {
			c, err := codecFor(TrackInfo{MimeType: mime, ClockRate: 90000})
			if err != nil {
				t.Fatal(err)
			}
			a := newAssembler(c)
			var got []frame
			payloads := payloader(mime).Payload(1100, sample(t, mime, size)[0])
			for k, b := range payloads {
				got = a.push(item{seq: uint16(k), payload: b, marker: k == len(payloads)-1}, got)
			}
			if len(got) != 1 {
				t.Fatalf("%s %s: no frame", mime, size)
			}
			tr := got[0].track
			w, h, _ := strings.Cut(size, "x")
			if strconv.Itoa(tr.Width) != w || strconv.Itoa(tr.Height) != h {
				t.Errorf("%s %s: %d×%d", mime, size, tr.Width, tr.Height)
			}
		}
	}
}

// TestPrivateData: what we say of a stream is what mkvmerge says of it.
func TestPrivateData(t *testing.T) {
	if b := avcC([]byte{0x67, 66, 0xC0, 20, 9}, []byte{0x68, 1}); !bytes.Equal(b, []byte{1, 66, 0xC0, 20, 0xFF, 0xE1, 0, 5, 0x67, 66, 0xC0, 20, 9, 1, 0, 2, 0x68, 1}) {
		t.Errorf("avcC % x", b)
	}
	if _, tr, ok := vp9Describe(sample(t, "video/VP9", "160x120")[0]); !ok || !bytes.Equal(tr.Private, []byte{1, 1, 0, 3, 1, 8, 4, 1, 1}) {
		t.Errorf("VP9 feature metadata % x", tr.Private)
	}
	av1 := sample(t, "video/AV1", "160x120")[0]
	for len(av1) > 0 && av1[0]>>3&15 != 1 { // temporal delimiter
		av1 = av1[2+int(av1[1]):]
	}
	s, ok := parseAV1Sequence(av1[2 : 2+av1[1]])
	if !ok || s.profile != 0 || s.subX != 1 || s.subY != 1 || s.mono != 0 || s.width != 160 || s.height != 120 {
		t.Errorf("sequence header %+v, %v", s, ok)
	}
	// ffmpeg writes the same av1C from the same stream.
	in, out := t.TempDir()+"/a.ivf", t.TempDir()+"/a.mkv"
	ivf := append([]byte("DKIF\x00\x00\x20\x00AV01"), make([]byte, 20)...)
	binary.LittleEndian.PutUint16(ivf[12:], 160)
	binary.LittleEndian.PutUint16(ivf[14:], 120)
	binary.LittleEndian.PutUint32(ivf[16:], 20)
	binary.LittleEndian.PutUint32(ivf[20:], 1)
	for i, f := range sample(t, "video/AV1", "160x120") {
		ivf = binary.LittleEndian.AppendUint32(ivf, uint32(len(f)))
		ivf = binary.LittleEndian.AppendUint64(ivf, uint64(i))
		ivf = append(ivf, f...)
	}
	if err := os.WriteFile(in, ivf, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := exec.Command("ffmpeg", "-v", "error", "-i", in, "-c", "copy", out).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, b)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, append(s.config(), av1[:2+av1[1]]...)) {
		t.Errorf("av1C % x % x is not what ffmpeg writes", s.config(), av1[:2+av1[1]])
	}
}

func FuzzDescribe(f *testing.F) {
	mimes := []string{"video/VP8", "video/VP9", "video/AV1", "video/H264", "audio/opus"}
	for i, m := range mimes {
		for _, it := range packets(f, m, 2) {
			f.Add(byte(i), it.payload, true)
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, payload []byte, marker bool) {
		mime := mimes[int(kind)%len(mimes)]
		a, push := assemble(t, mime)
		for i := range 3 {
			push(item{seq: uint16(i), ts: uint32(i), payload: bytes.Clone(payload), marker: marker})
		}
		a.codec.describe(payload)
		a.codec.begins(payload)
		if len(a.data) > maxFrame {
			t.Error("frame is not bounded")
		}
	})
}

// FuzzSession feeds a whole session with packets that the bytes describe:
// sequence, time, SSRC and payload as they like. Nothing may panic, and what
// comes out must be a file.
func FuzzSession(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x01\x00\x04abcd\x01\x00\x02\x01\x05\x03xyz"))
	key := packets(f, "video/VP8", 1)[0].payload
	f.Add(append([]byte{1, 0, 0, 1, 5, 200}, key[:200]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			rec, err := New(Config{Dir: dir, Log: slog.New(slog.DiscardHandler), MinFree: -1})
			if err != nil {
				t.Fatal(err)
			}
			c, err := rec.Conference("c", Events{Failed: func(_ File, err error) { t.Error(err) }})
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.Session(Participant{ID: "p"})
			if err != nil {
				t.Fatal(err)
			}
			var tracks []*Track
			for i, mime := range []string{"audio/opus", "video/VP8", "video/AV1", "video/H264"} {
				rate := uint32(90000)
				if i == 0 {
					rate = 48000
				}
				tr, err := s.Track(TrackInfo{Source: "s" + strconv.Itoa(i), MimeType: mime, ClockRate: rate})
				if err != nil {
					t.Fatal(err)
				}
				tracks = append(tracks, tr)
			}
			for len(b) > 6 {
				tr, now := tracks[b[0]%4], time.Now()
				if b[0]&0x40 != 0 {
					tr.WriteSenderReport(uint64(b[1])<<40|uint64(b[2])<<30, uint32(b[3])<<20, now)
				}
				p := &rtp.Packet{Header: rtp.Header{
					SequenceNumber: uint16(b[1]) << (b[2] % 9), Timestamp: uint32(b[3]) << (b[4] % 25), SSRC: uint32(b[0] >> 7), Marker: b[4]&1 == 0,
				}}
				n := min(int(b[5]), len(b)-6)
				p.Payload = b[6 : 6+n]
				b = b[6+n:]
				tr.WriteRTP(p, now)
				time.Sleep(time.Duration(n) * 7 * time.Millisecond)
			}
			if _, err := c.Close(context.Background()); err != nil {
				t.Error(err)
			}
			if err := rec.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
	})
}

// BenchmarkSession is the whole way of a packet into the file, on the session's
// goroutine: VP8 at 20 frames of 6 packets a second and Opus, synced to disk.
func BenchmarkSession(b *testing.B) {
	b.ReportAllocs()
	now := time.Now()
	rec, err := New(Config{Dir: b.TempDir(), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
	if err != nil {
		b.Fatal(err)
	}
	c, err := rec.Conference("c", Events{})
	if err != nil {
		b.Fatal(err)
	}
	s := newSession(c, Participant{ID: "p"}) // worked by hand
	mic, err := s.Track(TrackInfo{Source: "mic", MimeType: "audio/opus", ClockRate: 48000})
	if err != nil {
		b.Fatal(err)
	}
	cam, err := s.Track(TrackInfo{Source: "camera", MimeType: "video/VP8", ClockRate: 90000})
	if err != nil {
		b.Fatal(err)
	}
	group, opus := sample(b, "video/VP8", "640x360"), sample(b, "audio/opus", "")
	pl, start := payloader("video/VP8"), now
	var vs, as uint16
	packets, bytes, sent := 0, 0, 0
	for n := 0; b.Loop(); { // one packet each
		if packets > sent {
			sent++
			continue
		}
		at := now.Sub(start)
		payloads := pl.Payload(1100, group[n%gop])
		for k, p := range payloads {
			cam.WriteRTP(&rtp.Packet{Header: rtp.Header{SequenceNumber: vs, Timestamp: uint32(n * 4500), Marker: k == len(payloads)-1}, Payload: p}, now)
			vs++
			packets, bytes = packets+1, bytes+len(p)
		}
		for range 2 + n%2 {
			mic.WriteRTP(&rtp.Packet{Header: rtp.Header{SequenceNumber: as, Timestamp: uint32(as) * 960}, Payload: opus[int(as)%100]}, now)
			as++
			packets++
		}
		if n%20 == 0 {
			ntp := toNTP(start.Add(at))
			mic.WriteSenderReport(ntp, uint32(at.Seconds()*48000), now)
			cam.WriteSenderReport(ntp, uint32(at.Seconds()*90000), now)
		}
		n++
		now = start.Add(time.Duration(n) * 50 * time.Millisecond)
		if err := s.work(false); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(bytes)/float64(packets), "B/packet")
	if _, err := s.closeSegment(nil); err != nil {
		b.Error(err)
	}
	if _, err := c.Close(context.Background()); err != nil {
		b.Error(err)
	}
}

// BenchmarkWriteRTP is what recording costs the forwarding goroutine.
func BenchmarkWriteRTP(b *testing.B) {
	b.ReportAllocs()
	t := &Track{wake: make(chan struct{}, 1)}
	t.q.maxItems, t.q.maxBytes = 2048, 3<<20
	p := &rtp.Packet{Payload: make([]byte, 1100)}
	now := time.Now()
	var items []item
	var bufs [][]byte
	for i := 0; b.Loop(); i++ {
		p.SequenceNumber++
		t.WriteRTP(p, now)
		if i%200 == 199 { // the session's tick
			items, _ = t.q.take(items)
			bufs = bufs[:0]
			for _, it := range items {
				bufs = append(bufs, it.payload)
			}
			t.q.recycle(bufs)
		}
	}
}
