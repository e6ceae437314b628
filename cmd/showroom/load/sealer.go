package load

import (
	"fmt"
	"net/netip"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

const burstSize = 32 // datagrams sent by one call: a keyframe of 1,500 kbit/s

// burst is a number of datagrams to one address.
type burst struct {
	n     int
	sizes [burstSize]int
	bufs  [burstSize][maxDatagram]byte
	burstHeaders
}

var bursts = sync.Pool{New: func() any { return &burst{} }}

// sealer encrypts what a peer sends, and sends it. Packets wait for flush.
type sealer struct {
	port *port
	to   netip.AddrPort

	mu      sync.Mutex
	context *srtp.Context
	waiting *burst // nil: none
	plain   [maxDatagram]byte
	header  rtp.Header
}

// WriteRTP takes a packet.
func (s *sealer) WriteRTP(h *rtp.Header, payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := h.MarshalTo(s.plain[:])
	if err != nil {
		return fmt.Errorf("write RTP: %w", err)
	}
	n += copy(s.plain[n:], payload)
	if s.waiting == nil {
		s.waiting = bursts.Get().(*burst)
	}
	u := s.waiting
	sealed, err := s.context.EncryptRTP(u.bufs[u.n][:0], s.plain[:n], &s.header)
	if err != nil {
		return fmt.Errorf("write RTP: %w", err)
	}
	u.sizes[u.n] = len(sealed)
	if u.n++; u.n == burstSize {
		s.port.send(u, s.to)
	}
	return nil
}

// flush sends what waits.
func (s *sealer) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		return
	}
	s.port.send(s.waiting, s.to)
	bursts.Put(s.waiting)
	s.waiting = nil
}

// WriteRTCP sends a compound packet.
func (s *sealer) WriteRTCP(packets ...rtcp.Packet) error {
	plain, err := rtcp.Marshal(packets)
	if err != nil {
		return fmt.Errorf("write RTCP: %w", err)
	}
	s.mu.Lock()
	sealed, err := s.context.EncryptRTCP(nil, plain, nil)
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("write RTCP: %w", err)
	}
	_, err = s.port.WriteToAddrPort(sealed, s.to)
	return err
}
