package recorder

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"showroom/recorder/webm"
)

const (
	// tailAfter is how long a frame waits in memory before it is worth a tail; most wait for less than 100 ms.
	tailAfter = 600 * time.Millisecond
	// tailEvery is how often a tail is written anew while frames wait.
	tailEvery = 400 * time.Millisecond
)

// tail is what a session knows of the file beside its own in which frames are that wait in memory: for the first sender reports,
// which can take three seconds, and a crash must not cost them. It is written whole, never changed, and Repair puts it behind the file.
type tail struct {
	base   string    // it is there; "" it is not
	saved  time.Time // all that had arrived by then is in it
	tracks int       // that the journal has
}

// held is a frame with the place it would have now.
type held struct {
	frame
	stream *stream
}

// keepTail writes a tail if frames have been waiting for long, and removes it when they are in the file. What fails of the tail is
// only told: the frames are in memory still.
func (s *Session) keepTail() error {
	now, oldest := s.clock.now, s.oldest()
	var err error
	switch {
	case s.tail.base != "" && (oldest.IsZero() || oldest.After(s.tail.saved)):
		if s.seg != nil {
			if err := s.seg.w.Flush(); err != nil {
				return err
			}
		}
		err = s.dropTail(s.tail.base)
	case !oldest.IsZero() && now.Sub(oldest) >= tailAfter && now.Sub(s.tail.saved) >= tailEvery:
		s.tail.saved = now
		err = s.saveTail()
	}
	if err != nil {
		s.log.Warn("tail of a recording", "err", err)
	}
	return nil
}

// oldest arrival of a frame that waits, zero if none does.
func (s *Session) oldest() (at time.Time) {
	for _, st := range s.streams {
		for _, frames := range [][]frame{st.timed, st.raw} {
			if len(frames) > 0 && (at.IsZero() || frames[0].arrived.Before(at)) {
				at = frames[0].arrived
			}
		}
	}
	return at
}

// waiting are the frames that are in no file, by time.
func (s *Session) waiting() (all []held) {
	for _, st := range s.streams {
		for _, f := range st.timed {
			all = append(all, held{f, st})
		}
		for _, f := range st.raw {
			f.at = st.clock.target(s.clock.anchor, f.ts)
			all = append(all, held{f, st})
		}
	}
	slices.SortStableFunc(all, func(a, b held) int { return cmp.Compare(a.at, b.at) })
	return all
}

// saveTail writes all frames that wait.
func (s *Session) saveTail() error {
	if s.seg == nil && s.conf.rec.spool.room(s.conf.rec.cfg.MinFree) != nil {
		return nil // there will be no file
	}
	all := s.waiting()
	var base string
	format, start := s.format(), max(all[0].at, 0).Truncate(time.Millisecond)
	if s.seg != nil {
		base, format, start = s.seg.base, s.seg.format, s.seg.start
	} else {
		base = s.reserve()
	}
	dir, name := s.conf.dir, base+tailSuffix
	f, err := dir.root.OpenFile(name+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return fmt.Errorf("open tail: %w", err)
	}
	w, file, err := s.writeTail(f, format, start, all)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = dir.root.Rename(name+".tmp", name)
	}
	if err != nil {
		_ = dir.remove(name + ".tmp") // the first error is the one to tell
		return fmt.Errorf("write tail: %w", err)
	}
	if s.tail.base == base && s.tail.tracks == len(w.Tracks()) {
		return nil
	}
	s.tail.base, s.tail.tracks = base, len(w.Tracks())
	if s.seg != nil { // Repair finds new tracks in the tail itself
		return nil
	}
	file.Participant, file.Role, file.Name, file.Offset = s.who.ID, s.who.Role, base+string(format), start.Milliseconds()
	return dir.saveJournal(base, journal{File: file, Started: w.Started(), Tracks: w.Tracks()})
}

// unsynced is a file that is synced once, at its end.
type unsynced struct{ *os.File }

func (unsynced) Sync() error { return nil }

// writeTail renders the frames and says what is in it.
func (s *Session) writeTail(f *os.File, format webm.Format, start time.Duration, all []held) (w *webm.Writer, file File, err error) {
	if w, err = webm.NewWriter(unsynced{f}, format, s.conf.origin.Add(start)); err != nil {
		return w, file, err
	}
	numbers, last := make(map[*stream]int), make(map[*stream]time.Duration)
	var sources []string
	latest := time.Duration(0)
	for _, h := range all {
		if numbers[h.stream] == 0 {
			t, ok := s.begins(h)
			if !ok || !format.Takes(t.Codec) {
				continue
			}
			if numbers[h.stream], err = w.AddTrack(t); err != nil {
				return w, file, err
			}
			last[h.stream] = -time.Millisecond
			file.Codecs = append(file.Codecs, h.codec.name)
			sources = append(sources, h.stream.track.info.Source)
		}
		at := max((h.at - start).Round(time.Millisecond), last[h.stream]+time.Millisecond, latest)
		last[h.stream], latest = at, at
		b := webm.Block{Track: numbers[h.stream], Time: at, Duration: h.length, Keyframe: h.key, Data: h.data}
		if err := w.Write(b); err != nil {
			return w, file, err
		}
	}
	slices.Sort(sources)
	file.Source = strings.Join(sources, "+")
	return w, file, w.Flush()
}

// begins says whether a stream can begin with that frame in a tail, and as what track.
func (s *Session) begins(h held) (webm.Track, bool) {
	if s.seg != nil && !s.seg.takes(h.stream, h.frame) {
		return webm.Track{}, false
	}
	if s.seg != nil && !h.stream.waitKey {
		if n := s.seg.numbers[h.stream.track.info.Source]; n != 0 {
			return s.seg.w.Tracks()[n-1], true
		}
	}
	return h.track, h.codec.audio || h.key
}

// dropTail removes the tail of that name, if there is one, and its journal if there is no file.
func (s *Session) dropTail(base string) error {
	if s.tail.base == base {
		s.tail = tail{}
	}
	if s.base == base { // the file it would have been is not there
		s.base = ""
		if err := s.conf.dir.remove(base + journalSuffix); err != nil {
			return err
		}
	}
	return s.conf.dir.remove(base + tailSuffix)
}
