package recorder

import (
	"log/slog"
	"runtime"
	"testing"
	"time"

	"github.com/pion/rtp"

	"showroom/recorder/webm"
)

// TestMemory records ten cameras of 1.5 Mbit/s with microphones, and then ten whose disk stands still while everything a sender can do to fill
// memory is done. It holds what a track takes against what is promised.
func TestMemory(t *testing.T) {
	const (
		sessions = 10
		usual    = 1 << 20 // bytes a track, promised in docs/recording.md
		most     = 8 << 20
	)
	for _, c := range []struct {
		name    string
		stalled bool
		limit   int
	}{{"usual", false, usual}, {"stalled disk", true, most}} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Now()
			rec, err := New(Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
			if err != nil {
				t.Fatal(err)
			}
			rec.wrap = func(f webm.File) webm.File { return &unsyncedFile{f} }
			conf, err := rec.Conference("c", Events{})
			if err != nil {
				t.Fatal(err)
			}
			before := heap()
			var all []*Session
			var tracks []*Track
			for range sessions {
				s := newSession(conf, Participant{ID: "p"}) // worked by hand
				all = append(all, s)
				for _, info := range []TrackInfo{{Source: "mic", MimeType: "audio/opus", ClockRate: 48000}, {Source: "camera", MimeType: "video/VP8", ClockRate: 90000}} {
					tr, err := s.Track(info)
					if err != nil {
						t.Fatal(err)
					}
					tracks = append(tracks, tr)
				}
			}
			start := now
			payload := make([]byte, 1100)
			for n := range 200 { // twenty seconds in steps of 100 ms
				for i, tr := range tracks {
					count, step := 5, uint32(960)
					if i%2 == 1 {
						count, step = 17, 9000
					}
					for k := range count {
						seq := n*count + k
						p := &rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(seq), Timestamp: uint32(n) * step, Marker: k == count-1}, Payload: payload}
						if i%2 == 0 {
							p.Timestamp, p.Payload = uint32(seq)*960, payload[:100]
						} else if payload[0] = 0; k == 0 {
							p.Payload = append([]byte{0x10, 0, 0, 0, 0x9D, 0x01, 0x2A, 64, 1, 180, 0}, payload...)
						}
						if c.stalled && i%2 == 1 && seq%400 == 399 {
							continue // a hole, behind which all waits
						}
						tr.WriteRTP(p, now)
					}
					tr.WriteSenderReport(toNTP(now), uint32(now.Sub(start).Seconds()*map[bool]float64{true: 90000, false: 48000}[i%2 == 1]), now)
				}
				now = now.Add(100 * time.Millisecond)
				if c.stalled && n > 20 {
					continue
				}
				for _, s := range all {
					if err := s.work(false); err != nil {
						t.Fatal(err)
					}
				}
			}
			took := (heap() - before) / len(tracks)
			t.Logf("%s: %d KiB a track", c.name, took>>10)
			if took > c.limit {
				t.Errorf("%d bytes a track, want at most %d", took, c.limit)
			}
			for _, s := range all {
				if _, err := s.closeSegment(nil); err != nil {
					t.Error(err)
				}
			}
			if err := rec.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

type unsyncedFile struct{ webm.File }

func (f *unsyncedFile) Sync() error { return nil }

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
