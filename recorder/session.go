package recorder

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"showroom/recorder/webm"
)

// tick is how often a session looks at its queues. It is not told of each
// packet: forwarding must not pay for a wake-up.
const tick = 100 * time.Millisecond

// untilTick is until the next one, which is the same for all sessions: the process wakes up once for all of them.
func untilTick() time.Duration { return tick - time.Duration(time.Now().UnixNano())%tick }

// Session records one join of a participant, or one screen share, into a file
// (more than one if a codec changes).
type Session struct {
	conf *Conference
	who  Participant
	log  *slog.Logger
	wake chan struct{}
	stop chan struct{}
	done chan struct{}

	mu      sync.Mutex
	sources map[string]*Track // present track of each source
	fresh   []*Track          // not seen by the goroutine yet
	closed  bool

	// All below belongs to the goroutine.
	clock   stretch
	streams []*stream
	seg     *segment
	base    string // name of the file to come, once one is reserved
	tail    tail
	pause   pause
}

func newSession(c *Conference, p Participant) *Session {
	return &Session{
		conf: c, who: p, log: c.log.With("peer", p.ID),
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		sources: make(map[string]*Track),
		clock:   stretch{origin: c.origin, anchor: new(anchor)},
	}
}

// Close ends the session. Its file is finished in the background: Done tells
// when, Conference.Close waits for it.
func (s *Session) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.stop)
	}
}

// Done is closed when the session's files are finished and reported.
func (s *Session) Done() <-chan struct{} { return s.done }

func (s *Session) run() {
	defer close(s.done)
	defer s.conf.remove(s)
	t := time.NewTimer(untilTick())
	defer t.Stop()
	for last := false; !last; {
		select {
		case <-t.C:
			t.Reset(untilTick())
		case <-s.wake:
		case <-s.stop:
			last = true
		}
		err := s.guard(func() error { return s.work(last) })
		switch {
		case errors.Is(err, errPanicked):
			s.abandon(err)
			return
		case err != nil && last:
			s.finish(err)
			return
		case err != nil:
			s.suspend(err)
		}
	}
	s.finish(nil)
}

var errPanicked = errors.New("recorder panicked")

// guard is the last net under a bug: it ends this recording, not the process.
func (s *Session) guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("recorder panicked", "err", r, "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: %v", errPanicked, r)
		}
	}()
	return f()
}

// work does all there is to do now.
func (s *Session) work(last bool) error {
	s.clock.now = s.conf.rec.cfg.Now()
	s.adopt()
	for _, st := range s.streams {
		st.pull(&s.clock, last)
	}
	s.clock.release(s.streams, last)
	if s.pause.on {
		s.discard()
		return nil
	}
	for {
		st := s.clock.next(s.streams, last)
		if st == nil {
			break
		}
		f := st.shift()
		if err := s.write(st, f); err != nil {
			return err
		}
		st.asm.recycle(f.data)
	}
	if s.seg != nil {
		if err := s.seg.flushOld(s.clock.now); err != nil {
			return err
		}
		if err := s.seg.spare(s.clock.now); err != nil {
			return err
		}
		if err := s.journalNews(); err != nil {
			return err
		}
	}
	if err := s.keepTail(); err != nil {
		return err
	}
	if s.seg != nil {
		s.seg.publish()
	}
	for _, st := range s.streams {
		if ask := st.track.info.Keyframe; ask != nil && !last && st.wantsKey(s.clock.now) {
			ask()
		}
	}
	return nil
}

// adopt takes up the tracks that were added since the last time.
func (s *Session) adopt() {
	s.mu.Lock()
	fresh := s.fresh
	s.fresh = nil
	s.mu.Unlock()
	for _, t := range fresh {
		if st := s.stream(t.info.Source); st != nil {
			st.pull(&s.clock, true)
			st.settle(&s.clock)
			st.use(t)
			continue
		}
		st := newStream(t)
		st.heard = s.clock.now
		s.streams = append(s.streams, st)
	}
}

func (s *Session) stream(source string) *stream {
	for _, st := range s.streams {
		if st.track.info.Source == source {
			return st
		}
	}
	return nil
}

// abandon ends a session that cannot go on, keeping what is written.
func (s *Session) abandon(err error) {
	s.Close()
	s.mu.Lock()
	for _, t := range s.sources {
		t.q.close()
	}
	s.mu.Unlock()
	s.log.Error("recording stopped", "err", err)
	s.finish(err)
}

// finish closes the open file, if there is one, and tells of it. cause is why
// recording ends before its time, nil if it does not.
func (s *Session) finish(cause error) {
	var f File
	err := s.guard(func() (err error) {
		f, err = s.closeSegment(cause)
		return err
	})
	if cause == nil {
		cause = err
	}
	if cause != nil && f.Name == "" {
		f.Name, f.Source = s.unmade()
	}
	s.tell(f, cause)
}

// tell of a file that is done. cause is why it ended before its time, nil if it did not.
func (s *Session) tell(f File, cause error) {
	switch {
	case cause != nil:
		s.log.Error("recording failed", "file", f.Name, "err", cause)
		if s.conf.ev.Failed != nil {
			s.conf.ev.Failed(f, cause)
		}
	case f.Name != "":
		s.log.Info("recording finished", "file", f.Name, "duration_ms", f.Duration, "bytes", f.Size)
		if s.conf.ev.Finished != nil {
			s.conf.ev.Finished(f)
		}
	}
}

// unmade is the name that the file would have had, for those who are told that there is none, and what would have been in it.
func (s *Session) unmade() (name, source string) {
	var sources []string
	for _, st := range s.streams {
		sources = append(sources, st.track.info.Source)
	}
	slices.Sort(sources)
	return s.reserve() + string(s.format()), strings.Join(sources, "+")
}

// reserve is the name, without extension, of the file to come.
func (s *Session) reserve() string {
	if s.base == "" {
		screen := slices.ContainsFunc(s.streams, func(st *stream) bool { return strings.HasPrefix(st.track.info.Source, "screen") })
		s.base = baseName(s.who.ID, s.conf.nextNumber(s.who.ID), screen)
	}
	return s.base
}

// format of a file with the streams there are now.
func (s *Session) format() webm.Format {
	if slices.ContainsFunc(s.streams, func(st *stream) bool { return st.codec.name == "h264" }) {
		return webm.Matroska
	}
	return webm.WebM
}
