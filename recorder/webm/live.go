package webm

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/at-wat/ebml-go"
)

// Live is a file that is being written, as far as it is whole: enough to play it as if it ended there. It does not change.
type Live struct {
	head head
	cues []cue
	end  int64 // file offset behind the last whole cluster
}

// Live is the file up to now; only clusters that were flushed are in it.
func (w *Writer) Live() Live {
	l := Live{head: w.head, cues: w.cues[:len(w.cues):len(w.cues)], end: w.end}
	l.head.duration = w.whole
	l.head.tracks = slices.Clone(l.head.tracks)
	return l
}

// End is the file offset behind the last whole cluster.
func (l Live) End() int64 { return l.end }

// Duration up to the end of the last frame.
func (l Live) Duration() time.Duration { return l.head.duration }

// Tracks is how many there are.
func (l Live) Tracks() int { return len(l.head.tracks) }

// MediaType of what Reader gives.
func (l Live) MediaType() string { return l.head.format.MediaType(l.head.tracks) }

// Before is the same file at an earlier time, of which End, Duration and Tracks are remembered. ok is false if it cannot have been that.
func (l Live) Before(end int64, duration time.Duration, tracks int) (Live, bool) {
	if end <= HeadSize || end > l.end || duration < 0 || duration > l.head.duration || tracks < 1 || tracks > len(l.head.tracks) {
		return Live{}, false
	}
	for len(l.cues) > 0 && l.cues[len(l.cues)-1].cluster >= end {
		l.cues = l.cues[:len(l.cues)-1]
	}
	l.head.tracks, l.head.duration, l.end = l.head.tracks[:tracks], duration, end
	return l, true
}

// liveCues have positions of one width, so that the length of the whole does not depend on them.
type (
	liveCues struct {
		Point []livePoint `ebml:"CuePoint"`
	}
	livePoint struct {
		Time uint64    `ebml:"CueTime"`
		Pos  liveTrack `ebml:"CueTrackPositions"`
	}
	liveTrack struct {
		Track   uint64 `ebml:"CueTrack"`
		Cluster uint64 `ebml:"CueClusterPosition,size=8"`
	}
)

// Reader gives a whole file with Duration and Cues: a head and an index of its own, and the clusters of f.
func (l Live) Reader(f io.ReaderAt) (*io.SectionReader, error) {
	_, start, err := l.head.render() // the data begins at the same place whatever is in the head
	if err != nil {
		return nil, fmt.Errorf("render head: %w", err)
	}
	index := func(shift int64) ([]byte, error) {
		var list liveCues
		for _, c := range l.cues {
			list.Point = append(list.Point, livePoint{uint64(c.time), liveTrack{uint64(c.track), uint64(c.cluster + shift - start)}})
		}
		var b bytes.Buffer
		err := ebml.Marshal(&struct {
			Cues liveCues `ebml:"Cues"`
		}{list}, &b)
		return b.Bytes(), err
	}
	cues, err := index(0)
	if err == nil && len(l.cues) > 0 {
		cues, err = index(int64(len(cues)))
	}
	if err != nil {
		return nil, fmt.Errorf("render cues: %w", err)
	}
	h := l.head
	if h.cues = HeadSize; len(l.cues) == 0 {
		h.cues, cues = 0, nil
	}
	h.size = l.end + int64(len(cues))
	front, _, err := h.render()
	if err != nil {
		return nil, fmt.Errorf("render head: %w", err)
	}
	return io.NewSectionReader(&spliced{append(front, cues...), f}, 0, h.size), nil
}

// spliced is a front of its own before the clusters of a file.
type spliced struct {
	front []byte
	file  io.ReaderAt
}

func (s *spliced) ReadAt(b []byte, off int64) (n int, err error) {
	if off < int64(len(s.front)) {
		n = copy(b, s.front[off:])
		if n == len(b) {
			return n, nil
		}
	}
	m, err := s.file.ReadAt(b[n:], off+int64(n-len(s.front))+HeadSize)
	return n + m, err
}
