package recorder

import "time"

const (
	videoWindow = 512                    // packets
	audioWindow = 64                     // packets
	holeWait    = 500 * time.Millisecond // for a retransmission
	startWait   = 100 * time.Millisecond // before the first packet is taken for the first one sent
	// strayLimit of packets in a row from before the window: the sender has
	// begun a new sequence without a new SSRC.
	strayLimit = 64
)

// unwrap turns a counter of n bits into one of 64 that rises by the shortest way.
type unwrap struct {
	last    int64
	started bool
}

func (u *unwrap) seq(v uint16) int64 { return u.near(int64(int16(v-uint16(u.last))), int64(v)) }
func (u *unwrap) ts(v uint32) int64  { return u.near(int64(int32(v-uint32(u.last))), int64(v)) }

func (u *unwrap) near(delta, first int64) int64 {
	if !u.started {
		u.last, u.started = first+1<<33, true // room to go back
		return u.last
	}
	u.last += delta
	return u.last
}

// verdict on a packet that was offered to a reorder buffer.
type verdict int

const (
	taken   verdict = iota
	stray           // duplicate, or from before the window
	full            // close a hole (pop with force) and offer it again
	restart         // so many strays that the sequence must have begun anew
)

// reorder puts packets in sequence. A hole waits for its packet until what is
// behind it is holeWait old or the window is full; then the next packet is
// handed out and the hole told.
type reorder struct {
	slots   []item
	used    []bool
	seq     unwrap
	next    int64 // sequence number that comes out next
	skipped int64 // missing before next, not told yet
	count   int
	strays  int
	first   time.Time // arrival of the first packet
	popped  bool      // next has been settled by a packet handed out
}

func newReorder(window int) *reorder {
	return &reorder{slots: make([]item, window), used: make([]bool, window)}
}

func (r *reorder) push(it item) verdict {
	first := !r.seq.started
	last := r.seq
	n := r.seq.seq(it.seq)
	if first {
		r.next, r.first = n, it.arrived
	} else if n < last.last {
		r.seq = last // an old packet must not drag the counter back
	}
	w := int64(len(r.slots))
	if !r.popped && n < r.next && r.seq.last-n < w {
		r.next = n // the first packet to come was not the first one sent
	}
	switch {
	case n < r.next:
		r.strays++
		if r.strays >= strayLimit {
			return restart
		}
		return stray
	case n >= r.next+w && r.count > 0:
		return full
	case n >= r.next+w:
		r.skipped += n - r.next
		r.next = n
	case r.used[n%w]:
		return stray
	}
	r.strays = 0
	r.slots[n%w], r.used[n%w] = it, true
	r.count++
	return taken
}

// pop returns the next packet and how many are missing before it. Until its
// time has come a hole holds back everything behind it; force closes it at once.
func (r *reorder) pop(now time.Time, force bool) (it item, missing int64, ok bool) {
	if r.count == 0 || !r.popped && !force && now.Sub(r.first) < startWait {
		return item{}, 0, false
	}
	r.popped = true
	w := int64(len(r.slots))
	n := r.next
	for !r.used[n%w] {
		n++
	}
	i := n % w
	if n > r.next && !force && now.Sub(r.slots[i].arrived) < holeWait {
		return item{}, 0, false
	}
	it, missing = r.slots[i], n-r.next+r.skipped
	r.slots[i], r.used[i] = item{}, false
	r.count--
	r.next, r.skipped = n+1, 0
	return it, missing, true
}
