package recorder

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// feed is one track of a simulated sender for the clock alone: an hour takes
// milliseconds.
type feed struct {
	clock   *clock
	rate    float64
	skew    float64 // of the RTP clock
	step    time.Duration
	lag     time.Duration
	reports time.Duration
	phase   time.Duration
	next    time.Duration
	report  time.Duration
}

func (f *feed) ts(at time.Duration) int64 { return int64(at.Seconds() * f.rate * (1 + f.skew)) }

// TestClockHour runs two tracks for an hour with RTP clocks, and the sender's
// own clock, off by 200 ppm each way, with jitter.
func TestClockHour(t *testing.T) {
	for _, c := range []struct {
		name                 string
		audio, video, sender float64
	}{
		{"all right", 0, 0, 0},
		{"RTP clocks", 200e-6, -200e-6, 0},
		{"sender fast", 0, 0, 200e-6},
		{"sender slow", 50e-6, -50e-6, -200e-6},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			var a anchor
			feeds := []*feed{
				{clock: newClock(48000), rate: 48000, skew: c.audio, step: 20 * time.Millisecond, reports: 5 * time.Second, phase: 2300 * time.Millisecond},
				{clock: newClock(90000), rate: 90000, skew: c.video, step: 33333 * time.Microsecond, lag: 60 * time.Millisecond, reports: time.Second, phase: 500 * time.Millisecond},
			}
			const hold = 3 * time.Second
			var place [2]float64 // ms: place minus capture
			worst, line, last := 0.0, 0.0, [2]time.Duration{-1, -1}
			for now := time.Duration(0); now < time.Hour; now += time.Millisecond {
				for i, f := range feeds {
					if f.report+f.phase <= now {
						at := f.report + f.phase
						ntp := int64(4e18) + int64(float64(at)*(1+c.sender))
						f.clock.report(&a, f.ts(at), ntp, now)
						f.report += f.reports
					}
					if f.next > now {
						continue
					}
					at := f.next
					f.next += f.step
					arrived := at + f.lag + 20*time.Millisecond + time.Duration(rng.ExpFloat64()*float64(8*time.Millisecond))
					if f.clock.jumped(f.ts(at), arrived) {
						t.Fatalf("track %d jumped at %v", i, at)
					}
					f.clock.observe(&a, f.ts(at), arrived)
					if now < hold {
						continue
					}
					out := f.clock.time(&a, f.ts(at), arrived)
					if out <= last[i] {
						t.Fatalf("track %d: %v after %v", i, out, last[i])
					}
					last[i] = out
					place[i] = float64(out-at) / 1e6
					if now > hold+30*time.Second {
						worst = max(worst, math.Abs(place[0]-place[1]))
						line = max(line, math.Abs(place[0]-20))
					}
				}
			}
			t.Logf("tracks at most %.2f ms apart, time line within %.2f ms of ours, at the end %.2f and %.2f", worst, line, place[0]-20, place[1]-20)
			if worst > 3 || line > 20 {
				t.Errorf("tracks %.2f ms apart, time line off by %.2f ms", worst, line)
			}
		})
	}
}

func TestLine(t *testing.T) {
	const sec = int64(90000)
	at := func(n int64, off time.Duration) pair { return pair{n * sec, 4e18 + n*1e9 + int64(off)} }
	for _, c := range []struct {
		name  string
		pairs []pair
		ok    bool
		at    int64         // seconds
		want  time.Duration // from the right line
	}{
		{"none", nil, false, 0, 0},
		{"one", []pair{at(1, 0)}, true, 9, 0},
		{"first wrong", []pair{at(1, 161e6), at(2, 0), at(3, 0)}, true, 4, 0},
		{"middle wrong", []pair{at(1, 0), at(2, 161e6), at(3, 0)}, true, 4, 0},
		{"doubled", []pair{at(1, 0), at(1, 0), at(1, 0)}, true, 4, 0},
		{"half speed", []pair{at(1, 0), at(2, -5e8), at(3, -1e9), at(4, -15e8)}, false, 0, 0},
		{"set by an hour", []pair{at(1, 0), at(2, 0), at(3, 0), at(4, 0), at(5, 0), at(6, 0), at(7, 36e11), at(8, 36e11), at(9, 36e11), at(10, 36e11), at(11, 36e11)}, true, 12, 36e11},
		{"four off and back", []pair{at(1, 0), at(2, 0), at(3, 0), at(4, 0), at(5, 0), at(6, 0), at(7, 36e11), at(8, 36e11), at(9, 36e11), at(10, 36e11), at(11, 0)}, true, 12, 0},
	} {
		l := newLine(90000)
		for _, p := range c.pairs {
			l.add(p)
		}
		if l.ok != c.ok {
			t.Errorf("%s: ok %v", c.name, l.ok)
		}
		if got := time.Duration(l.at(c.at*sec) - (4e18 + c.at*1e9)); c.ok && (got-c.want).Abs() > time.Millisecond {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestStalledNeedsArrival: a report that is off is believed at once only if the packets have come later by about as much.
func TestStalledNeedsArrival(t *testing.T) {
	for _, c := range []struct {
		off, later time.Duration
		want       bool
	}{
		{25 * time.Millisecond, 0, false}, {25 * time.Millisecond, 24 * time.Millisecond, false}, {60 * time.Millisecond, 30 * time.Millisecond, false}, {130 * time.Millisecond, 113 * time.Millisecond, true},
		{161 * time.Millisecond, 0, false}, {161 * time.Millisecond, 60 * time.Millisecond, false}, {-130 * time.Millisecond, 0, false},
		{0, 130 * time.Millisecond, false}, {time.Second, 960 * time.Millisecond, true},
	} {
		k, a := newClock(48000), new(anchor)
		at := func(sec float64) int64 { return int64(sec * 48000) }
		for n := range 500 {
			when := time.Duration(n) * opusStep
			late := 20 * time.Millisecond
			if n >= 300 {
				late += c.later
			}
			k.observe(a, at(when.Seconds()), when+late)
			if n == 100 || n == 200 {
				k.report(a, at(when.Seconds()), 4e18+int64(when), when+late)
			}
		}
		k.report(a, at(10), 4e18+int64(10*time.Second+c.off), 10*time.Second+20*time.Millisecond+c.later)
		if k.leap != c.want {
			t.Errorf("off by %v, %v later: believed %v", c.off, c.later, k.leap)
		}
	}
}

func TestNTPTime(t *testing.T) {
	at := time.Date(2031, 2, 3, 4, 5, 6, 789e6, time.UTC)
	if got := ntpTime(toNTP(at)) - 2208988800e9; got < at.UnixNano()-1 || got > at.UnixNano() {
		t.Errorf("%d, want %d", got, at.UnixNano())
	}
}
