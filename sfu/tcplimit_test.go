package sfu

import (
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// failing is a listener whose descriptors run out twice.
type failing struct {
	net.Listener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return nil, err
	}
	return f.Listener.Accept()
}

// TestAcceptGoesOn: Pion stops listening for good at the first error.
func TestAcceptGoesOn(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	full := &net.OpError{Op: "accept", Err: syscall.EMFILE}
	l := newTCPListener(&failing{inner, []error{full, full}}, 1<<10, new(atomic.Uint64))
	dialed, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatalf("after two passing errors: %v", err)
	}
	conn.Close()
	go l.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept on a closed listener: %v", err)
	}
}

// TestTCPConnectionsAreLimited by address, and given back.
func TestTCPConnectionsAreLimited(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newTCPListener(inner, 1<<10, new(atomic.Uint64))
	defer l.Close()
	accepted := make(chan net.Conn, 2*tcpPerAddress)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func(from string) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	var ours []net.Conn
	for range tcpPerAddress {
		dial("127.0.0.2")
		ours = append(ours, <-accepted)
	}
	over := dial("127.0.0.2")
	over.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := over.Read(make([]byte, 1)); err == nil || errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("one too many is not closed: %v", err)
	}
	dial("127.0.0.3")
	(<-accepted).Close()
	ours[0].Close()
	ours[0].Close() // counts once
	dial("127.0.0.2")
	ours[0] = <-accepted
	for _, c := range ours {
		c.Close()
	}
	if l.total != 0 || len(l.from) != 0 {
		t.Errorf("%d connections are still counted, of %d addresses", l.total, len(l.from))
	}
}
