package recorder

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"showroom/recorder/webm"
)

const (
	// flushAfter bounds how old a frame gets in the open cluster, since it arrived.
	flushAfter = 500 * time.Millisecond
	// flushApart is how far apart two such clusters are at least.
	flushApart = 200 * time.Millisecond
)

// segment is one file of a session while it is written. It belongs to the
// session's goroutine.
type segment struct {
	conf    *Conference
	base    string // name without extension
	format  webm.Format
	f       *os.File
	w       *webm.Writer
	start   time.Duration // on the conference's time line, whole milliseconds
	latest  time.Duration // last block, from start
	numbers map[string]int
	codecs  map[string]string
	has     map[int]bool // track numbers with a block
	oldest  time.Time    // arrival of the first frame in the open cluster
	flushed time.Time
	looked  time.Time // for free space
	told    bool      // Events.Started was called
	file    File

	live atomic.Pointer[snapshot] // for others

	journaled time.Time
	gaps      int // in the journal
}

// openSegment makes the part file and its journal.
func (s *Session) openSegment(at time.Duration) error {
	c := s.conf
	if err := c.rec.spool.room(c.rec.cfg.MinFree); err != nil {
		return err
	}
	base, format := s.reserve(), s.format()
	f, err := c.dir.root.OpenFile(base+string(format)+partSuffix, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return fmt.Errorf("open recording: %w", err)
	}
	var file webm.File = syncFile{f}
	if c.rec.wrap != nil {
		file = c.rec.wrap(file)
	}
	start := max(at, 0).Truncate(time.Millisecond)
	seg := &segment{
		conf: c, base: base, format: format, f: f, start: start, flushed: s.clock.now, looked: s.clock.now,
		numbers: make(map[string]int), codecs: make(map[string]string), has: make(map[int]bool),
		file: File{Participant: s.who.ID, Role: s.who.Role, Name: base + string(format), Offset: start.Milliseconds()},
	}
	if format == webm.Matroska {
		seg.file.Note = noteMatroska
	}
	if seg.w, err = webm.NewWriter(file, format, c.origin.Add(start)); err == nil {
		err = seg.journal()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open recording: %w", err), f.Close(), seg.discard())
	}
	s.seg, s.base = seg, ""
	c.writing(seg, true)
	s.log.Info("recording started", "file", seg.file.Name)
	return nil
}

// takes says whether f can go into this file: its source must not have changed
// its codec, and the codec must be one for the file's format.
func (g *segment) takes(st *stream, f frame) bool {
	name := g.codecs[st.track.info.Source]
	return name == f.codec.name || name == "" && (f.codec.audio || g.format.Takes(f.track.Codec))
}

// track returns the number of a stream's track, making it at its first frame.
func (g *segment) track(st *stream, f frame) (int, error) {
	source := st.track.info.Source
	if n := g.numbers[source]; n != 0 {
		return n, nil
	}
	n, err := g.w.AddTrack(f.track)
	if err != nil {
		return 0, fmt.Errorf("add track: %w", err)
	}
	g.numbers[source], g.codecs[source] = n, f.codec.name
	g.file.Codecs = append(g.file.Codecs, f.codec.name)
	if f.track.Width > 0 && g.file.Width == 0 {
		g.file.Width, g.file.Height = f.track.Width, f.track.Height
	}
	sources := strings.FieldsFunc(g.file.Source, func(r rune) bool { return r == '+' })
	sources = append(sources, source)
	slices.Sort(sources)
	g.file.Source = strings.Join(sources, "+")
	return n, g.journal()
}

func (g *segment) write(b webm.Block, arrived, now time.Time) error {
	size := g.w.Size()
	err := g.w.Write(b)
	if g.w.Size() != size {
		g.flushed = now
	}
	if g.w.Pending() == 1 {
		g.oldest = arrived
	}
	return err
}

// flushOld writes a cluster out whose frames are old, though no block has ended it.
func (g *segment) flushOld(now time.Time) error {
	if g.w.Pending() == 0 || now.Sub(g.oldest) < flushAfter || now.Sub(g.flushed) < flushApart {
		return nil
	}
	g.flushed = now
	return g.w.Flush()
}

// lookEvery is how often a file that is written looks for free space.
const lookEvery = time.Second

// spare ends the file while there is still space to finish it, and for a log on the same disk to say so.
func (g *segment) spare(now time.Time) error {
	if now.Sub(g.looked) < lookEvery {
		return nil
	}
	g.looked = now
	return g.conf.rec.spool.room(g.conf.rec.cfg.MinFree / 4)
}

// finish closes the file and gives it its name. If only a part could be kept,
// the error says why, and the file is still named in the result.
func (g *segment) finish(cause error) (File, error) {
	whole, err := g.w.Finish()
	if cause == nil {
		cause = err
	}
	switch {
	case errors.Is(err, webm.ErrEmpty):
		return g.file, errors.Join(err, g.f.Close(), g.discard())
	case !whole: // Repair will complete it
		return g.file, errors.Join(err, g.f.Close())
	}
	if cause != nil {
		g.file.Failure = cause.Error()
	}
	g.file.MediaType, g.file.Duration = g.w.MediaType(), g.w.Duration().Milliseconds()
	sum, size, herr := checksum(g.f)
	g.file.SHA256, g.file.Size = sum, size
	err = errors.Join(err, herr, g.f.Close())
	if rerr := g.conf.dir.rename(g.file.Name+partSuffix, g.file.Name); rerr != nil {
		g.file.Size = 0
		return g.file, errors.Join(err, rerr)
	}
	return g.file, err
}

// discard removes a file without content and its journal.
func (g *segment) discard() error {
	return errors.Join(g.conf.dir.remove(g.file.Name+partSuffix), g.conf.dir.remove(g.base+journalSuffix))
}

// checksum reads a whole file.
func checksum(f io.ReadSeeker) (sum string, size int64, err error) {
	h := sha256.New()
	if _, err = f.Seek(0, io.SeekStart); err == nil {
		size, err = io.Copy(h, f)
	}
	if err != nil {
		return "", 0, fmt.Errorf("checksum of recording: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}
