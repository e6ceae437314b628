package load

import (
	"math"
	"math/bits"
	"time"
)

const (
	subBuckets = 32 // in each power of two: a value is known to 3 %
	octaves    = 28 // of microseconds: more than an hour
)

// histogram counts durations in buckets that grow with the value. Its zero value is empty.
type histogram struct {
	counts [octaves * subBuckets]uint32
	n      uint64
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(d)]++
	h.n++
}

func bucket(d time.Duration) int {
	us := uint64(max(0, d.Microseconds()))
	if us < subBuckets {
		return int(us)
	}
	shift := bits.Len64(us) - bits.Len64(subBuckets) // the leading bit and five more stay
	return min(shift*subBuckets+int(us>>shift), octaves*subBuckets-1)
}

// middle of a bucket.
func middle(i int) time.Duration {
	if i < 2*subBuckets {
		return time.Duration(i) * time.Microsecond
	}
	shift := i/subBuckets - 1
	low := uint64(i-shift*subBuckets) << shift
	return time.Duration(low+1<<shift/2) * time.Microsecond
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.n += other.n
}

// quantile is the value that a share q of all values does not exceed; 0 of an empty histogram.
func (h *histogram) quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := max(1, uint64(math.Ceil(q*float64(h.n))))
	var seen uint64
	for i, n := range h.counts {
		if seen += uint64(n); seen >= rank {
			return middle(i)
		}
	}
	return middle(len(h.counts) - 1)
}
