package recorder

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"showroom/recorder/webm"
)

// clip is a sender of one source whose frames say when they were captured; what is written is found by that.
type clip struct {
	video         bool
	skew          float64                  // of its RTP clock against the sender's
	off           func(time.Duration) bool // nothing is captured
	dtx           func(time.Duration) bool // one packet of twenty is
	change        time.Duration            // SSRC, sequence and RTP time begin anew so often; 0: never
	reports, base time.Duration
	lag           time.Duration // of the encoder
	stall         time.Duration // for so long, at each of stalls, nothing is captured and the RTP clock stands still
	stalls        []time.Duration
	ts0           uint32
	seq0          uint16
}

// net is what happens on the way.
type net struct {
	sender  float64 // skew of the sender's NTP clock against ours
	loss    float64
	double  float64 // packets that come twice
	jitter  time.Duration
	outages time.Duration // every so often nothing arrives for two seconds and the way is another one afterwards; 0: never
}

const (
	clipFPS = 20
	outage  = 2 * time.Second
)

// frame of a clip: what a recorder looks at, and its number.
func (c *clip) frame(n int) []byte {
	if !c.video {
		return binary.BigEndian.AppendUint32([]byte{0xFC}, uint32(n))
	}
	b := []byte{0x10, 1, 0, 0, 0x9D, 0x01, 0x2A, 160, 0, 120, 0} // payload descriptor (RFC 7741 §4.2), frame header (RFC 6386 §9.1)
	if n%(2*clipFPS) == 0 || c.change > 0 && n%clipFPS == 0 {
		b[1] = 0
	}
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

// stood is for how long the clip has stood still by a time of its RTP clock.
func (c *clip) stood(at time.Duration) (d time.Duration) {
	for _, s := range c.stalls {
		if at >= s {
			d += c.stall
		}
	}
	return d
}

func (c *clip) step() time.Duration {
	if c.video {
		return time.Second / clipFPS
	}
	return opusStep
}

// play schedules a clip from a time on the sim's clock for so long.
func (c *clip) play(m *sim, n net, from, length time.Duration, sink *Track) {
	rate := 48000.0
	if c.video {
		rate = 90000
	}
	rng := rand.New(rand.NewPCG(uint64(from), uint64(rate)))
	delay := func(at time.Duration) (time.Duration, bool) {
		d := 20*time.Millisecond + time.Duration(rng.Float64()*float64(n.jitter))
		if n.outages > 0 {
			if at%n.outages > n.outages-outage {
				return 0, false
			}
			d += milliseconds(30 * int(at/n.outages%3))
		}
		return d, rng.Float64() >= n.loss
	}
	ssrc, seq, ts0, began := rand.Uint32(), c.seq0, c.ts0, from
	ts := func(at time.Duration) uint32 { return ts0 + uint32(int64((at-began).Seconds()*rate*(1+c.skew))) }
	report := from + c.base
	for i := 0; time.Duration(i)*c.step() < length; i++ {
		stood := c.stood(time.Duration(i) * c.step())
		at := from + time.Duration(i)*c.step() + stood
		if c.change > 0 && at-began >= c.change {
			ssrc, seq, ts0, began = rng.Uint32(), uint16(rng.Uint32()), rng.Uint32(), at
		}
		if report <= at {
			r, stamp, ntp := report, ts(report-stood), toNTP(m.ntp.Add(time.Duration(float64(report)*(1+n.sender))))
			if d, ok := delay(r); ok && r >= began {
				m.at(r+d, func(now time.Time) { sink.WriteSenderReport(ntp, stamp, now) })
			}
			report += c.reports
		}
		if c.off != nil && c.off(at) || c.dtx != nil && c.dtx(at) && i%20 != 0 {
			continue
		}
		p := &rtp.Packet{Header: rtp.Header{Version: 2, SSRC: ssrc, SequenceNumber: seq, Timestamp: ts(at - stood), Marker: true}, Payload: c.frame(i)}
		seq++
		if d, ok := delay(at); ok {
			m.at(at+c.lag+d, func(now time.Time) { sink.WriteRTP(p, now) })
			if rng.Float64() < n.double {
				m.at(at+c.lag+d+35*time.Millisecond, func(now time.Time) { sink.WriteRTP(p, now) })
			}
		}
	}
}

// placed is a frame in a file: when it was captured since the clip began, and where it is since the file's start.
type placed struct {
	video        bool
	captured, at time.Duration
}

// tape is a file that is not synced and keeps where its frames are.
type tape struct {
	webm.File
	mu     sync.Mutex
	frames []placed
}

func (p *tape) Sync() error { return nil }

// WriteAt reads the blocks of a cluster.
func (p *tape) WriteAt(b []byte, off int64) (int, error) {
	n, err := p.File.WriteAt(b, off)
	if err != nil || n < 4 || binary.BigEndian.Uint32(b) != 0x1F43B675 {
		return n, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	element := func() (id byte, data []byte) {
		id, b = b[0], b[1:]
		used, mask := 1, byte(0x80)
		for ; b[0]&mask == 0; used++ {
			mask >>= 1
		}
		size := int(b[0] &^ mask)
		for _, x := range b[1:used] {
			size = size<<8 | int(x)
		}
		data, b = b[used:used+size], b[used+size:]
		return id, data
	}
	b = b[3:]
	_, b = element()
	base := 0
	for len(b) > 0 {
		id, data := element()
		if id == 0xE7 {
			for _, x := range data {
				base = base<<8 | int(x)
			}
			continue
		}
		f := placed{video: len(data) > 10, at: milliseconds(base + int(binary.BigEndian.Uint16(data[1:])))}
		number := int(binary.BigEndian.Uint32(data[len(data)-4:]))
		if f.captured = milliseconds(20 * number); f.video {
			f.captured = milliseconds(1000 / clipFPS * number)
		}
		p.frames = append(p.frames, f)
	}
	return n, nil
}

func milliseconds(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// figures of a run, ms: picture against sound, and the time line against ours.
type figures struct {
	median, worst, drift float64 // drift an hour
	line                 float64
	pairs                int
}

// hold frames of one file against their capture. offset is of the file, from when its clip began.
func (p *tape) hold(offset time.Duration) (out figures) {
	var errs, at []float64
	sound := time.Duration(-1)
	var soundOff time.Duration
	least, most := math.Inf(1), math.Inf(-1)
	for _, f := range p.frames {
		off := f.at - f.captured
		place := float64(off+offset) / 1e6
		least, most = min(least, place), max(most, place)
		if !f.video {
			sound, soundOff = f.captured, off
			continue
		}
		if sound < 0 || (f.captured-sound).Abs() > time.Second {
			continue
		}
		errs = append(errs, float64(off-soundOff)/1e6)
		at = append(at, f.captured.Hours())
	}
	out.pairs, out.line = len(errs), most-least
	if out.pairs == 0 {
		return out
	}
	var x, y, xx, xy float64
	n := float64(len(errs))
	for i := range errs {
		x, y = x+at[i]/n, y+errs[i]/n
	}
	for i := range errs {
		xx += (at[i] - x) * (at[i] - x)
		xy += (at[i] - x) * (errs[i] - y)
	}
	out.drift = xy / xx
	sorted := make([]float64, len(errs))
	for i, e := range errs {
		sorted[i] = math.Abs(e)
	}
	slices.Sort(sorted)
	out.median, out.worst = sorted[len(sorted)/2], sorted[len(sorted)-1]
	return out
}

// between says whether a time is in the first half of a period.
func between(period, phase time.Duration) func(time.Duration) bool {
	return func(at time.Duration) bool { return (at+phase)%period < period/2 }
}

// TestSync records a microphone and a camera for five minutes of fake time, or what SHOWROOM_SYNC says (docs/recording.md has the figures of an
// hour), through one impairment after the other. Picture and sound stay within 40 ms of each other on the sender's clock.
func TestSync(t *testing.T) {
	length := 5 * time.Minute
	if s := os.Getenv("SHOWROOM_SYNC"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatalf("SHOWROOM_SYNC: %v", err)
		}
	}
	const ppm = 200e-6
	jitter := 100 * time.Millisecond
	for _, c := range []struct {
		name     string
		mic, cam clip
		net      net
		rejoin   time.Duration
	}{
		{name: "nothing"},
		{name: "RTP clocks ±200 ppm apart", mic: clip{skew: ppm}, cam: clip{skew: -ppm}},
		{name: "sender's clock 200 ppm fast", net: net{sender: ppm}, mic: clip{skew: -ppm}, cam: clip{skew: ppm}},
		{name: "sender's clock 200 ppm slow", net: net{sender: -ppm}},
		{name: "loss 10 %", net: net{loss: 0.1}},
		{name: "jitter 100 ms, reordered", net: net{jitter: jitter}},
		{name: "duplicates 10 %, reordered", net: net{double: 0.1, jitter: 40 * time.Millisecond}},
		{name: "sequence and time stamps wrap", mic: clip{ts0: math.MaxUint32 - 48000*60, seq0: 65000}, cam: clip{ts0: math.MaxUint32 - 90000*60, seq0: 65000}},
		{name: "mute and camera off", mic: clip{off: between(50*time.Second, 0)}, cam: clip{off: between(70*time.Second, 0)}},
		{name: "DTX", mic: clip{dtx: between(20*time.Second, 0)}},
		{name: "SSRC changes every minute", mic: clip{change: time.Minute}, cam: clip{change: 70 * time.Second}},
		{name: "ICE restart every minute", net: net{outages: time.Minute, jitter: 20 * time.Millisecond}},
		{name: "rejoin every minute", rejoin: time.Minute},
		{name: "all of it", mic: clip{skew: ppm, dtx: between(20*time.Second, 0), off: between(50*time.Second, 0)}, cam: clip{skew: -ppm, off: between(70*time.Second, 0), change: 100 * time.Second},
			net: net{sender: ppm, loss: 0.1, double: 0.1, jitter: jitter, outages: 2 * time.Minute}, rejoin: 5 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tapes []*tape
			var r *rig
			bubble(t, func(t *testing.T, dir string) {
				r = newRig(t, Config{Dir: dir})
				r.rec.wrap = func(f webm.File) webm.File {
					tapes = append(tapes, &tape{File: f})
					return tapes[len(tapes)-1]
				}
				r.open("c_1")
				part := length
				if c.rejoin > 0 {
					part = c.rejoin
				}
				for from := time.Duration(0); from < length; from += part {
					m := newSim(t)
					s := r.session("anna")
					mic, cam := c.mic, c.cam
					mic.reports, mic.base = 5*time.Second, 2300*time.Millisecond
					cam.video, cam.reports, cam.base, cam.lag = true, time.Second, 500*time.Millisecond, 60*time.Millisecond
					mic.play(m, c.net, 0, part-time.Second, r.track(s, "mic", "audio/opus"))
					cam.play(m, c.net, 0, part-time.Second, r.track(s, "camera", "video/VP8"))
					m.at(part, func(time.Time) { s.Close() })
					m.play()
				}
				r.close()
			})
			sum := figures{}
			for i, f := range r.manifest.Files {
				began := time.Duration(i) * max(c.rejoin, 0)
				got := tapes[i].hold(time.Duration(f.Offset)*time.Millisecond - began)
				sum.pairs += got.pairs
				sum.median, sum.worst = max(sum.median, got.median), max(sum.worst, got.worst)
				sum.line = max(sum.line, got.line)
				if len(r.manifest.Files) == 1 {
					sum.drift = got.drift
				}
			}
			t.Logf("%-32s %6d pairs: median %5.1f ms, worst %5.1f ms, drift %5.1f ms/h; time line strays %5.1f ms", c.name, sum.pairs, sum.median, sum.worst, sum.drift, sum.line)
			if want := int(length.Seconds()) * clipFPS / 20; sum.pairs < want {
				t.Errorf("%d pairs, want %d", sum.pairs, want)
			}
			if sum.worst > 40 {
				t.Errorf("picture and sound are %.1f ms apart, want at most 40", sum.worst)
			}
		})
	}
}
