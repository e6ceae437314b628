package compose

import (
	"cmp"
	"slices"

	"showroom/recorder"
)

// tile is where a lane is shown, pixels; all even.
type tile struct{ x, y, w, h, lane int }

const (
	canvasWidth  = 1280
	canvasHeight = 720
	wideHeight   = 360 // of two people side by side
	fps          = 25
	frame        = 1000 / fps       // ms
	partLength   = 10 * 60 * 1000   // ms at most; what an interruption can cost
	none         = -1               // no lane is the large one
	sideColumn   = canvasWidth / 4  // of faces beside a screen
	insetWidth   = canvasWidth / 4  // of people in the corner
	insetMargin  = canvasWidth / 64 // around them
)

// height of the canvas: the same for the whole file.
func height(all []lane, layout Layout) int {
	if layout == Side && len(all) == 2 && !all[1].screen {
		return wideHeight
	}
	return canvasHeight
}

// scene is a stretch in which the same lane is large.
type scene struct {
	span
	main int
}

// scenes cut the time line where the layout changes and each partLength. All cuts are on frames.
func scenes(files []recorder.File, all []lane, layout Layout, start, length int64) (out []scene) {
	cuts := []int64{0, length}
	for _, f := range files {
		s := spanOf(f, start)
		cuts = append(cuts, s.from/frame*frame, s.to/frame*frame)
	}
	slices.Sort(cuts)
	for i, to := range slices.Compact(cuts)[1:] {
		from := slices.Compact(cuts)[i]
		main := large(files, all, layout, start, (from+to)/2)
		if n := len(out); n > 0 && out[n-1].main == main {
			out[n-1].to = to
			continue
		}
		out = append(out, scene{span{from, to}, main})
	}
	return split(out)
}

func split(long []scene) (out []scene) {
	for _, s := range long {
		for ; s.to-s.from > partLength+partLength/2; s.from += partLength {
			out = append(out, scene{span{s.from, s.from + partLength}, s.main})
		}
		if s.to > s.from {
			out = append(out, s)
		}
	}
	return out
}

// large is the lane that is large at a time: the screen that was shared last, or else with insets the first person who is there.
func large(files []recorder.File, all []lane, layout Layout, start, at int64) int {
	best, since := none, int64(-1)
	for i, l := range all {
		for _, n := range l.files {
			s := spanOf(files[n], start)
			if l.screen && s.from <= at && at < s.to && s.from > since {
				best, since = i, s.from
			}
		}
	}
	if best != none || layout != Inset {
		return best
	}
	for i, l := range all {
		for _, n := range l.files {
			if s := spanOf(files[n], start); !l.screen && s.from <= at && at < s.to {
				return i
			}
		}
	}
	return slices.IndexFunc(all, func(l lane) bool { return !l.screen }) // nobody is there: the first one's card
}

// tiles of a scene.
func tiles(all []lane, layout Layout, main, height int) []tile {
	var faces []int
	for i, l := range all {
		if !l.screen && (i != main || layout != Inset) {
			faces = append(faces, i)
		}
	}
	switch {
	case main == none:
		return grid(faces, height)
	case layout == Inset:
		return append([]tile{{0, 0, canvasWidth, height, main}}, insets(faces, height)...)
	case len(faces) == 0:
		return []tile{{0, 0, canvasWidth, height, main}}
	}
	return append([]tile{{0, 0, canvasWidth - sideColumn, height, main}}, column(faces, height)...)
}

// grid is as square as may be; the last row is centred.
func grid(faces []int, height int) (out []tile) {
	if len(faces) == 0 {
		return nil
	}
	columns := 1
	for columns*columns < len(faces) {
		columns++
	}
	rows := (len(faces) + columns - 1) / columns
	w := even(canvasWidth / columns)
	h := even(min(height/rows, w*9/16))
	top := even((height - rows*h) / 2)
	for i, l := range faces {
		row := i / columns
		inRow := min(columns, len(faces)-row*columns)
		left := even((canvasWidth - inRow*w) / 2)
		out = append(out, tile{left + (i%columns)*w, top + row*h, w, h, l})
	}
	return out
}

func column(faces []int, height int) (out []tile) {
	h := even(min(height/len(faces), sideColumn*9/16))
	top := even((height - len(faces)*h) / 2)
	for i, l := range faces {
		out = append(out, tile{canvasWidth - sideColumn, top + i*h, sideColumn, h, l})
	}
	return out
}

// insets stand in a row at the bottom, from the right; many are smaller.
func insets(faces []int, height int) (out []tile) {
	w := even(min(insetWidth, (canvasWidth-insetMargin)/max(1, len(faces))-insetMargin))
	h := even(w * 9 / 16)
	for i, l := range faces {
		out = append(out, tile{canvasWidth - (i+1)*(w+insetMargin), height - h - insetMargin, w, h, l})
	}
	return out
}

func even(n int) int { return max(2, n&^1) }

// fullest is the middle of the longest time in which most people have a picture: a good moment for a poster.
func fullest(files []recorder.File, all []lane, start, length int64) int64 {
	cuts := []int64{0, length}
	var seen []span
	for _, l := range all {
		for _, n := range l.files {
			if hasVideo(files[n]) {
				seen = append(seen, pictures(files[n], l.screen, start)...)
			}
		}
	}
	for _, s := range seen {
		cuts = append(cuts, s.from, s.to)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	type moment struct {
		on int
		span
	}
	best := moment{-1, span{0, length}}
	for i, from := range cuts[:len(cuts)-1] {
		m := moment{0, span{from, cuts[i+1]}}
		for _, s := range seen {
			if s.from <= from && cuts[i+1] <= s.to {
				m.on++
			}
		}
		if cmp.Or(cmp.Compare(m.on, best.on), cmp.Compare(m.length(), best.length())) > 0 {
			best = m
		}
	}
	return (best.from + best.to) / 2
}
