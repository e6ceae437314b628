package recorder

import "time"

const (
	delayBucket  = 10 * time.Second
	delayBuckets = 6
	maxSlew      = 0.005                  // correction per time: 5 ms/s
	clockStep    = 500 * time.Millisecond // a line that moves more: the sender's clock was set
	jumpLimit    = 2 * time.Second        // RTP time against arrival, from here on not jitter
	jumpPatience = time.Second            // a track this long that late has stopped its clock, not stalled
	latelyBucket = 1500 * time.Millisecond
	stallLeast   = 40 * time.Millisecond // shorter ones are left to the line
	stallSlack   = 60 * time.Millisecond
	trustLimit   = 5 * time.Second // a target this far from arrival is nonsense
)

// minDelay keeps the smallest value of the last minute, in buckets.
type minDelay struct {
	start [delayBuckets]time.Duration
	least [delayBuckets]int64
	n     int // buckets in use
	head  int
}

func (m *minDelay) add(at time.Duration, v int64) {
	if m.n > 0 && at-m.start[m.head] < delayBucket {
		m.least[m.head] = min(m.least[m.head], v)
		return
	}
	if m.n > 0 {
		m.head = (m.head + 1) % delayBuckets
	}
	m.n = min(m.n+1, delayBuckets)
	m.start[m.head], m.least[m.head] = at, v
}

func (m *minDelay) min() (int64, bool) {
	if m.n == 0 {
		return 0, false
	}
	v := m.least[0]
	for _, x := range m.least[1:m.n] {
		v = min(v, x)
	}
	return v, true
}

// lately keeps the smallest value of the last moments, in two buckets.
type lately struct {
	start     time.Duration
	cur, prev int64
	n         int
}

func (l *lately) add(at time.Duration, v int64) {
	if l.n > 0 && at-l.start < latelyBucket {
		l.cur = min(l.cur, v)
		return
	}
	l.prev, l.cur, l.start = l.cur, v, at
	l.n++
}

// anchor ties one sender's clock to the conference's time line, for all tracks
// of a session: by the smallest delay of any packet. When the sender's clock
// is set, a new epoch begins, and tracks follow as their reports do.
type anchor struct {
	epoch  int
	offset minDelay // time line minus sender's clock, ns
}

// clock places one track's RTP times on the conference's time line. The line
// from the sender's reports gives the differences between tracks; until there
// is one, the smallest delay on arrival does. Times rise strictly, and
// corrections are spread over time.
type clock struct {
	rate    float64
	line    line
	epoch   int
	nominal minDelay // arrival minus nominal RTP time, ns
	recent  lately   // the same
	agreed  int64    // recent when a report agreed with the line
	leap    bool     // the track stood still for a moment: what follows belongs later, at once
	first   int64

	usual   time.Duration // delay of the stream before, for a track that began anew
	seen    bool
	last    int64 // RTP time observed last
	started bool
	ts      int64 // RTP time placed last, and its place
	out     time.Duration
	late    time.Duration // arrival since which the track is too late, 0: it is not
	delay   minDelay      // arrival minus place, ns
}

func newClock(rate uint32) *clock {
	return &clock{rate: float64(rate), line: newLine(rate)}
}

func (c *clock) span(ticks int64) time.Duration {
	return time.Duration(float64(ticks) * 1e9 / c.rate)
}

// report takes a sender report in.
func (c *clock) report(a *anchor, ts int64, ntp int64, arrived time.Duration) {
	had := c.line.ok
	if had {
		c.stalled(ts, ntp)
		had = c.line.ok
	}
	step := c.line.add(pair{rtp: ts, ntp: ntp})
	switch {
	case !c.line.ok:
		return
	case !had:
		c.epoch = a.epoch
	case step.Abs() > clockStep && c.epoch == a.epoch:
		a.epoch++
		a.offset = minDelay{}
		c.epoch = a.epoch
	case step.Abs() > clockStep:
		c.epoch = a.epoch
	case c.epoch != a.epoch: // another track saw a step that this one did not
		if off, ok := a.offset.min(); !ok || (time.Duration(c.line.at(ts)+off)-arrived).Abs() < jumpLimit {
			c.epoch = a.epoch
		}
	}
}

// stalled begins the line anew if the report says that the track's clock stood still and the arrival of its packets says the same, as
// happens to a browser that is short of CPU. A report that is wrong is not borne out by arrival.
func (c *clock) stalled(ts, ntp int64) {
	off := ntp - c.line.at(ts)
	if time.Duration(off).Abs() <= pairBand {
		c.agreed = c.recent.cur
		return
	}
	slack := min(int64(stallSlack), off/3)
	for _, delay := range []int64{c.recent.cur, c.recent.prev} {
		if off >= int64(stallLeast) && c.recent.n > 1 && time.Duration(delay-c.agreed-off).Abs() <= time.Duration(slack) {
			c.line, c.leap, c.agreed = newLine(uint32(c.rate)), true, delay
			return
		}
	}
}

// observe notes when a packet with that RTP time came.
func (c *clock) observe(a *anchor, ts int64, arrived time.Duration) {
	if !c.seen {
		c.seen, c.first = true, ts
	}
	c.last = ts
	late := int64(arrived - c.span(ts-c.first))
	c.nominal.add(arrived, late)
	c.recent.add(arrived, late)
	c.anchor(a, ts, arrived)
}

// anchor tells the session how late a packet came by the sender's clock.
func (c *clock) anchor(a *anchor, ts int64, arrived time.Duration) {
	if c.line.ok && c.epoch == a.epoch {
		a.offset.add(arrived, int64(arrived)-c.line.at(ts))
	}
}

// ready says whether the sender's clock is known.
func (c *clock) ready() bool { return c.line.ok }

// target is where ts belongs as far as is known now.
func (c *clock) target(a *anchor, ts int64) time.Duration {
	if c.line.ok && c.epoch == a.epoch {
		if off, ok := a.offset.min(); ok {
			return time.Duration(c.line.at(ts) + off)
		}
	}
	off, _ := c.nominal.min()
	return time.Duration(off) + c.span(ts-c.first) - c.usual
}

// time gives ts its place on the time line.
func (c *clock) time(a *anchor, ts int64, arrived time.Duration) time.Duration {
	target := c.target(a, ts)
	if !c.started {
		c.started = true
		c.settle(ts, arrived, max(target, c.out))
		return c.out
	}
	elapsed := c.span(ts - c.ts)
	out := c.out + elapsed
	if err := target - out; (target - arrived).Abs() < trustLimit+c.lateness(arrived, out) {
		limit := time.Duration(float64(elapsed.Abs()) * maxSlew)
		if c.leap && err > pairBand {
			limit = err
		}
		c.leap = c.leap && err <= 0 // still to come
		out += min(max(err, -limit), limit)
	}
	c.settle(ts, arrived, max(out, c.out+time.Millisecond))
	return c.out
}

// lateness of a frame against the usual delay, not negative.
func (c *clock) lateness(arrived, out time.Duration) time.Duration {
	usual, _ := c.delay.min()
	return max(0, arrived-out-time.Duration(usual))
}

func (c *clock) settle(ts int64, arrived, out time.Duration) {
	c.ts, c.out = ts, out
	c.delay.add(arrived, int64(arrived-out))
}

// jumped says that ts cannot be the continuation of the track: its RTP time
// ran ahead of arrival, back, or has stood still for long. Ask before observe.
func (c *clock) jumped(ts int64, arrived time.Duration) bool {
	if !c.seen {
		return false
	}
	off, _ := c.nominal.min()
	late := arrived - time.Duration(off) - c.span(ts-c.first)
	if late < -jumpLimit || c.span(ts-c.last) < -jumpLimit {
		return true
	}
	if late < jumpLimit {
		c.late = 0
		return false
	}
	if c.late == 0 {
		c.late = arrived
	}
	return arrived-c.late >= jumpPatience
}

// restart forgets the sender's clock, for a new stream on the same track. Its
// place is then told by arrival, less the usual delay, and lies behind the last one.
func (c *clock) restart() {
	if c.started {
		usual, _ := c.delay.min()
		c.usual = time.Duration(usual)
	}
	c.line = newLine(uint32(c.rate))
	c.nominal, c.recent, c.leap, c.seen, c.started, c.late = minDelay{}, lately{}, false, false, false, 0
	c.out += time.Millisecond
}
