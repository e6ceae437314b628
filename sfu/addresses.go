package sfu

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
)

// addressesPerPeer is from how many addresses a peer's media is taken: of its network before
// and after a change, by IPv4 and IPv6. The oldest is forgotten for one more.
const addressesPerPeer = 8

// addresses says whose media comes from where. An address gets here by a STUN message that
// proves to know the peer's password; what comes from it must then pass the peer's keys.
// The table is a snapshot: packets need no lock.
type addresses struct {
	table atomic.Pointer[map[netip.AddrPort]*Peer]

	mu   sync.Mutex
	list map[*Peer][]netip.AddrPort // the oldest first
}

func (a *addresses) at(from netip.AddrPort) *Peer {
	if t := a.table.Load(); t != nil {
		return (*t)[from]
	}
	return nil
}

// add takes media from an address as p's from now on.
func (a *addresses) add(from netip.AddrPort, p *Peer) {
	if a.at(from) == p {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if p.closed() { // or else it would stay for ever
		return
	}
	next := a.copy()
	if old := next[from]; old != nil && old != p { // behind one NAT, a port is used again
		a.list[old] = slices.DeleteFunc(a.list[old], func(x netip.AddrPort) bool { return x == from })
	}
	next[from] = p
	if a.list == nil {
		a.list = map[*Peer][]netip.AddrPort{}
	}
	a.list[p] = append(slices.DeleteFunc(a.list[p], func(x netip.AddrPort) bool { return x == from }), from)
	if l := a.list[p]; len(l) > addressesPerPeer {
		delete(next, l[0])
		a.list[p] = slices.Delete(l, 0, 1)
	}
	a.table.Store(&next)
}

// forget takes no media as p's any more.
func (a *addresses) forget(p *Peer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.list[p]) > 0 {
		next := a.copy()
		for _, from := range a.list[p] {
			delete(next, from)
		}
		a.table.Store(&next)
	}
	delete(a.list, p)
}

func (a *addresses) copy() map[netip.AddrPort]*Peer {
	if t := a.table.Load(); t != nil {
		return maps.Clone(*t)
	}
	return map[netip.AddrPort]*Peer{}
}
