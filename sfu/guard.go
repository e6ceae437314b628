package sfu

import (
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/pion/transport/v4/packetio"
)

const (
	streamBuffer   = 1 << 20   // bytes of one declared stream waiting for its reader; the rest is dropped
	reportBuffer   = 128 << 10 // of its RTCP
	strangerBuffer = 8 << 10   // of either of a stream nobody declared
	largeBuffers   = 32        // streams of a peer may have so much: what it publishes, with repair streams, and then some
	declaredLimit  = 512       // SSRCs a peer may declare
)

// guard is a peer's buffer factory for SRTP and SRTCP. Pion keeps state for each SSRC it
// meets, so a client could fill the memory with random ones; the guard counts those that
// no description declared and raises the alarm once there are too many. Declared ones may
// have no reader either, so only the first of them get much room.
type guard struct {
	limit int
	alarm func()

	mu       sync.Mutex
	declared map[uint32]struct{}
	unknown  map[uint32]struct{}
	large    map[uint32]struct{} // declared, and have come
	raised   bool
}

func newGuard(limit int, alarm func()) *guard {
	return &guard{limit: limit, alarm: alarm, declared: map[uint32]struct{}{}, unknown: map[uint32]struct{}{}, large: map[uint32]struct{}{}}
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
		if ssrc, err := strconv.ParseUint(number, 10, 32); err == nil && len(g.declared) < declaredLimit {
			g.declared[uint32(ssrc)] = struct{}{}
			delete(g.unknown, uint32(ssrc))
		}
	}
}

// buffer is called by Pion for the first packet of an SSRC, authenticated already.
func (g *guard) buffer(kind packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	b := packetio.NewBuffer()
	b.SetLimitSize(strangerBuffer)
	g.mu.Lock()
	_, known := g.declared[ssrc]
	if known {
		switch {
		case !g.mayBeLarge(ssrc):
		case kind == packetio.RTPBufferPacket:
			b.SetLimitSize(streamBuffer)
		default:
			b.SetLimitSize(reportBuffer)
		}
	} else if len(g.unknown) <= g.limit {
		g.unknown[ssrc] = struct{}{}
	}
	raise := len(g.unknown) > g.limit && !g.raised
	full := len(g.unknown) > g.limit && !known
	g.raised = g.raised || raise
	g.mu.Unlock()
	if raise {
		g.alarm()
	}
	if full {
		return refused{}
	}
	return b
}

// mayBeLarge counts the streams that have come. The caller holds mu.
func (g *guard) mayBeLarge(ssrc uint32) bool {
	if len(g.large) < largeBuffers {
		g.large[ssrc] = struct{}{}
	}
	_, large := g.large[ssrc]
	return large
}

// refused is the buffer of a stream beyond the limit: it takes no memory and is at its end.
type refused struct{}

func (refused) Read([]byte) (int, error)    { return 0, io.EOF }
func (refused) Write(b []byte) (int, error) { return len(b), nil }
func (refused) Close() error                { return nil }
