package sfu

import (
	"strings"
	"sync"
)

const declaredLimit = 512 // SSRCs a peer may declare

// guard counts a peer's SSRCs that no description declared and raises the alarm once there
// are too many: each one met costs state, so a client could fill the memory with random ones.
type guard struct {
	limit int
	alarm func()

	mu       sync.Mutex
	declared map[uint32]struct{}
	unknown  map[uint32]struct{}
	raised   bool
}

func newGuard(limit int, alarm func()) *guard {
	return &guard{limit: limit, alarm: alarm, declared: map[uint32]struct{}{}, unknown: map[uint32]struct{}{}}
}

// declare reads the a=ssrc lines of a description.
func (g *guard) declare(sdp string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for line := range strings.Lines(sdp) {
		rest, ok := strings.CutPrefix(line, "a=ssrc:")
		if !ok {
			continue
		}
		number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if ssrc, ok := parseSSRC(number); ok && len(g.declared) < declaredLimit {
			g.declared[ssrc] = struct{}{}
			delete(g.unknown, ssrc)
		}
	}
}

// full says that a packet of ssrc is not worth decrypting: it is one too many. It is asked
// before the packet is known to be authentic, so it counts nothing.
func (g *guard) full(ssrc uint32) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.unknown) > g.limit && !g.known(ssrc)
}

// admit counts the SSRC of an authentic packet and says whether it may have state.
func (g *guard) admit(ssrc uint32) bool {
	g.mu.Lock()
	if !g.known(ssrc) && len(g.unknown) <= g.limit {
		g.unknown[ssrc] = struct{}{}
	}
	raise := len(g.unknown) > g.limit && !g.raised
	g.raised = g.raised || raise
	_, declared := g.declared[ssrc]
	full := len(g.unknown) > g.limit && !declared
	g.mu.Unlock()
	if raise {
		g.alarm()
	}
	return !full
}

// known is asked with the lock held.
func (g *guard) known(ssrc uint32) bool {
	if _, ok := g.declared[ssrc]; ok {
		return true
	}
	_, ok := g.unknown[ssrc]
	return ok
}
