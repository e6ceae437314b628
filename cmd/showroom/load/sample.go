package load

import (
	"os"
	"time"
)

// sample is what was counted up to a moment.
type sample struct {
	at       time.Time
	cpu, own time.Duration // of the server's process and of this one
	memory   memory

	packets, bytes, resent, missed, nacked, keyframes, damaged, overrun uint64
	streams                                                             map[*inbound]counts
}

// sample counts now.
func (s *scenario) sample() (sample, error) {
	now := sample{streams: map[*inbound]counts{}}
	for _, p := range s.live() {
		now.packets += p.packets.Load()
		now.bytes += p.bytes.Load()
		now.resent += p.resent.Load()
		now.missed += p.missed.Load()
		now.nacked += p.nacked.Load()
		now.keyframes += p.keyframesAsked.Load()
		now.damaged += p.damaged.Load()
		now.overrun += p.port.overrun.Load()
		for _, in := range p.streams() {
			now.streams[in] = in.tally()
		}
	}
	now.at = time.Now()
	now.own, _ = newProcess("/proc", os.Getpid()).cpu() // without /proc it is not told
	if s.server == nil {
		return now, nil
	}
	var err error
	if now.cpu, err = s.server.cpu(); err != nil {
		return now, err
	}
	now.memory, err = s.server.memory()
	return now, err
}

// figures are what happened between two samples.
func (s *scenario) figures(before, after sample, delays *histogram) Figures {
	span := after.at.Sub(before.at)
	f := Figures{
		Scenario: s.name, Participants: s.present(), Seconds: span.Seconds(),
		ForwardedPackets:     after.packets - before.packets,
		Retransmitted:        after.resent - before.resent,
		RetransmissionsAsked: after.nacked - before.nacked,
		KeyframesAsked:       after.keyframes - before.keyframes,
		NotSent:              after.missed - before.missed,
		Damaged:              after.damaged - before.damaged,
		ToolDropped:          after.overrun - before.overrun,
		ToolCPUPercent:       percent(after.own-before.own, span),
		DelayMicros:          quantiles(delays, time.Microsecond),
		Failures:             sorted(s.failures()),
	}
	f.PacketsPerSecond = float64(f.ForwardedPackets) / f.Seconds
	f.ToolMicrosPerPacket = micros(after.own-before.own) / max(1, float64(f.ForwardedPackets))
	f.MegabitPerSecond = float64(after.bytes-before.bytes) * 8 / 1e6 / f.Seconds
	var total counts
	for in, c := range after.streams {
		total = total.plus(c.minus(before.streams[in]))
	}
	if total.expected > total.unique { // a retransmission of what was lost before the first sample may make it less
		f.Lost = total.expected - total.unique
		f.LostPercent = 100 * float64(f.Lost) / float64(total.expected)
	}
	f.Recovered = total.again
	joins := &histogram{}
	for _, p := range s.timed() {
		if d := p.joinTime(); d > 0 {
			joins.add(d)
		}
	}
	f.JoinMillis = quantiles(joins, time.Millisecond)
	if s.server != nil {
		f.Process = &ProcessFigures{
			CPUMicrosPerPacket: micros(after.cpu-before.cpu) / max(1, float64(f.ForwardedPackets)),
			CPUPercent:         percent(after.cpu-before.cpu, span),
			ResidentBytes:      after.memory.resident,
			AnonymousBytes:     after.memory.anonymous,
		}
	}
	return f
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func percent(part, whole time.Duration) float64 { return 100 * float64(part) / float64(whole) }

func quantiles(h *histogram, unit time.Duration) Quantiles {
	in := func(q float64) float64 { return float64(h.quantile(q)) / float64(unit) }
	return Quantiles{P50: in(0.5), P99: in(0.99), Values: h.n}
}
