package sfu_test

import (
	"testing"
	"time"

	"github.com/pion/rtp"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// counter is a sink that counts by channel.
type counter chan uint16

func (c counter) WriteRTP(p *rtp.Packet, _ time.Time) {
	select {
	case c <- p.SequenceNumber:
	default:
	}
}
func (c counter) WriteSenderReport(uint64, uint32, time.Time) {}

func TestForwardUntil(t *testing.T) {
	h := open(t)
	a, b := h.enter("a", sfutest.Options{}), h.enter("b", sfutest.Options{})
	write := func(n int) {
		p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n)}, Payload: []byte{0x10, 0, byte(n)}}
		if err := a.client.Camera.WriteRTP(p); err != nil {
			t.Fatal(err)
		}
	}
	write(0)
	mid := b.shown("a", sfu.Camera)
	track := take(t, h.published, "camera")
	sunk := make(counter, 100)
	defer track.Attach(sunk)()
	write(1)
	for take(t, sunk, "packet before") != 1 {
	}
	h.room.ForwardUntil(time.Now().Add(-time.Second))
	received := a.peer.Stats().ReceivedPackets
	for n := 2; n < 50; n++ {
		write(n)
	}
	reached(t, "48 packets at the server", func() bool { return a.peer.Stats().ReceivedPackets == received+48 })
	h.room.ForwardUntil(time.Now().Add(time.Hour))
	write(50)
	for n := take(t, sunk, "packet after"); n != 50; n = take(t, sunk, "packet after") {
		if n > 1 {
			t.Fatalf("packet %d went to the sink", n)
		}
	}
	b.packet(func(p sfutest.Packet) bool {
		if p.MID == mid && p.Payload[2] > 1 && p.Payload[2] < 50 {
			t.Fatalf("packet %d was forwarded", p.Payload[2])
		}
		return p.MID == mid && p.Payload[2] == 50
	})
}

// reached polls what has no event.
func reached(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never reached: %s", what)
		}
	}
}

// reports is a sink of sender reports.
type reports chan [2]uint64

func (r reports) WriteRTP(*rtp.Packet, time.Time) {}
func (r reports) WriteSenderReport(ntp uint64, rtp uint32, _ time.Time) {
	r <- [2]uint64{ntp, uint64(rtp)}
}
