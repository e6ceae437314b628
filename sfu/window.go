package sfu

// windowSize is how many packets back a late one is still taken, and a repeated one still
// recognized; the same as the SRTP replay window.
const windowSize = 1024

// window extends 16-bit sequence numbers to 64 bits and finds duplicates (RFC 3550 §A.1).
// A packet must not be forwarded twice: the second copy would be encrypted with the same
// nonce under another abs-send-time.
type window struct {
	started  bool
	highest  uint64
	first    uint64
	received uint64
	seen     [windowSize / 64]uint64 // bit n%windowSize: sequence number n has been received
}

// add gives the extended number of seq, or false for a duplicate or one too old.
func (w *window) add(seq uint16) (ext uint64, ok bool) {
	if !w.started {
		w.started = true
		w.highest = 1<<32 + uint64(seq) // far from 0, so that late packets don't go below
		w.first = w.highest
		w.received = 1
		w.set(w.highest)
		return w.highest, true
	}
	delta := int16(seq - uint16(w.highest))
	ext = w.highest + uint64(int64(delta))
	switch {
	case delta > 0:
		w.advance(ext)
	case w.highest-ext >= windowSize || w.has(ext):
		return 0, false
	}
	w.set(ext)
	w.received++
	w.first = min(w.first, ext)
	return ext, true
}

// skip takes what is missing before seq for received: nobody looked.
func (w *window) skip(seq uint16) {
	delta := int16(seq - uint16(w.highest))
	if !w.started || delta <= 1 {
		return
	}
	before, to := w.highest, w.highest+uint64(delta-1)
	w.advance(to)
	w.received += to - before
	for n := max(before, to-min(to, windowSize)) + 1; n <= to; n++ {
		w.set(n)
	}
}

// lost is how many packets between the first and the highest have not been received.
func (w *window) lost() uint64 {
	if !w.started {
		return 0
	}
	return w.highest - w.first + 1 - w.received
}

func (w *window) advance(to uint64) {
	if to-w.highest >= windowSize {
		w.seen = [windowSize / 64]uint64{}
	} else {
		for n := w.highest + 1; n <= to; n++ {
			w.seen[n%windowSize/64] &^= 1 << (n % 64)
		}
	}
	w.highest = to
}

func (w *window) set(n uint64)      { w.seen[n%windowSize/64] |= 1 << (n % 64) }
func (w *window) has(n uint64) bool { return w.seen[n%windowSize/64]&(1<<(n%64)) != 0 }
