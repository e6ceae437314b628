package sfu

import (
	"net/netip"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"showroom/sfu/udp"
)

// sealRoom is the most SRTP adds to a packet: RTCP's index and a tag of 16 bytes.
const sealRoom = 20

// sealer encrypts: an srtp.Context, or one that a test looks through.
type sealer interface {
	EncryptRTP(dst, plaintext []byte, header *rtp.Header) ([]byte, error)
	EncryptRTCP(dst, plaintext []byte, header *rtcp.Header) ([]byte, error)
}

var _ sealer = (*srtp.Context)(nil)

// link is the way to a peer: its keys, which live as long as its DTLS session, and its
// address, which ICE may change. Each packet is encrypted and put on its way under one lock,
// so that the order is the same.
type link struct {
	mu      sync.Mutex
	seal    sealer         // nil until DTLS is connected, and after the end
	to      netip.AddrPort // by UDP …
	tcp     *tcpConn       // … unless this is set
	hint    udp.Hint
	frame   []byte // for TCP: two bytes of length (RFC 4571) and the packet
	header  rtp.Header
	control rtcp.Header
	ssrcs   map[uint32]struct{} // of the slots: one key, so none may be there twice
}

// claim takes an SSRC into use. It reports false if it is in use already: two streams would
// share their nonces.
func (l *link) claim(ssrc uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, used := l.ssrcs[ssrc]; used {
		return false
	}
	if l.ssrcs == nil {
		l.ssrcs = map[uint32]struct{}{}
	}
	l.ssrcs[ssrc] = struct{}{}
	return true
}

// secure sets the keys, once.
func (l *link) secure(s sealer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seal == nil {
		l.seal = s
	}
}

// point sends by UDP to an address, or by TCP.
func (l *link) point(to netip.AddrPort, tcp *tcpConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to, l.tcp = to, tcp
}

// end sends nothing any more.
func (l *link) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seal, l.tcp = nil, nil
}

// room gives where the next packet is to be written; nil if there is no way. The lock is held.
func (l *link) room(out *udp.Batch, size int) []byte {
	switch {
	case l.seal == nil || size+sealRoom > udp.MaxSize:
		return nil
	case l.tcp != nil:
		if l.frame == nil {
			l.frame = make([]byte, 2+udp.MaxSize)
		}
		return l.frame[2:]
	case !l.to.IsValid():
		return nil
	}
	return out.Next()
}

// put sends the n bytes written to room. The lock is held.
func (l *link) put(out *udp.Batch, n int) {
	if l.tcp == nil {
		out.Put(n, l.to, &l.hint)
		return
	}
	l.frame[0], l.frame[1] = byte(n>>8), byte(n)
	l.tcp.enqueue(l.frame[:2+n])
}

// sendRTCP sends a compound packet. It reports false if that cannot be done.
func (l *link) sendRTCP(raw []byte, out *udp.Batch) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	buf := l.room(out, len(raw))
	if buf == nil {
		return false
	}
	sealed, err := l.seal.EncryptRTCP(buf, raw, &l.control)
	if err != nil || len(sealed) > len(buf) {
		return false
	}
	l.put(out, len(sealed))
	return true
}
