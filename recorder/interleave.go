package recorder

import "time"

const (
	holdTime    = 3 * time.Second // for the first sender reports
	holdBytes   = 4 << 20         // and no more than this
	watermark   = 300 * time.Millisecond
	silentAfter = 500 * time.Millisecond // a stream without packets stops counting
)

// stretch is what the streams of a session share: the moment they work at,
// the time line and the sender's clock.
type stretch struct {
	now    time.Time
	origin time.Time
	anchor *anchor
	held   time.Time // since when frames are held back, zero: they are not
}

// hold begins to hold frames back until the clocks of all streams are known.
func (c *stretch) hold() {
	if c.held.IsZero() {
		c.held = c.now
	}
}

// release ends the holding when every stream with frames knows its clock, or
// has waited long enough, and gives the frames their places.
func (c *stretch) release(streams []*stream, force bool) {
	if !c.held.IsZero() {
		ready, bytes := true, 0
		for _, s := range streams {
			ready = ready && (len(s.raw) == 0 || s.clock.ready())
			bytes += s.bytes
		}
		if !force && !ready && bytes < holdBytes && c.now.Sub(c.held) < holdTime {
			return
		}
		c.held = time.Time{}
		// The delays of what came before the clocks were known count as well.
		for _, s := range streams {
			for _, f := range s.raw {
				s.clock.anchor(c.anchor, f.ts, f.arrived.Sub(c.origin))
			}
		}
	}
	for _, s := range streams {
		s.settle(c)
	}
}

// next picks the stream whose first frame is to be written now: the earliest,
// once every other stream has a later one, or has had time to bring an earlier
// one. nil: none yet.
func (c *stretch) next(streams []*stream, force bool) *stream {
	if !c.held.IsZero() && !force {
		return nil
	}
	var first *stream
	for _, s := range streams {
		if len(s.timed) > 0 && (first == nil || s.timed[0].at < first.timed[0].at) {
			first = s
		}
	}
	if first == nil || force {
		return first
	}
	wait, bytes := time.Duration(0), 0
	for _, s := range streams {
		bytes += s.bytes
		switch {
		case len(s.timed) > 0 || s.ended:
		case c.now.Sub(s.heard) < silentAfter:
			wait = max(wait, watermark+silentAfter)
		default:
			wait = max(wait, watermark)
		}
	}
	if bytes < holdBytes && c.now.Sub(first.timed[0].entered) < wait {
		return nil
	}
	return first
}
