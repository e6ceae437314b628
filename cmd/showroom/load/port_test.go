package load

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"
)

func listenAt(t *testing.T, s *ports, media func([]byte, time.Duration)) *port {
	t.Helper()
	p, err := s.listen(netip.MustParseAddr("127.0.0.1"), media)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// Two ports that one goroutine reads: a burst comes whole and in order, and what is no media waits for Pion.
func TestPorts(t *testing.T) {
	s, err := openPorts()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	type packet struct {
		b       []byte
		arrived time.Duration
	}
	media := make(chan packet, 3*burstSize)
	to := listenAt(t, s, func(b []byte, at time.Duration) { media <- packet{bytes.Clone(b), at} })
	from := listenAt(t, s, func([]byte, time.Duration) { t.Error("media came back") })
	u := bursts.Get().(*burst)
	defer bursts.Put(u)
	begin := time.Since(began)
	for i := range burstSize {
		u.bufs[i][0], u.bufs[i][1] = 128, byte(i)
		u.sizes[i] = 100 + i
		u.n++
	}
	from.send(u, to.local)
	for i := range burstSize {
		select {
		case p := <-media:
			if len(p.b) != 100+i || int(p.b[1]) != i {
				t.Fatalf("packet %d has %d bytes, begins with %v", i, len(p.b), p.b[:2])
			}
			if end := time.Since(began); p.arrived < begin-time.Millisecond || p.arrived > end { // two clocks
				t.Errorf("packet %d arrived at %v, between %v and %v", i, p.arrived, begin, end)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("packet %d did not come", i)
		}
	}
	if u.n != 0 || from.dropped.Load() != 0 {
		t.Errorf("%d left, %d dropped", u.n, from.dropped.Load())
	}
	if _, err := from.WriteTo([]byte{1, 2, 3}, to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 10)
	n, sender, err := to.ReadFrom(b)
	if err != nil || n != 3 || sender.String() != from.local.String() {
		t.Errorf("%d bytes from %v, %v", n, sender, err)
	}
	if _, err := from.WriteTo(nil, &net.TCPAddr{}); !errors.Is(err, errNotUDP) {
		t.Errorf("got %v", err)
	}
}

func TestPortEnds(t *testing.T) {
	s, err := openPorts()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	p := listenAt(t, s, nil)
	_ = p.SetDeadline(time.Now())
	if _, _, err := p.ReadFrom(nil); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	_ = p.SetDeadline(time.Time{})
	read := make(chan error)
	go func() {
		_, _, err := p.ReadFrom(nil)
		read <- err
	}()
	_ = p.Close()
	_ = p.Close()
	if err := <-read; !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := p.WriteToAddrPort([]byte{1}, p.local); err != nil || p.dropped.Load() > 1 {
		t.Errorf("a write to a closed port: %v", err)
	}
	if _, err := s.listen(netip.MustParseAddr("192.0.2.1"), nil); err == nil {
		t.Error("a port of an address that is not this machine's")
	}
}

// On the loopback everybody comes from an address of their own.
func TestPlace(t *testing.T) {
	p := &place{local: net.IPv4(127, 0, 0, 1)}
	seen := map[string]bool{}
	for range 1000 {
		ip := p.next()
		if !ip.IsLoopback() || seen[ip.String()] {
			t.Fatalf("%v", ip)
		}
		seen[ip.String()] = true
	}
	other := &place{local: net.IPv4(192, 0, 2, 1)}
	if ip := other.next(); !ip.Equal(other.local) {
		t.Errorf("%v", ip)
	}
}
