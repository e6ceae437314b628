package webm

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// Finish writes the open cluster, the Cues and the final head, each synced
// before the next. If the open cluster cannot be written the file ends at the
// last whole one; if there is no room for the Cues, clusters at the end make
// way for them. Errors are returned even when the file came out valid, which the
// bool tells. With ErrEmpty among them there is nothing to keep; without it, a
// file that is not valid yet has whole clusters, which Repair can complete.
func (w *Writer) Finish() (bool, error) {
	first := w.Flush()
	w.open, w.blocks = nil, 0
	ok, err := w.close()
	return ok, errors.Join(first, err)
}

func (w *Writer) close() (bool, error) {
	w.dropTail(w.end)
	if w.end <= HeadSize {
		return false, ErrEmpty
	}
	size, first := w.writeCues()
	for err := first; errors.Is(err, syscall.ENOSPC) && len(w.cues) > 1; {
		w.makeRoom()
		size, err = w.writeCues()
	}
	w.head.duration = w.whole
	w.head.size = w.end + size
	if size > 0 {
		w.head.cues = w.end
	}
	if err := w.file.Truncate(w.head.size); err != nil {
		return false, fmt.Errorf("cut file at %d: %w", w.head.size, err)
	}
	if err := w.writeHead(); err != nil {
		return false, err
	}
	if err := w.file.Sync(); err != nil {
		return false, fmt.Errorf("sync head: %w", err)
	}
	return true, first
}

// makeRoom gives up the last cluster, or, where that was done, the last one
// with a cue and all behind it.
func (w *Writer) makeRoom() {
	if w.before.end > HeadSize && w.before.end < w.end {
		w.end, w.whole = w.before.end, w.before.whole
	} else {
		last := w.cues[len(w.cues)-1]
		w.end = min(w.end, last.cluster)
		w.whole = min(w.whole, time.Duration(last.time)*time.Millisecond)
	}
	w.dropTail(w.end)
}

// dropTail forgets cues of clusters that are not in the file.
func (w *Writer) dropTail(end int64) {
	for n := len(w.cues); n > 0 && w.cues[n-1].cluster >= end; n = len(w.cues) {
		w.cues = w.cues[:n-1]
	}
}

// writeCues writes and syncs the index behind the last cluster; 0 if there is none.
func (w *Writer) writeCues() (int64, error) {
	if len(w.cues) == 0 {
		return 0, nil
	}
	// Positions count from the segment's data, which the final head moves.
	_, start, err := w.head.render()
	if err != nil {
		return 0, fmt.Errorf("render head: %w", err)
	}
	var list cues
	for _, c := range w.cues {
		list.Point = append(list.Point, cuePoint{
			Time: uint64(c.time),
			Pos:  cueTrack{Track: uint64(c.track), Cluster: uint64(c.cluster - start)},
		})
	}
	b, err := marshal(&struct {
		Cues cues `ebml:"Cues"`
	}{list})
	if err != nil {
		return 0, err
	}
	if _, err := w.file.WriteAt(b, w.end); err != nil {
		return 0, fmt.Errorf("write cues at %d: %w", w.end, err)
	}
	if err := w.file.Sync(); err != nil {
		return 0, fmt.Errorf("sync cues: %w", err)
	}
	return int64(len(b)), nil
}
