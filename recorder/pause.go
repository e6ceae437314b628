package recorder

import (
	"errors"
	"syscall"
	"time"
)

const (
	firstPause = 2 * time.Second
	lastPause  = 5 * time.Minute
	// leastFree is what a disk that was full must have free, bytes, whatever the configuration says.
	leastFree = 1 << 20
	// steady is how long a file must be written before the next failure counts as the first again.
	steady = 30 * time.Second
)

// pause of a session whose disk takes nothing: what comes is dropped and counted until it can be written again, to a new file.
type pause struct {
	on    bool
	space bool          // it ends when there is space, else when the time is up
	until time.Time     // next look
	wait  time.Duration // between the failure and the next attempt
	since time.Time     // end of the last pause
}

// suspend ends the file, says why, and waits for better times.
func (s *Session) suspend(cause error) {
	p := &s.pause
	p.on, p.space = true, errors.Is(cause, ErrNoSpace) || errors.Is(cause, syscall.ENOSPC)
	p.wait = min(2*p.wait, lastPause)
	if p.wait == 0 || s.clock.now.Sub(p.since) > steady {
		p.wait = firstPause
	}
	p.until = s.clock.now.Add(p.wait)
	s.finish(cause)
	if s.base != "" { // a file to come of which there is a tail at most
		if err := s.dropTail(s.base); err != nil {
			s.log.Warn("tail of a recording", "err", err)
		}
	}
	s.discard()
}

// discard throws away what cannot be written, and looks whether it can again.
func (s *Session) discard() {
	for _, st := range s.streams {
		st.dropped += int64(len(st.timed))
		st.bytes = 0
		for _, f := range st.raw {
			st.bytes += len(f.data)
		}
		clear(st.timed)
		st.timed = st.timed[:0]
		st.waitKey = !st.codec.audio
	}
	p := &s.pause
	if s.clock.now.Before(p.until) {
		return
	}
	if p.space && s.conf.rec.spool.room(max(s.conf.rec.cfg.MinFree, leastFree)) != nil {
		p.until = s.clock.now.Add(firstPause)
		return
	}
	p.on, p.since = false, s.clock.now
	s.log.Info("recording goes on in another file")
}
