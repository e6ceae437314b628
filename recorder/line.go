package recorder

import (
	"math"
	"time"
)

const (
	maxPairs  = 16
	pairAge   = 60 * time.Second      // pairs older than this, in RTP time, are forgotten
	pairBand  = 20 * time.Millisecond // pairs this close to one line agree
	pairSlack = 0.0005                // and this much more per second between them
	maxSkew   = 0.001                 // steepest slope believed, against nominal
	fitSpan   = 10 * time.Second      // least span from which a slope is fitted
	rejects   = 5                     // this many pairs off the line in a row replace it
)

// pair is what a sender report says: this RTP time was this NTP time.
type pair struct{ rtp, ntp int64 } // ticks; ns since 1900

// line is the straight line from a track's RTP time to its sender's clock. It
// follows the largest group of reports that agree with each other, because
// senders do send wrong ones: single ones far off, or a clock at half speed,
// in which case no two agree and there is no line.
type line struct {
	tick  float64 // ns, nominal
	pairs []pair
	ok    bool
	base  pair    // a point on the line
	slope float64 // ns a tick
}

func newLine(rate uint32) line {
	tick := 1e9 / float64(rate)
	return line{tick: tick, slope: tick}
}

// at is the sender's time of an RTP time, in ns since 1900.
func (l *line) at(rtp int64) int64 {
	return l.base.ntp + int64(float64(rtp-l.base.rtp)*l.slope)
}

// add takes a pair in and returns by how much the line moved there.
func (l *line) add(p pair) time.Duration {
	if n := len(l.pairs); n > 0 && l.pairs[n-1].rtp == p.rtp {
		return 0
	}
	l.forget(p.rtp)
	l.pairs = append(l.pairs, p)
	if l.ok && l.turnedAway() {
		l.pairs = append([]pair(nil), l.pairs[len(l.pairs)-rejects:]...)
	}
	had, before := l.ok, int64(0)
	if had {
		before = l.at(p.rtp)
	}
	group := l.largest()
	// Two of three must agree. A single pair, or two that differ, are taken on
	// trust until there is better.
	l.ok = len(group) >= 2 || len(l.pairs) <= 2
	if !l.ok {
		return 0
	}
	l.fit(group)
	if !had {
		return 0
	}
	return time.Duration(l.at(p.rtp) - before)
}

func (l *line) forget(now int64) {
	for len(l.pairs) > 0 {
		age := time.Duration(float64(now-l.pairs[0].rtp) * l.tick)
		if len(l.pairs) < maxPairs && age.Abs() <= pairAge {
			return
		}
		l.pairs = append(l.pairs[:0], l.pairs[1:]...)
	}
}

// turnedAway says that the last pairs all lie off the line.
func (l *line) turnedAway() bool {
	if len(l.pairs) < rejects {
		return false
	}
	for _, p := range l.pairs[len(l.pairs)-rejects:] {
		if time.Duration(p.ntp-l.at(p.rtp)).Abs() <= pairBand {
			return false
		}
	}
	return true
}

func (l *line) agree(a, b pair) bool {
	span := float64(b.rtp-a.rtp) * l.tick
	slope := l.slope
	if !l.ok {
		slope = l.tick
	}
	off := math.Abs(float64(b.ntp-a.ntp) - float64(b.rtp-a.rtp)*slope)
	return off <= float64(pairBand)+pairSlack*math.Abs(span)
}

// largest group of pairs that agree with one of them; on a tie the one that
// agrees with the present line.
func (l *line) largest() []pair {
	var best []pair
	bestScore := -1
	for _, p := range l.pairs {
		var group []pair
		for _, q := range l.pairs {
			if l.agree(p, q) {
				group = append(group, q)
			}
		}
		score := 2 * len(group)
		if l.ok && time.Duration(p.ntp-l.at(p.rtp)).Abs() <= pairBand {
			score++
		}
		if score > bestScore {
			best, bestScore = group, score
		}
	}
	return best
}

// fit lays the line through the group: by least squares when it spans long
// enough to tell a slope, else at nominal slope through its middle.
func (l *line) fit(group []pair) {
	o := group[0]
	n := float64(len(group))
	var x, y float64
	for _, p := range group {
		x += float64(p.rtp-o.rtp) / n
		y += float64(p.ntp-o.ntp) / n
	}
	slope := l.tick
	span := time.Duration(float64(group[len(group)-1].rtp-o.rtp) * l.tick)
	if span >= fitSpan && len(group) >= 3 {
		var xx, xy float64
		for _, p := range group {
			dx, dy := float64(p.rtp-o.rtp)-x, float64(p.ntp-o.ntp)-y
			xx += dx * dx
			xy += dx * dy
		}
		slope = min(max(xy/xx, l.tick*(1-maxSkew)), l.tick*(1+maxSkew))
	}
	l.slope = slope
	l.base = pair{rtp: o.rtp + int64(x), ntp: o.ntp + int64(y+(math.Floor(x)-x)*slope)}
}

// ntpTime turns an NTP time stamp of 32.32 bits into ns since 1900 (RFC 5905 §6).
func ntpTime(v uint64) int64 {
	return int64(v>>32)*1e9 + int64((v&0xFFFF_FFFF)*1e9>>32)
}
