package recorder

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// sim is a sender with a clock of its own and a network behind it. It plays in
// the bubble's time; what is fed where is decided by the script.
type sim struct {
	t      testing.TB
	start  time.Time
	ntp    time.Time // the sender's clock at start
	delay  func(at time.Duration, video bool) time.Duration
	lose   func(at time.Duration, video bool) bool
	rng    *rand.Rand
	events []event
}

type event struct {
	at  time.Duration // arrival, since start
	run func(now time.Time)
}

func newSim(t testing.TB) *sim {
	return &sim{
		t: t, start: time.Now(), ntp: time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC), rng: rand.New(rand.NewPCG(1, 2)),
		delay: func(time.Duration, bool) time.Duration { return 20 * time.Millisecond },
		lose:  func(time.Duration, bool) bool { return false },
	}
}

// source is one track as the sender makes it.
type source struct {
	mime, size string
	from, to   time.Duration
	skew       float64 // of its RTP clock against the sender's
	ssrc       uint32
	ts0        uint32
	seq0       uint16
	reports    time.Duration // between sender reports, 0: none
	wrong      func(n int) time.Duration
	lag        time.Duration // frames leave this much after capture
	mute       func(at time.Duration) bool
	sink       func() *Track
}

func (s *source) rate() float64 {
	if s.mime == "audio/opus" {
		return 48000
	}
	return 90000
}

func (s *source) ts(at time.Duration) uint32 {
	return s.ts0 + uint32(int64((at-s.from).Seconds()*s.rate()*(1+s.skew)))
}

func (m *sim) at(at time.Duration, run func(now time.Time)) {
	m.events = append(m.events, event{at, run})
}

// add schedules all packets and reports of a source.
func (m *sim) add(s *source) {
	frames, pl, video := sample(m.t, s.mime, s.size), payloader(s.mime), s.mime != "audio/opus"
	step := opusStep
	if video {
		step = time.Second / fps
	}
	seq := s.seq0
	last := time.Duration(0)
	for i := 0; s.from+time.Duration(i)*step < s.to; i++ {
		at := s.from + time.Duration(i)*step
		if s.mute != nil && s.mute(at) {
			continue
		}
		payloads := pl.Payload(1100, frames[i%len(frames)])
		for k, b := range payloads {
			p := &rtp.Packet{Header: rtp.Header{
				Version: 2, SSRC: s.ssrc, SequenceNumber: seq, Timestamp: s.ts(at), Marker: k == len(payloads)-1,
			}, Payload: b}
			seq++
			if m.lose(at, video) {
				continue
			}
			arrive := at + s.lag + m.delay(at, video)
			last = max(last, arrive)
			m.at(arrive, func(now time.Time) { s.sink().WriteRTP(p, now) })
		}
	}
	for n := 1; s.reports > 0 && s.from+time.Duration(n)*s.reports < s.to; n++ {
		at := s.from + time.Duration(n)*s.reports
		ntp := m.ntp.Add(at)
		if s.wrong != nil {
			ntp = ntp.Add(s.wrong(n))
		}
		m.at(at+m.delay(at, video), func(now time.Time) { s.sink().WriteSenderReport(toNTP(ntp), s.ts(at), now) })
	}
}

func (m *sim) play() {
	slices.SortStableFunc(m.events, func(a, b event) int { return int(a.at - b.at) })
	for _, e := range m.events {
		time.Sleep(time.Until(m.start.Add(e.at)))
		e.run(time.Now())
	}
}

func toNTP(t time.Time) uint64 {
	d := t.Sub(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC))
	return (uint64(d/time.Second)+2208988800)<<32 | uint64(d%time.Second)<<32/1e9
}

// call under test: one conference, its files and failures.
type rig struct {
	t        *testing.T
	dir      string
	rec      *Recorder
	conf     *Conference
	manifest Manifest

	mu       sync.Mutex
	started  []File
	finished []File
	failed   []error
	kept     []File // what failed sessions left
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	cfg.Log = slog.New(slog.DiscardHandler)
	rec, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, dir: cfg.Dir, rec: rec}
	return r
}

func (r *rig) open(id string) *Conference {
	r.t.Helper()
	var err error
	r.conf, err = r.rec.Conference(id, Events{
		Started: func(f File) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.started = append(r.started, f)
		},
		Finished: func(f File) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.finished = append(r.finished, f)
		},
		Failed: func(f File, err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.kept, r.failed = append(r.kept, f), append(r.failed, err)
		},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return r.conf
}

func (r *rig) session(id string) *Session {
	r.t.Helper()
	s, err := r.conf.Session(Participant{ID: id, Role: "seller"})
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r *rig) track(s *Session, source, mime string) *Track {
	r.t.Helper()
	rate := uint32(90000)
	if strings.EqualFold(mime, "audio/opus") {
		rate = 48000
	}
	t, err := s.Track(TrackInfo{Source: source, MimeType: mime, ClockRate: rate, Channels: 2})
	if err != nil {
		r.t.Fatal(err)
	}
	return t
}

func (r *rig) close() {
	r.t.Helper()
	m, err := r.conf.Close(context.Background())
	if err != nil {
		r.t.Error(err)
	}
	r.manifest = m
	if err := r.rec.Close(context.Background()); err != nil {
		r.t.Error(err)
	}
}

func (r *rig) path(f File) string { return filepath.Join(r.dir, r.conf.id, f.Name) }

// bubble runs f in fake time.
func bubble(t *testing.T, f func(t *testing.T, dir string)) {
	t.Helper()
	for _, m := range []string{"video/VP8", "video/VP9", "video/AV1", "video/H264"} {
		sample(t, m, "160x120")
	}
	sample(t, "audio/opus", "")
	dir := t.TempDir() // outside, so that the files outlive the bubble
	synctest.Test(t, func(t *testing.T) { f(t, dir) })
}
