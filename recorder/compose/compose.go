// Package compose makes one file of a conference's recording with ffmpeg: everybody in one picture, the sound mixed, gaps filled,
// and from it a poster, a strip of previews, the sound alone and, if wanted, an MP4.
//
// What ffmpeg shall do is planned without touching anything (NewPlan); a Composer carries a plan out in a scratch folder. The
// picture is made in parts of ten minutes at most, each renamed when it is whole, so that work that was interrupted goes on
// behind the last whole part.
//
// The package starts no goroutine that outlives the call that started it and takes no lock.
package compose

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"showroom/recorder"
)

var (
	// ErrNoFFmpeg: there is no ffmpeg that could be run, or it lacks what is needed.
	ErrNoFFmpeg = errors.New("no usable ffmpeg")
	// ErrNothing: no file of the recording can be read.
	ErrNothing = errors.New("nothing to compose")
	// ErrNoSpace: the scratch folder's disk is too full.
	ErrNoSpace = errors.New("not enough free space to compose")
	// ErrFFmpeg: ffmpeg failed, or took too long.
	ErrFFmpeg = errors.New("ffmpeg failed")
)

// Layout is how people are arranged.
type Layout string

// The layouts. A shared screen is large in both while it is shown.
const (
	Side  Layout = "side" // all the same size, side by side
	Inset Layout = "pip"  // the seller large, the others small in a corner
)

// Options of a composition.
type Options struct {
	Layout  Layout
	MP4     bool // an MP4 as well, for Safari and old iPhones
	Names   bool // draw names; needs a font
	Threads int  // of the encoder
}

// Recording is what is composed.
type Recording struct {
	Conference string
	Files      []recorder.File
	Names      map[string]string // what participants are called; a user's text
}

// lane is one person's camera or screen: files that follow each other.
type lane struct {
	participant, role string
	screen            bool
	files             []int // in Recording.Files, by start
}

var roles = []string{"seller", "buyer", "guest"}

// lanes are those of a recording, cameras first, the seller before the buyer.
func lanes(files []recorder.File) (all []lane) {
	order := make([]int, len(files))
	for i := range files {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(files[a].Offset, files[b].Offset) })
	for _, i := range order {
		f := files[i]
		screen := strings.Contains(f.Source, "screen")
		at := slices.IndexFunc(all, func(l lane) bool { return l.participant == f.Participant && l.screen == screen })
		if at < 0 {
			all = append(all, lane{participant: f.Participant, role: f.Role, screen: screen})
			at = len(all) - 1
		}
		all[at].files = append(all[at].files, i)
	}
	rank := func(l lane) int {
		n := slices.Index(roles, l.role)
		if l.screen {
			n += len(roles) + 1
		}
		return n
	}
	slices.SortStableFunc(all, func(a, b lane) int { return rank(a) - rank(b) })
	return all
}

// span is a stretch of the composed time line, milliseconds.
type span struct{ from, to int64 }

func (s span) length() time.Duration { return time.Duration(s.to-s.from) * time.Millisecond }

func hasVideo(f recorder.File) bool {
	return slices.ContainsFunc(f.Codecs, func(c string) bool { return c != "opus" })
}

func hasAudio(f recorder.File) bool { return slices.Contains(f.Codecs, "opus") }

// spanOf a file on a time line that begins at start.
func spanOf(f recorder.File, start int64) span {
	return span{f.Offset - start, f.Offset - start + f.Duration}
}

const (
	shownGap = 1500 // ms; a camera that is off for less keeps its last picture
	maxGaps  = 50   // of one file in one part that are filled; the longest
)

// pictures are the stretches in which a file has a picture. A screen keeps the last one through its gaps: it stands still.
func pictures(f recorder.File, screen bool, start int64) []span {
	whole := spanOf(f, start)
	if screen {
		return []span{whole}
	}
	var gaps []recorder.Gap
	for _, g := range f.Gaps {
		if (g.Source == "camera" || g.Source == "video") && g.End-g.Start > shownGap {
			gaps = append(gaps, g)
		}
	}
	slices.SortFunc(gaps, func(a, b recorder.Gap) int { return cmp.Compare(b.End-b.Start, a.End-a.Start) })
	gaps = gaps[:min(len(gaps), maxGaps)]
	slices.SortFunc(gaps, func(a, b recorder.Gap) int { return cmp.Compare(a.Start, b.Start) })
	var out []span
	from := whole.from
	for _, g := range gaps {
		if at := whole.from + g.Start; at > from {
			out = append(out, span{from, at})
		}
		from = max(from, whole.from+g.End)
	}
	if from < whole.to {
		out = append(out, span{from, whole.to})
	}
	return out
}
