package recorder

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"showroom/recorder/webm"
)

// Live is a file that is being written, as far as it is whole. Size is of its clusters so far, SHA256 is empty.
type Live struct {
	File
	Origin time.Time // zero of the conference's time line
	Upto   string    // names this state of the file; OpenLive takes it as long as the file is being written
}

// snapshot is what a session's goroutine says of its file to others after each cluster.
type snapshot struct {
	file File
	webm webm.Live
}

// publish says what of the file can be played by now.
func (g *segment) publish() {
	if last := g.live.Load(); last != nil && last.webm.End() == g.w.Size() || g.w.Size() <= webm.HeadSize {
		return
	}
	now := g.w.Live()
	file := g.file
	file.Codecs, file.Gaps = slices.Clone(file.Codecs), slices.Clone(file.Gaps)
	file.MediaType, file.Duration, file.Size = now.MediaType(), now.Duration().Milliseconds(), now.End()
	g.live.Store(&snapshot{file, now})
}

// Live tells of the files of a conference that are being written and can be played already, by their offset.
func (r *Recorder) Live(conference string) (files []Live) {
	r.mu.Lock()
	c := r.open[conference]
	r.mu.Unlock()
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.segments {
		if s := g.live.Load(); s != nil {
			files = append(files, Live{File: s.file, Origin: c.manifest.Origin,
				Upto: fmt.Sprintf("%d.%d.%d", s.webm.End(), s.webm.Duration().Microseconds(), s.webm.Tracks())})
		}
	}
	slices.SortFunc(files, func(a, b Live) int { return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Name, b.Name)) })
	return files
}

// OpenLive opens a file that is being written as it was when Live said upto: a whole one, with Duration and Cues, that does not change.
// It is fs.ErrNotExist if the file is not being written any more.
func (r *Recorder) OpenLive(conference, name, upto string) (io.ReadSeekCloser, error) {
	r.mu.Lock()
	c := r.open[conference]
	r.mu.Unlock()
	var s *snapshot
	var dir *folder
	if c != nil {
		c.mu.Lock()
		if g := c.segments[name]; g != nil {
			s, dir = g.live.Load(), c.dir
		}
		c.mu.Unlock()
	}
	if s == nil || dir == nil {
		return nil, fmt.Errorf("open %s of %s while it is recorded: %w", name, conference, fs.ErrNotExist)
	}
	var end, micros int64
	var tracks int
	if _, err := fmt.Sscanf(upto, "%d.%d.%d", &end, &micros, &tracks); err != nil {
		return nil, fmt.Errorf("open %s up to %q: %w", name, upto, fs.ErrNotExist)
	}
	then, ok := s.webm.Before(end, time.Duration(micros)*time.Microsecond, tracks)
	if !ok {
		return nil, fmt.Errorf("open %s up to %q: %w", name, upto, fs.ErrNotExist)
	}
	f, err := dir.root.Open(name + partSuffix)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	section, err := then.Reader(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s up to %q: %w", name, upto, err), f.Close())
	}
	return liveReader{section, f}, nil
}

type liveReader struct {
	*io.SectionReader
	file *os.File
}

func (l liveReader) Close() error { return l.file.Close() }
