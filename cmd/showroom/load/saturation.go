package load

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	busyPercent   = 97   // of all cores the server may use: more is not to be had
	tolerableLoss = 0.1  // percent
	delivered     = 0.95 // of what was sent for somebody must reach him
	roomsAtOnce   = 8    // are filled

	calmTries = 10                     // seconds, about
	idle      = 150 * time.Millisecond // of processor time in one of them: there is nothing to wait for
)

// Why saturation ended. The words are stable.
const (
	limitCPU      = "cpu"      // the server's cores are busy
	limitLoss     = "loss"     // more than 0.1 % is lost
	limitDelay    = "delay"    // p99 above --max-delay
	limitDelivery = "delivery" // less arrives than was sent
	limitTool     = "tool"     // this tool cannot go on: the server may do more
	limitRefused  = "refused"  // the server does not let everybody in
	limitMost     = "most"     // --most is reached
)

var limitText = map[string]string{
	limitCPU: "the server's cores are busy", limitLoss: "packets are lost", limitDelay: "packets are late", limitDelivery: "less arrives than was sent",
	limitTool: "this tool is at its end, the server is not: run it on another machine", limitRefused: "the server refuses who wants to join", limitMost: "--most is reached",
}

// Saturation is what the server can do at most.
type Saturation struct {
	Of    string    `json:"of"`    // viewers or calls
	Limit string    `json:"limit"` // what ended it: cpu, loss, delay, delivery, tool, refused, most
	Best  *Figures  `json:"best"`  // the most packets a second without loss and lateness; null if even the first step had them
	Half  *Figures  `json:"half"`  // at half as many
	Steps []Figures `json:"steps"`
}

// saturation raises the load until something gives, and measures once more at half of the best.
func (x *run) saturation(ctx context.Context, r *Report) error {
	o := x.options
	s := x.scenario("saturation by " + o.Saturate)
	found := &Saturation{Of: o.Saturate}
	err := s.play(ctx, func(ctx context.Context) error {
		if err := s.climb(ctx, found); err != nil || found.Best == nil {
			return err
		}
		if half := found.Best.Participants / 2; half > 1 {
			s.shrink(half)
			if err := s.calm(ctx); err != nil {
				return err
			}
			f, err := s.measure(ctx, o.Step)
			if err != nil {
				return err
			}
			f.Scenario = "half of it"
			found.Half = &f
		}
		return nil
	})
	if err == nil {
		r.Saturation = found
	}
	return err
}

// climb makes steps until something gives.
func (s *scenario) climb(ctx context.Context, found *Saturation) error {
	o := s.options
	size, have := max(1, o.Viewers), 0
	if o.Saturate == scenarioCalls {
		size = max(1, o.Calls)
	}
	for {
		size = min(size, o.Most)
		s.tell("%s: %d, joining", s.name, size)
		if err := s.grow(ctx, size-have); err != nil {
			return err
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
		have = size
		if err := s.calm(ctx); err != nil {
			return err
		}
		f, err := s.measure(ctx, o.Step)
		if err != nil {
			return err
		}
		f.Scenario = fmt.Sprint(size, " ", o.Saturate)
		found.Steps = append(found.Steps, f)
		s.tell("%s: %s", f.Scenario, f.line())
		busy := s.busy(f)
		found.Limit = s.limit(f, busy)
		if (found.Limit == "" || found.Limit == limitCPU) && (found.Best == nil || f.PacketsPerSecond > found.Best.PacketsPerSecond) {
			found.Best = &f
		}
		if found.Limit == "" && size == o.Most {
			found.Limit = limitMost
		}
		if found.Limit != "" {
			return nil
		}
		size = nextSize(size, busy)
	}
}

// calm waits until the server has done what joins and leaves give it to do: its load no longer falls.
func (s *scenario) calm(ctx context.Context) error {
	if s.server == nil {
		return pause(ctx, warmUp)
	}
	least := time.Duration(math.MaxInt64)
	for range calmTries {
		before, err := s.server.cpu()
		if err != nil {
			return err
		}
		if err := pause(ctx, warmUp); err != nil {
			return err
		}
		after, err := s.server.cpu()
		if err != nil {
			return err
		}
		used := after - before
		if used*10 >= least*9 || used < idle {
			return nil
		}
		least = used
	}
	return nil
}

// nextSize comes nearer in smaller steps. busy is in percent of what the server may use; negative: not known.
func nextSize(size int, busy float64) int {
	switch {
	case busy >= 0 && busy < 30:
		return size * 2
	case busy < 60:
		return size + max(1, size*2/5)
	}
	return size + max(1, size*3/20)
}

// busy is the share of its cores that the server uses, percent; −1 if its process is not measured.
func (s *scenario) busy(f Figures) float64 {
	if f.Process == nil {
		return -1
	}
	return f.Process.CPUPercent / float64(s.server.cores())
}

// limit says what gave at a step; empty: nothing.
func (s *scenario) limit(f Figures, busy float64) string {
	streams := 0
	for _, p := range s.live() {
		if p.failure() == nil {
			streams += len(p.streams())
		}
	}
	due := float64(streams) / 2 * packetsPerSecond(s.options.VideoKbps)
	switch {
	case f.NotSent > 0 || f.ToolDropped > 0:
		return limitTool
	case f.LostPercent > tolerableLoss:
		return limitLoss
	case f.DelayMicros.P99 > micros(s.options.MaxDelay):
		return limitDelay
	case len(f.Failures) > 0:
		return limitRefused
	case f.PacketsPerSecond < delivered*due:
		return limitDelivery
	case busy >= busyPercent:
		return limitCPU
	}
	return ""
}

// packetsPerSecond is what a publisher of sound and picture sends, without keyframes.
func packetsPerSecond(kbps int) float64 {
	const limit = packetPayload - descriptor
	return float64(time.Second/opusPacket) + frameRate*float64((frameBytes(kbps)+limit-1)/limit)
}

// grow adds calls, or rooms of viewers, several at once: each has a seller who admits.
func (s *scenario) grow(ctx context.Context, n int) error {
	var work []func() error
	if s.options.Saturate == scenarioCalls {
		for i := range n {
			work = append(work, func() error { return s.call(ctx, fmt.Sprintf("call of saturation %d", i+1), float64(i)/float64(n)) })
		}
	} else {
		for ; n > 0; n -= max(1, s.options.Viewers) {
			viewers := min(n, max(1, s.options.Viewers))
			work = append(work, func() error { return s.room(ctx, viewers) })
		}
	}
	return atOnce(roomsAtOnce, work)
}

// atOnce does the work, some of it at the same time, and gives the first error.
func atOnce(n int, work []func() error) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
	)
	next := func() func() error {
		mu.Lock()
		defer mu.Unlock()
		if len(work) == 0 || first != nil {
			return nil
		}
		job := work[0]
		work = work[1:]
		return job
	}
	for range n {
		wg.Go(func() {
			for job := next(); job != nil; job = next() {
				if err := job(); err != nil {
					mu.Lock()
					if first == nil {
						first = err
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return first
}

// shrink has the last ones leave until so many are there.
func (s *scenario) shrink(participants int) {
	all := slices.DeleteFunc(slices.Clone(s.live()), func(p *peer) bool { return p.failure() != nil })
	s.leave(all[min(participants, len(all)):])
}
