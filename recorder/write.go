package recorder

import (
	"errors"
	"time"

	"showroom/recorder/webm"
)

const (
	lateClamp    = 20 * time.Millisecond  // a frame this little too late is moved, a later one dropped
	latePatience = 150 * time.Millisecond // frames dropped over so long are no burst
	silentGap    = time.Second            // a stretch without frames that is worth a gap
	lossGap      = 100 * time.Millisecond
	videoLength  = 33 * time.Millisecond // of a video frame whose successor is unknown
	longestVideo = 200 * time.Millisecond
)

// write puts a frame into the session's file, opening one, or another one if
// the codec has changed.
func (s *Session) write(st *stream, f frame) error {
	st.note(f.gap)
	if st.waitKey && !f.key {
		st.dropped++
		return nil
	}
	if s.seg != nil && !s.seg.takes(st, f) {
		if err := s.roll(); err != nil {
			return err
		}
		if st.waitKey = !f.codec.audio && !f.key; st.waitKey {
			st.dropped++
			return nil
		}
	}
	if s.seg == nil {
		if !f.codec.audio && !f.key {
			st.waitKey = true
			return nil
		}
		if err := s.openSegment(f.at); err != nil {
			return err
		}
	}
	number, err := s.seg.track(st, f)
	if err != nil {
		return err
	}
	s.tellStarted()
	at := f.at - s.seg.start
	switch floor := s.seg.latest; {
	case at >= floor:
	case floor-at <= lateClamp:
		at = floor
	default:
		st.late(&s.clock, f)
		return nil
	}
	st.lateFrom = 0
	at = at.Round(time.Millisecond)
	if began := st.written(number, s.seg); began >= 0 && at <= began {
		at = began + time.Millisecond
	}
	length := st.length(f, at)
	s.gap(st, at)
	st.waitKey, st.gap = false, ""
	st.last, st.end = at, at+length
	s.seg.latest = at
	return s.seg.write(webm.Block{Track: number, Time: at, Duration: length, Keyframe: f.key, Data: f.data}, f.arrived, s.clock.now)
}

// tellStarted tells of a file once, when it has its first track.
func (s *Session) tellStarted() {
	if s.seg.told {
		return
	}
	s.seg.told = true
	if s.conf.ev.Started != nil {
		s.conf.ev.Started(s.seg.file)
	}
}

// note remembers why something is missing; the gravest reason wins.
func (s *stream) note(reason string) {
	if reason != "" && s.gap != GapOverflow {
		s.gap = reason
	}
}

// late throws a frame away that lies before what is written. When that goes on, and not in one burst after a stall, the sender's
// clock runs slow, as a browser's does that is short of CPU: from then on arrival tells the place.
func (s *stream) late(c *stretch, f frame) {
	s.dropped++
	s.note(GapLate)
	s.waitKey = !s.codec.audio
	arrived := f.arrived.Sub(c.origin)
	if s.lateFrom == 0 {
		s.lateFrom = arrived
	}
	if arrived-s.lateFrom >= latePatience {
		s.lateFrom = 0
		s.renew(c)
	}
}

// written is where the stream's last frame in this file begins, -1 if there is none.
func (s *stream) written(number int, seg *segment) time.Duration {
	if !seg.has[number] {
		return -1
	}
	return s.last
}

// length of a frame: told by audio; for video as long as the one before it lasted.
func (s *stream) length(f frame, at time.Duration) time.Duration {
	if f.length > 0 {
		return f.length
	}
	if d := at - s.last; s.end > 0 && d > 0 && d <= longestVideo {
		return d
	}
	return videoLength
}

// gap notes a stretch of the stream in which nothing is recorded.
func (s *Session) gap(st *stream, at time.Duration) {
	number := s.seg.numbers[st.track.info.Source]
	if !s.seg.has[number] {
		s.seg.has[number] = true
		return
	}
	reason, least := st.gap, lossGap
	if reason == "" {
		reason, least = GapSilent, silentGap
	}
	if at-st.end < least || len(s.seg.file.Gaps) >= maxGaps {
		return
	}
	s.seg.file.Gaps = append(s.seg.file.Gaps, Gap{
		Source: st.track.info.Source, Start: st.end.Milliseconds(), End: at.Milliseconds(), Reason: reason,
	})
}

// roll ends the file; the next begins with the next frame, for video with a keyframe.
func (s *Session) roll() error {
	f, err := s.closeSegment(nil)
	if err != nil {
		return err
	}
	for _, st := range s.streams {
		st.waitKey = !st.codec.audio
	}
	s.log.Info("recording goes on in another file: the codec changed", "file", f.Name)
	if s.conf.ev.Finished != nil && f.Name != "" {
		s.conf.ev.Finished(f)
	}
	return nil
}

// closeSegment finishes the open file and enters it in the manifest. No name:
// there was none; no size: nothing could be kept.
func (s *Session) closeSegment(cause error) (File, error) {
	seg := s.seg
	if seg == nil {
		return File{Participant: s.who.ID, Role: s.who.Role}, nil
	}
	s.seg = nil
	defer s.conf.writing(seg, false) // when the manifest has it
	s.count(seg)
	for _, st := range s.streams {
		st.toldLost, st.toldDropped = st.counts()
	}
	f, err := seg.finish(cause)
	if f.Size == 0 {
		return f, err
	}
	return f, errors.Join(err, s.dropTail(seg.base), s.conf.enter(f, seg))
}
