package webm

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"time"
)

const (
	// maxCluster is more than any cluster this package writes, bytes.
	maxCluster = 16 << 20
	// maxTime is longer than any recording.
	maxTime = 10000 * time.Hour
	// maxLeap is the longest pause between clusters that is believed without looking at what follows.
	maxLeap = 2 * time.Second
	// maxSpan bounds what a cluster can span, far above clusterSpan.
	maxSpan = 10 * time.Second
	// sameTime is how far the first guess of a frame's place can be off, for it to be the same frame.
	sameTime = 300 * time.Millisecond
	// searchStep is how much is read at a time to find the next whole cluster, bytes.
	searchStep = 64 << 10
)

// Torn is a file whose writer was stopped in the middle, as Repair reads and mends it.
type Torn interface {
	File
	io.ReaderAt
}

// Known is what is remembered of a torn file outside of it, for the case that its head cannot be read. The zero value is nothing.
type Known struct {
	Format  Format
	Started time.Time
	Tracks  []Track
}

// Repair finishes a file whose writer was stopped in the middle: it is cut behind the last whole cluster and gets its Cues and
// final head. A damaged stretch between whole clusters is made a Void, which players skip; a damaged head is rendered from known.
// Repairing a whole file changes nothing that matters, so it may be repeated, also after it was stopped itself. It returns ErrEmpty
// if there is no whole cluster, ErrBadFile if the head is not ours and nothing is known; the file is as it was then.
func Repair(f Torn, size int64, known Known) (*Writer, error) {
	w, err := walk(f, size, known, nil)
	if err != nil {
		return nil, err
	}
	if _, err = w.close(); err != nil {
		return nil, err
	}
	return w, nil
}

// RepairWithTail is Repair of a file whose last frames, or all, are in a second one, which a writer made of what it held in memory.
// Frames of the tail that the file has are not written twice.
func RepairWithTail(f Torn, size int64, known Known, tail io.ReaderAt, tailSize int64) (*Writer, error) {
	seed := maphash.MakeSeed()
	hash := func(b Block) uint64 { return maphash.Bytes(seed, b.Data) }
	frames := make(map[uint64]time.Duration) // where each is, of equal ones the last
	w, err := walk(f, size, known, func(b Block) { frames[hash(b)] = b.Time })
	if err != nil {
		return nil, err
	}
	has := func(b Block) bool {
		at, ok := frames[hash(b)]
		return ok && (b.Time-at).Abs() < sameTime // silence is the same again and again
	}
	if err := w.append(has, tail, tailSize); err != nil {
		return nil, err
	}
	if _, err = w.close(); err != nil {
		return nil, err
	}
	return w, nil
}

// walk reads a file up to its last whole cluster, making Voids of what is damaged between, and shows the blocks.
func walk(f Torn, size int64, known Known, each func(Block)) (*Writer, error) {
	h, err := readHead(f)
	if len(known.Tracks) > 0 && size > HeadSize {
		// The file may know of one more track; what is remembered is sure.
		h, err = known.over(h), nil
	}
	if err != nil {
		return nil, err
	}
	w := &Writer{file: f, head: h, end: HeadSize, last: make([]int64, len(h.tracks))}
	for i := range w.last {
		w.last[i] = -1
	}
	for {
		if w.adopt(f, size, each) {
			continue
		}
		next, ok := w.find(f, size)
		if !ok {
			return w, nil
		}
		if _, err := f.WriteAt(void(next-w.end), w.end); err != nil {
			return nil, fmt.Errorf("cover damage at %d: %w", w.end, err)
		}
		w.end = next
	}
}

// over is the head with everything known put in its place.
func (k Known) over(h head) head {
	tracks := slices.Clone(k.Tracks)
	if len(h.tracks) > len(tracks) {
		tracks = append(tracks, h.tracks[len(tracks):]...)
	}
	return head{format: k.Format, started: k.Started, tracks: tracks}
}

func readHead(f io.ReaderAt) (head, error) {
	b := make([]byte, HeadSize)
	if n, err := f.ReadAt(b, 0); n < HeadSize {
		return head{}, fmt.Errorf("read head: %w: %w", ErrBadFile, err)
	}
	return parseHead(b)
}

// adopt takes the cluster at the end of what is known, if it is whole, and shows its blocks.
func (w *Writer) adopt(f io.ReaderAt, size int64, each func(Block)) bool {
	blocks, length, ok := w.cluster(f, w.end, size)
	if !ok {
		return false
	}
	if leap := blocks[0].Time - time.Duration(w.latest)*time.Millisecond; leap > maxLeap {
		// A damaged time would put everything after it in the past.
		if next, _, ok := w.cluster(f, w.end+length, size); ok && next[0].Time < blocks[0].Time {
			return false
		}
	}
	for _, b := range blocks {
		ms := b.Time.Milliseconds()
		video := w.head.tracks[b.Track-1].Video()
		w.index(ms, b, video)
		last := w.last[b.Track-1]
		length := OpusDuration(b.Data)
		if video {
			length = min(time.Duration(ms-last)*time.Millisecond, 200*time.Millisecond)
		}
		w.last[b.Track-1], w.latest = ms, ms
		w.stop = max(w.stop, b.Time+length)
		if each != nil {
			each(b)
		}
	}
	w.end += length
	w.whole = w.stop
	return true
}

// cluster reads the one at an offset with its length in the file; ok is false if there is none that is whole and can follow what is known.
func (w *Writer) cluster(f io.ReaderAt, at, size int64) (blocks []Block, length int64, ok bool) {
	var head [12]byte
	n, _ := f.ReadAt(head[:], at)
	if n < 5 || !bytes.Equal(head[:4], idCluster) {
		return nil, 0, false
	}
	data, used := vint(head[4:n])
	if used == 0 || data > maxCluster || at+4+int64(used)+int64(data) > size {
		return nil, 0, false
	}
	body := make([]byte, data)
	if _, err := f.ReadAt(body, at+4+int64(used)); err != nil {
		return nil, 0, false
	}
	blocks, ok = w.parseCluster(body)
	if !ok || blocks[0].Time < time.Duration(w.latest)*time.Millisecond {
		return nil, 0, false
	}
	return blocks, 4 + int64(used) + int64(data), true
}

// find looks for the next whole cluster behind a damaged place.
func (w *Writer) find(f io.ReaderAt, size int64) (int64, bool) {
	b := make([]byte, min(searchStep, max(0, size-w.end)))
	for from := w.end + minGap; from < size; from += searchStep - int64(len(idCluster)) + 1 {
		n, _ := f.ReadAt(b, from)
		for at := 0; ; at++ {
			i := bytes.Index(b[at:n], idCluster)
			if i < 0 {
				break
			}
			at += i
			if _, _, ok := w.cluster(f, from+int64(at), size); ok {
				return from + int64(at), true
			}
		}
	}
	return 0, false
}

// minGap is the shortest Void there is, bytes.
const minGap = 2

// void renders the start of a filler of that many bytes in all.
func void(n int64) []byte {
	if n < minVoid {
		return []byte{0xEC, 0x80 | byte(n-2)}
	}
	return appendSize8([]byte{0xEC}, uint64(n-minVoid))
}

// append writes what a tail has that the file has not, of which have tells. It goes behind the last whole cluster, so it may be repeated.
func (w *Writer) append(have func(Block) bool, tail io.ReaderAt, size int64) error {
	h, err := readHead(tail)
	if err != nil {
		return nil //nolint:nilerr // a torn tail holds nothing
	}
	r := &Writer{head: h, end: HeadSize, last: make([]int64, len(h.tracks))}
	var held []Block
	for r.adopt(tail, size, func(b Block) { held = append(held, b) }) {
	}
	shift := h.started.Sub(w.head.started)
	fresh := make([]int, len(h.tracks)) // per track: the first block that the file has not
	for i, b := range held {
		b.Time += shift
		if have(b) {
			fresh[b.Track-1] = i + 1
		}
	}
	number := make([]int, len(h.tracks))
	for i, b := range held {
		t := b.Track - 1
		if i < fresh[t] {
			continue
		}
		if number[t] == 0 {
			if number[t], err = w.numberOf(h.tracks[t]); err != nil {
				return err
			}
		}
		b.Track = number[t]
		// Its place was a first guess: a little too early is moved.
		b.Time = max(b.Time+shift, time.Duration(max(w.latest, w.last[b.Track-1]+1))*time.Millisecond)
		if !h.tracks[t].Video() {
			b.Duration = OpusDuration(b.Data)
		}
		if err := w.Write(b); err != nil {
			return err
		}
	}
	return w.Flush()
}

// numberOf the track that takes the same codec, which is made if there is none.
func (w *Writer) numberOf(t Track) (int, error) {
	if i := slices.IndexFunc(w.head.tracks, func(have Track) bool { return have.Codec == t.Codec }); i >= 0 {
		return i + 1, nil
	}
	return w.AddTrack(t)
}
