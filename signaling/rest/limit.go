package rest

import (
	"net/netip"
	"sync"
	"time"
)

const (
	maxFailures   = 10          // failed sign-ins
	failureWindow = time.Minute // in that time
	maxAddresses  = 4096        // remembered at once
)

// failures counts failed sign-ins by address, an IPv6 network of 64 bits being one address. When it is full, addresses that it
// does not know share one count.
type failures struct {
	mu   sync.Mutex
	seen map[netip.Addr]window
}

// window counts in a stretch of time, from the first one counted on.
type window struct {
	ends time.Time
	n    int
}

// add counts one more, in a new window of that length if this one is over, and returns how long there are more than most: zero if there are not.
func (w *window) add(now time.Time, length time.Duration, most int) time.Duration {
	if !now.Before(w.ends) {
		*w = window{ends: now.Add(length)}
	}
	w.n++
	if w.n <= most {
		return 0
	}
	return w.ends.Sub(now)
}

func newFailures() *failures { return &failures{seen: make(map[netip.Addr]window)} }

// add counts one failure and returns how long the address must wait, zero if it need not.
func (f *failures) add(address string, now time.Time) time.Duration {
	addr := network(address)
	f.mu.Lock()
	defer f.mu.Unlock()
	w, known := f.seen[addr]
	if !known && len(f.seen) >= maxAddresses {
		f.forget(now)
		if len(f.seen) >= maxAddresses {
			addr = netip.Addr{}
			w = f.seen[addr]
		}
	}
	wait := w.add(now, failureWindow, maxFailures)
	f.seen[addr] = w
	return wait
}

// forgive takes one back, which was counted before it was known to be good.
func (f *failures) forgive(address string) {
	addr := network(address)
	f.mu.Lock()
	defer f.mu.Unlock()
	w, known := f.seen[addr]
	if !known { // it is among those that share a count
		addr = netip.Addr{}
		w = f.seen[addr]
	}
	if w.n > 0 {
		w.n--
		f.seen[addr] = w
	}
}

// forget drops what has run out. The caller holds mu.
func (f *failures) forget(now time.Time) {
	for addr, w := range f.seen {
		if !now.Before(w.ends) {
			delete(f.seen, addr)
		}
	}
}

// network is what counts as one address; whatever is none counts as one of its own.
func network(address string) netip.Addr {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Addr{}
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr
	}
	return netip.PrefixFrom(addr, 64).Masked().Addr()
}
