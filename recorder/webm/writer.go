package webm

import (
	"fmt"
	"slices"
	"time"
)

const (
	// clusterSpan bounds a cluster's length, and with it what a crash can cost.
	clusterSpan = 500 * time.Millisecond
	// syncSpan is how far apart clusters are that are synced. What a killed process has written is not lost, what a machine has
	// that loses power is, from the last sync on.
	syncSpan = 900 * time.Millisecond
	// clusterMin keeps a stream of nothing but keyframes from syncing every frame.
	clusterMin = 250 * time.Millisecond
	// clusterBytes bounds the memory of the open cluster.
	clusterBytes = 1 << 20
	// audioCue is how far apart cues are in a file without video.
	audioCue = 5 * time.Second
)

// cue is one entry of the index, 24 bytes in memory.
type cue struct {
	time    int64 // ms
	cluster int64 // file offset
	track   int
}

// Writer writes one file. Its methods belong to one goroutine. After an error
// of the file nothing more is written except by Finish, which closes what is there.
type Writer struct {
	file File
	head head
	end  int64 // file offset behind the last whole cluster

	open   []byte // the open cluster as it will be in the file, reused
	blocks int    // in it
	first  int64  // ms of the open cluster
	synced int64  // ms of the cluster that was synced last

	cues   []cue
	last   []int64       // per track: ms of its last block, -1 none
	latest int64         // ms of the last block of all
	stop   time.Duration // end of the frame that ends last
	whole  time.Duration // stop as of the last flush
	before struct {      // the flush before that
		end   int64
		whole time.Duration
	}
}

// NewWriter writes the head of a file that started at that time.
func NewWriter(f File, format Format, started time.Time) (*Writer, error) {
	w := &Writer{file: f, head: head{format: format, started: started}, end: HeadSize}
	if err := w.writeHead(); err != nil {
		return nil, err
	}
	return w, nil
}

// AddTrack makes a track known to the head, at any time before its first
// block, and returns its number.
func (w *Writer) AddTrack(t Track) (int, error) {
	if !w.head.format.Takes(t.Codec) {
		return 0, fmt.Errorf("%w: %s in %s", ErrFormat, t.Codec, w.head.format)
	}
	w.head.tracks = append(w.head.tracks, t)
	if err := w.writeHead(); err != nil {
		w.head.tracks = w.head.tracks[:len(w.head.tracks)-1]
		return 0, err
	}
	w.last = append(w.last, -1)
	return len(w.head.tracks), nil
}

// Tracks of the file so far, in the order of their numbers.
func (w *Writer) Tracks() []Track { return slices.Clone(w.head.tracks) }

// Started is when the file's time line begins.
func (w *Writer) Started() time.Time { return w.head.started }

// MediaType of the file with its tracks so far.
func (w *Writer) MediaType() string { return w.head.format.MediaType(w.head.tracks) }

// Size of the file in whole clusters.
func (w *Writer) Size() int64 { return w.end }

// Duration up to the end of the last frame that is in the file.
func (w *Writer) Duration() time.Duration { return w.whole }

// Pending is the number of blocks that Flush would write.
func (w *Writer) Pending() int { return w.blocks }

// Write adds a block to the open cluster, after writing that one out if b does
// not belong to it any more. A track's blocks must rise by at least a
// millisecond, and no block may lie before the one written last.
func (w *Writer) Write(b Block) error {
	if b.Track < 1 || b.Track > len(w.head.tracks) {
		return fmt.Errorf("write block: no track %d", b.Track)
	}
	ms := b.Time.Round(time.Millisecond).Milliseconds()
	if ms <= w.last[b.Track-1] || ms < w.latest {
		return fmt.Errorf("write block of track %d at %d ms: %w", b.Track, ms, ErrOrder)
	}
	video := w.head.tracks[b.Track-1].Video()
	if w.blocks > 0 && w.ends(ms, video && b.Keyframe, len(b.Data)) {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if w.blocks == 0 {
		w.first = ms
		w.open = appendCluster(w.open[:0], ms)
	}
	w.index(ms, b, video)
	w.open = appendBlock(w.open, b, ms-w.first, b.Keyframe || !video)
	w.blocks++
	w.last[b.Track-1], w.latest = ms, ms
	w.stop = max(w.stop, time.Duration(ms)*time.Millisecond+b.Duration)
	return nil
}

// ends says whether a block at ms opens a new cluster.
func (w *Writer) ends(ms int64, keyframe bool, size int) bool {
	age := time.Duration(ms-w.first) * time.Millisecond
	return age >= clusterSpan || keyframe && age >= clusterMin || len(w.open)+size > clusterBytes
}

// index notes a video keyframe, or, as long as the file has no video, one
// audio block each five seconds.
func (w *Writer) index(ms int64, b Block, video bool) {
	if video && !b.Keyframe {
		return
	}
	if !video {
		for _, t := range w.head.tracks {
			if t.Video() {
				return
			}
		}
		if n := len(w.cues); n > 0 && ms-w.cues[n-1].time < audioCue.Milliseconds() {
			return
		}
	}
	w.cues = append(w.cues, cue{time: ms, cluster: w.end, track: b.Track})
}

// Flush writes the open cluster in one piece, and syncs the file if there was no sync for a second of it.
func (w *Writer) Flush() error {
	if w.blocks == 0 {
		return nil
	}
	w.blocks = 0
	finishCluster(w.open)
	if _, err := w.file.WriteAt(w.open, w.end); err != nil {
		return fmt.Errorf("write cluster at %d: %w", w.end, err)
	}
	w.before.end, w.before.whole = w.end, w.whole
	w.end += int64(len(w.open))
	w.whole = w.stop
	if time.Duration(w.first-w.synced)*time.Millisecond < syncSpan {
		return nil
	}
	w.synced = w.first
	if err := w.file.Sync(); err != nil {
		return fmt.Errorf("sync cluster: %w", err)
	}
	return nil
}

func (w *Writer) writeHead() error {
	b, _, err := w.head.render()
	if err != nil {
		return fmt.Errorf("render head: %w", err)
	}
	if _, err := w.file.WriteAt(b, 0); err != nil {
		return fmt.Errorf("write head: %w", err)
	}
	return nil
}
