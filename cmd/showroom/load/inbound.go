package load

import (
	"sync"
	"time"

	"github.com/pion/rtcp"
)

const (
	windowSize = 1024 // packets back from the highest in which a late one still counts
	nackLimit  = 64   // packets asked for at once; more are left to the next keyframe
	nackTries  = 3
)

// inbound counts what arrives on one stream.
type inbound struct {
	ssrc uint32
	seen uint64 // packets; the reading goroutine's

	mu       sync.Mutex
	started  bool
	first    uint64 // extended sequence numbers
	highest  uint64
	got      [windowSize]uint64 // the number that came last at this place
	unique   uint64             // packets, each counted once
	again    uint64             // by retransmission
	missing  []gap
	report   uint32 // middle of the last sender report's NTP time
	reported time.Time
	before   struct{ expected, unique uint64 } // at the last receiver report
}

// gap is a packet that has not come.
type gap struct {
	number uint64
	tries  int
}

// extend gives the sequence number its high bits: those that bring it nearest to the highest so far.
func (in *inbound) extend(seq uint16) uint64 {
	return uint64(int64(in.highest) + int64(int16(seq-uint16(in.highest))))
}

// receive counts a packet that was sent for the first time; false says that it was there or is too old.
func (in *inbound) receive(seq uint16) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.started {
		return in.count(in.extend(seq))
	}
	in.started = true
	in.highest = 1<<32 + uint64(seq)
	in.first = in.highest
	in.got[in.highest%windowSize] = in.highest
	in.unique++
	return true
}

// recover counts a packet that was sent again.
func (in *inbound) recover(seq uint16) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.started && in.count(in.extend(seq)) {
		in.again++
	}
}

// count notes a number; false says that it was there or is too old. The caller holds the lock.
func (in *inbound) count(n uint64) bool {
	if n < in.first || n+windowSize <= in.highest || in.got[n%windowSize] == n {
		return false
	}
	if n > in.highest {
		if skipped := n - in.highest - 1; skipped <= nackLimit {
			for lost := in.highest + 1; lost < n && len(in.missing) < nackLimit; lost++ {
				in.missing = append(in.missing, gap{number: lost})
			}
		}
		in.highest = n
	}
	in.got[n%windowSize] = n
	in.unique++
	return true
}

// expected is how many packets the numbers say were sent. The caller holds the lock.
func (in *inbound) expected() uint64 {
	if !in.started {
		return 0
	}
	return in.highest - in.first + 1
}

// nacks asks for what is missing, each packet a few times.
func (in *inbound) nacks() *rtcp.TransportLayerNack {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.missing) == 0 {
		return nil
	}
	var seqs []uint16
	kept := in.missing[:0]
	for _, g := range in.missing {
		if in.got[g.number%windowSize] == g.number || g.tries == nackTries {
			continue
		}
		g.tries++
		seqs = append(seqs, uint16(g.number))
		kept = append(kept, g)
	}
	in.missing = kept
	if len(seqs) == 0 {
		return nil
	}
	return &rtcp.TransportLayerNack{SenderSSRC: reporterSSRC, MediaSSRC: in.ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)}
}

// senderReport notes a report's time, for the round trip that the server may compute.
func (in *inbound) senderReport(ntp uint64, now time.Time) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.report, in.reported = uint32(ntp>>16), now
}

// receiverReport is a block about the stream (RFC 3550 §6.4.1); false before the first packet.
func (in *inbound) receiverReport(now time.Time) (rtcp.ReceptionReport, bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.started {
		return rtcp.ReceptionReport{}, false
	}
	expected := in.expected()
	sent, came := expected-in.before.expected, in.unique-in.before.unique
	in.before.expected, in.before.unique = expected, in.unique
	r := rtcp.ReceptionReport{SSRC: in.ssrc, LastSequenceNumber: uint32(in.highest), TotalLost: uint32(min(expected-in.unique, 1<<24-1))}
	if sent > came {
		r.FractionLost = uint8(min((sent-came)*256/sent, 255))
	}
	if !in.reported.IsZero() {
		r.LastSenderReport = in.report
		r.Delay = uint32(now.Sub(in.reported) * 65536 / time.Second)
	}
	return r, true
}

// counts of a stream, to be subtracted from later ones.
type counts struct{ expected, unique, again uint64 }

func (c counts) minus(before counts) counts {
	return counts{c.expected - before.expected, c.unique - before.unique, c.again - before.again}
}

func (c counts) plus(other counts) counts {
	return counts{c.expected + other.expected, c.unique + other.unique, c.again + other.again}
}

// tally is what was counted so far.
func (in *inbound) tally() counts {
	in.mu.Lock()
	defer in.mu.Unlock()
	return counts{in.expected(), in.unique, in.again}
}
