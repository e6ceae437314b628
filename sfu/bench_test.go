package sfu_test

import (
	"testing"

	"github.com/pion/rtp"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

func silence(n int) *rtp.Packet {
	return &rtp.Packet{
		Header:  rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * 960},
		Payload: sfutest.Silence,
	}
}

// BenchmarkCall is the whole way of a packet, from one client's RTP to another's, through
// both encryptions. Its allocations are those of the server and of both clients.
func BenchmarkCall(b *testing.B) {
	h := open(b)
	a, c := h.enter("a", sfutest.Options{}), h.enter("c", sfutest.Options{})
	p := silence(0)
	if err := a.client.Mic.WriteRTP(p); err != nil {
		b.Fatal(err)
	}
	c.shown("a", sfu.Mic)
	b.ReportAllocs()
	for n := 1; b.Loop(); n++ {
		if err := a.client.Mic.WriteRTP(silence(n)); err != nil {
			b.Fatal(err)
		}
		<-c.client.Packets
	}
}
