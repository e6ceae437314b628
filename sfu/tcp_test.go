package sfu

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"
)

// TestSlowTCPClient writes to one that reads nothing: nobody waits, whole packets go.
func TestSlowTCPClient(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var dropped atomic.Uint64
	l := newTCPListener(inner, 64<<10, &dropped)
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	const size = 1000
	start, written := time.Now(), 0
	for dropped.Load() < 100 {
		if _, err := c.Write(bytes.Repeat([]byte{byte(written)}, size)); err != nil {
			t.Fatal(err)
		}
		written++
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("writing took %v", d)
	}
	first := make([]byte, size)
	if err := client.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for n := range written - int(dropped.Load()) {
		if _, err := io.ReadFull(client, first); err != nil {
			t.Fatal(err)
		}
		if first[0] != first[size-1] {
			t.Fatalf("packet %d is cut", n)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
