package sfu

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"showroom/sfu/udp"
)

// readable is a connection on which bytes come.
type readable struct {
	net.Conn
	io.Reader
}

func (s *readable) Read(b []byte) (int, error) { return s.Reader.Read(b) }
func (s *readable) RemoteAddr() net.Addr       { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9} }

func frame(b ...byte) []byte { return append([]byte{byte(len(b) >> 8), byte(len(b))}, b...) }

// FuzzTCPStream cuts a stream into packets: what is no media comes out as it was.
func FuzzTCPStream(f *testing.F) {
	stun, media := frame(0, 1, 2, 3), frame(append([]byte{128, 96}, make([]byte, 30)...)...)
	f.Add(bytes.Join([][]byte{stun, media, stun, frame(), media, frame(20, 1)}, nil))
	f.Add(frame(append([]byte{128}, make([]byte, 5000)...)...))
	f.Add([]byte{0})
	f.Add([]byte{0, 9, 128, 1})
	var dropped atomic.Uint64
	l := newTCPListener(nil, 1<<10, &dropped)
	f.Fuzz(func(t *testing.T, b []byte) {
		var want []byte
		for rest := b; len(rest) >= 2; {
			n := 2 + int(rest[0])<<8 + int(rest[1])
			if n > 2 && len(rest) < 3 {
				break
			}
			isMedia := n > 2 && rest[2] >= 128 && rest[2] <= 191
			whole := rest[:min(n, len(rest))]
			if !isMedia {
				want = append(want, whole...)
			}
			rest = rest[len(whole):]
		}
		c := newTCPConn(&readable{Reader: iotest.HalfReader(bytes.NewReader(b))}, l)
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%x gives %x, want %x: %v", b, got, want, err)
		}
	})
}

func TestOnlyWeWriteMediaToTCP(t *testing.T) {
	var dropped atomic.Uint64
	l := newTCPListener(nil, 1<<10, &dropped)
	c := newTCPConn(&readable{}, l)
	if _, err := c.Write(frame(128, 1, 2)); !errors.Is(err, udp.ErrMedia) || l.refused.Load() != 1 || len(c.queue) > 0 {
		t.Errorf("Pion can write media: %v", err)
	}
	if _, err := c.Write(frame(0, 1, 2)); err != nil || len(c.queue) != 5 {
		t.Errorf("STUN cannot be written: %v", err)
	}
}
