//go:build !linux

package load

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// ports reads each port on a goroutine of its own.
type ports struct{ wg sync.WaitGroup }

type system struct{ conn *net.UDPConn }

func openPorts() (*ports, error) { return &ports{}, nil }

// close awaits the readers. The ports are closed before.
func (s *ports) close() { s.wg.Wait() }

// listen opens a port of an address.
func (s *ports) listen(local netip.Addr, media func([]byte, time.Duration)) (*port, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return nil, err // says what and where
	}
	p := newPort(media)
	p.conn, p.local = conn, netip.AddrPortFrom(local, uint16(conn.LocalAddr().(*net.UDPAddr).Port)) //nolint:forcetypeassert // of a UDPConn it is
	s.wg.Go(p.read)
	return p, nil
}

func (p *port) read() {
	b := make([]byte, 64<<10)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(b)
		if err != nil {
			select {
			case <-p.closed:
				return
			default:
				continue // an ICMP error that came back
			}
		}
		p.take(b[:n], time.Since(began), func() netip.AddrPort { return netip.AddrPortFrom(from.Addr().Unmap(), from.Port()) })
	}
}

func (s *system) close() { _ = s.conn.Close() }

// WriteToAddrPort sends a datagram.
func (p *port) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return p.conn.WriteToUDPAddrPort(b, to)
}

type burstHeaders struct{}

// send sends a burst. What the kernel does not take is dropped.
func (p *port) send(u *burst, to netip.AddrPort) {
	for i := range u.n {
		if _, err := p.conn.WriteToUDPAddrPort(u.bufs[i][:u.sizes[i]], to); err != nil {
			p.dropped.Add(1)
		}
	}
	u.n = 0
}
