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
func reached(t *testing.T, what string, done func() bool) {
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

func TestSenderReports(t *testing.T) {
	h := open(t)
	a, b := h.enter("a", sfutest.Options{}), h.enter("b", sfutest.Options{})
	write := func(n int) {
		p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: 1000 + uint32(n)*960}, Payload: sfutest.Silence}
		if err := a.client.Mic.WriteRTP(p); err != nil {
			t.Fatal(err)
		}
	}
	write(0)
	mid := b.shown("a", sfu.Mic)
	got := make(reports, 10)
	defer take(t, h.published, "microphone").Attach(got)()
	write(1)
	write(2)
	p := b.packet(func(p sfutest.Packet) bool { return p.MID == mid })
	const ntp = 0xe1234567_89abcdef
	if err := a.client.Report(a.client.Mic, ntp, 1000+2*960); err != nil {
		t.Fatal(err)
	}
	if r := take(t, got, "report at the sink"); r != [2]uint64{ntp, 1000 + 2*960} {
		t.Errorf("the sink got %x", r)
	}
	last := b.packet(on(mid))
	for last.SequenceNumber-p.SequenceNumber < 1 {
		last = b.packet(on(mid))
	}
	sr := take(t, b.client.Reports, "report at the subscriber")
	if sr.MID != mid || sr.SSRC != p.SSRC || sr.NTPTime != ntp || sr.PacketCount < 2 || sr.OctetCount != sr.PacketCount*3 {
		t.Errorf("the subscriber got %v on section %s", sr.SenderReport, sr.MID)
	}
	if off := sr.RTPTime - p.Timestamp; off%960 != 0 || off > 2*960 {
		t.Errorf("the report says %d, the packets began at %d", sr.RTPTime, p.Timestamp)
	}
	// Who comes after the report gets it as soon as it gets packets.
	c := h.enter("c", sfutest.Options{})
	c.shown("a", sfu.Mic)
	write(3)
	if sr := take(t, c.client.Reports, "report at the late joiner"); sr.NTPTime != ntp {
		t.Errorf("the late joiner got %v", sr.SenderReport)
	}
}
