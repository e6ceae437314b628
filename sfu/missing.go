package sfu

import "time"

const (
	missingLimit = 256                   // packets asked for at a time; a larger hole needs a keyframe
	nackAfter    = 10 * time.Millisecond // what overtook may still come
	nackAgain    = 80 * time.Millisecond // and twice that, and so on
	nackTries    = 4
)

// missing are the packets of a stream that did not come and are asked for again.
type missing struct {
	list []absent // by number
}

type absent struct {
	ext   uint64
	due   time.Time
	tries int
}

func (m *missing) forget() { m.list = m.list[:0] }

// gap notes the packets from first to before next. It reports false if they are too many.
func (m *missing) gap(first, next uint64, at time.Time) bool {
	if next-first > uint64(missingLimit-len(m.list)) {
		m.forget()
		return false
	}
	if m.list == nil {
		m.list = make([]absent, 0, missingLimit)
	}
	for ext := first; ext < next; ext++ {
		m.list = append(m.list, absent{ext: ext, due: at.Add(nackAfter)})
	}
	return true
}

// came takes a packet off the list.
func (m *missing) came(ext uint64) {
	for i := range m.list {
		if m.list[i].ext == ext {
			m.list = append(m.list[:i], m.list[i+1:]...)
			return
		}
	}
}

// ask appends the sequence numbers to ask for now, and says when to look again; zero: never.
// What was asked for often enough is given up.
func (m *missing) ask(now time.Time, seqs []uint16) ([]uint16, time.Time) {
	var next time.Time
	kept := m.list[:0]
	for _, a := range m.list {
		if !a.due.After(now) {
			if a.tries == nackTries {
				continue
			}
			seqs = append(seqs, uint16(a.ext))
			a.due = now.Add(nackAgain << a.tries)
			a.tries++
		}
		if next.IsZero() || a.due.Before(next) {
			next = a.due
		}
		kept = append(kept, a)
	}
	m.list = kept
	return seqs, next
}

// missed compares a packet's number with the highest until then.
func (p *Peer) missed(in *incoming, highest, ext uint64, at time.Time) {
	switch {
	case ext < highest:
		in.missing.came(ext)
	case highest != 0 && ext > highest+1:
		if !in.missing.gap(highest+1, ext, at) {
			if t := in.track.Load(); t != nil {
				t.RequestKeyframe()
			}
			return
		}
		p.receiver.wake(at.Add(nackAfter))
	}
}
