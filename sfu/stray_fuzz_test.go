package sfu_test

import (
	"encoding/binary"
	"net"
	"strings"
	"testing"
	"time"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// FuzzStray sends anything to the media sockets while a peer is about to connect: STUN that
// names it, DTLS, media, garbage, by UDP and by TCP. Nobody may panic, and the peer waits on.
func FuzzStray(f *testing.F) {
	h := open(f, func(c *sfu.Config) { c.Failed = time.Hour }) // the peer waits for a client that never comes
	g := h.join("g", sfutest.Options{})
	offer, sources, err := g.client.Offer(false)
	if err != nil {
		f.Fatal(err)
	}
	answer, err := g.peer.Offer(offer, typed(sources))
	if err != nil {
		f.Fatal(err)
	}
	_, fragment, _ := strings.Cut(answer, "a=ice-ufrag:")
	fragment, _, _ = strings.Cut(fragment, "\r\n")
	username := fragment + ":client"
	for len(username)%4 != 0 {
		username += "x"
	}
	stun := append([]byte{0, 1, 0, byte(4 + len(username)), 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
	stun = append(stun, 0, 6, 0, byte(len(username)))
	f.Add(append(stun, username...))
	f.Add([]byte{22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0}) // DTLS
	f.Add([]byte{0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 1, 2, 3})
	f.Add([]byte{0x80, 201, 0, 1, 0, 0, 0, 1})
	f.Add([]byte{0})
	const sources64 = 64 // each may send as much as the valve lets it
	var conns [sources64]net.Conn
	for i := range conns {
		if conns[i], err = net.Dial("udp4", h.server.UDPAddr().String()); err != nil {
			f.Fatal(err)
		}
		f.Cleanup(func() { _ = conns[i].Close() })
	}
	n := 0
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 || len(b) > 1400 {
			return
		}
		n++
		if _, err := conns[n%sources64].Write(b); err != nil {
			t.Fatal(err)
		}
		if n%50 == 0 {
			c, err := net.Dial("tcp4", h.server.TCPAddr().String())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
			_ = c.Close()
		}
		if h.server.Panics() > 0 || g.peer.State() != sfu.Connecting {
			t.Fatalf("%d panics, the peer is %s", h.server.Panics(), g.peer.State())
		}
	})
}
