package sfu_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// TestBytesAndOrder sends numbered packets both ways, over the end of the sequence numbers
// and of the timestamps, and expects them as they were on a stream of the server's own.
func TestBytesAndOrder(t *testing.T) {
	eachWay(t, func(t *testing.T, h *house, way string) {
		a, b := h.enterBy(way, "a", sfutest.Options{}), h.enterBy(way, "b", sfutest.Options{})
		for _, pair := range [][2]*guest{{a, b}, {b, a}} {
			for _, source := range []sfu.Source{sfu.Mic, sfu.Camera} {
				bytesAndOrder(t, pair[0], pair[1], source)
			}
		}
		want := map[string]string{"UDP": "udp", "TURN": "udp", "ICE-TCP": "tcp"}[way]
		if s := a.peer.Stats(); s.Protocol != want || s.ReceivedPackets == 0 || s.ForwardedPackets == 0 {
			t.Errorf("by %s, the stats of a are %+v", way, s)
		}
	})
}

func bytesAndOrder(t *testing.T, from, to *guest, source sfu.Source) {
	t.Helper()
	const count, burst = 200, 20 // no more at a time than socket buffers hold
	track, step := from.client.Mic, uint32(960)
	if source == sfu.Camera {
		track, step = from.client.Camera, 3000
	}
	payload := func(n int) []byte {
		b := make([]byte, 200+4*n)
		b[0], b[1] = 0x10, 0 // VP8: a keyframe begins
		binary.BigEndian.PutUint16(b[2:], uint16(n))
		return b
	}
	send := func(n int) {
		p := &rtp.Packet{Header: rtp.Header{
			Version: 2, SequenceNumber: uint16(65500 + n), Timestamp: 4294900000 + uint32(n)*step, Marker: n%2 == 0,
		}, Payload: payload(n)}
		if err := track.WriteRTP(p); err != nil {
			t.Fatal(err)
		}
	}
	send(0) // publishes; whether it is forwarded depends on who is first
	mid := to.shown(from.peer.ID(), source)
	ours := from.ssrc(track)
	var last sfutest.Packet
	for n := 1; n <= count; n++ {
		if n%burst == 1 {
			for i := range burst {
				send(n + i)
			}
		}
		p := to.packet(on(mid))
		if binary.BigEndian.Uint16(p.Payload[2:]) == 0 {
			p = to.packet(on(mid))
		}
		if !bytes.Equal(p.Payload, payload(n)) || p.Marker != (n%2 == 0) {
			t.Fatalf("packet %d of %s came as number %d, %d bytes, marker %v", n, source,
				binary.BigEndian.Uint16(p.Payload[2:]), len(p.Payload), p.Marker)
		}
		if p.SSRC == ours {
			t.Fatal("the stream goes by the publisher's SSRC")
		}
		if n > 1 && (p.SSRC != last.SSRC || p.SequenceNumber != last.SequenceNumber+1 || p.Timestamp != last.Timestamp+step) {
			t.Fatalf("packet %d of %s: sequence %d after %d, time %d after %d", n, source,
				p.SequenceNumber, last.SequenceNumber, p.Timestamp, last.Timestamp)
		}
		last = p
	}
}

// repairs makes a client repair losses as a browser does.
func repairs(t *testing.T) *interceptor.Registry {
	t.Helper()
	r := &interceptor.Registry{}
	responder, err := nack.NewResponderInterceptor()
	if err != nil {
		t.Fatal(err)
	}
	generator, err := nack.NewGeneratorInterceptor(nack.GeneratorInterval(30*time.Millisecond), nack.GeneratorMaxNacksPerPacket(5))
	if err != nil {
		t.Fatal(err)
	}
	r.Add(responder)
	r.Add(generator)
	return r
}

// isVideo tells VP8 as our clients offer it, of which retransmissions are another payload type.
func isVideo(b []byte) bool { return b[1]&0x7f == 96 }

// TestLossIsRepaired loses each tenth packet on the way to the server, then on the way from
// it. All come, in the end; the publisher is told what was lost.
func TestLossIsRepaired(t *testing.T) {
	eachWay(t, func(t *testing.T, h *house, way string) {
		a := h.enterBy(way, "a", sfutest.Options{Interceptors: repairs(t)})
		b := h.enterBy(way, "b", sfutest.Options{Interceptors: repairs(t)})
		defer a.speak(65450, 10*time.Millisecond)() // slow enough for a busy machine to ask in time
		mid := b.shown("a", sfu.Camera)
		for _, up := range []bool{true, false} {
			lost := 0
			tenth := func(dir bool, p []byte) bool {
				lose := dir == up && isVideo(p) && binary.BigEndian.Uint16(p[2:])%10 == 5
				if lose {
					lost++
				}
				return lose
			}
			lossy := b.path
			if up {
				lossy = a.path
			}
			before := b.peer.Stats().Resent
			lossy.lose(tenth)
			b.drain()
			first := number(b.packet(on(mid)))
			const count = 100
			seen := map[uint16]bool{first: true}
			for len(seen) < count {
				n := number(b.packet(on(mid))) - first
				if n < count {
					seen[first+n] = true
				}
				if n > 10*count && n < 1<<15 {
					t.Fatalf("%d of %d packets never came", count-len(seen), count)
				}
			}
			lossy.lose(nil)
			if lost < count/20 {
				t.Errorf("only %d packets were lost", lost)
			}
			again := b.peer.Stats().Resent - before
			t.Logf("to the server %v: %d lost, %d sent again", up, lost, again)
			if !up && (again < uint64(lost)*8/10 || again > 4*uint64(lost)) {
				t.Errorf("%d packets were sent again for %d lost", again, lost)
			}
			if !up {
				continue
			}
			a.told(func(p rtcp.Packet) bool {
				rr, ok := p.(*rtcp.ReceiverReport)
				return ok && slices.ContainsFunc(rr.Reports, func(r rtcp.ReceptionReport) bool {
					return r.SSRC == a.ssrc(a.client.Camera) && r.TotalLost >= count/20
				})
			}, "report of the loss")
		}
	})
}

// TestForgedAndReplayed sends what a client sent again, changed, and from elsewhere (A5, A12).
func TestForgedAndReplayed(t *testing.T) {
	eachWay(t, func(t *testing.T, h *house, way string) {
		a, b := h.enterBy(way, "a", sfutest.Options{}), h.enterBy(way, "b", sfutest.Options{})
		write := func(n int) {
			t.Helper()
			p := silence(n)
			p.Payload = binary.BigEndian.AppendUint16([]byte{0xf8, 1, 2, 3, 4, 5}, uint16(n))
			if err := a.client.Mic.WriteRTP(p); err != nil {
				t.Fatal(err)
			}
		}
		write(0)
		mid := b.shown("a", sfu.Mic)
		const count, burst = 1200, 24 // more than the replay window
		read := func(n int) sfutest.Packet {
			t.Helper()
			p := b.packet(func(p sfutest.Packet) bool { return p.MID == mid && number(p) > 0 })
			if number(p) != uint16(n) {
				t.Fatalf("packet %d came, want %d", number(p), n)
			}
			return p
		}
		var last sfutest.Packet
		for n := 1; n <= count; n += burst {
			for i := range burst {
				write(n + i)
			}
			for i := range burst {
				last = read(n + i)
			}
		}
		if err := a.client.PC.WriteRTCP([]rtcp.Packet{&rtcp.Goodbye{Sources: []uint32{1}}}); err != nil {
			t.Fatal(err)
		}
		captured := a.path.captured()
		if len(captured) < count {
			t.Fatalf("%d packets were captured", len(captured))
		}
		before := a.peer.Stats()
		refused := a.peer.Forged()
		pace := time.NewTicker(10 * time.Millisecond) // slower than the limit on sources: it is not what is tested
		defer pace.Stop()
		for n, p := range captured {
			if n%25 == 0 {
				<-pace.C
			}
			forged := slices.Clone(p)
			forged[2+n%(len(p)-2)] ^= 1 << (n % 8)
			for _, send := range []func() error{
				func() error { return a.path.insert(p) },
				func() error { return a.path.insert(forged) },
				func() error { return a.path.foreign(p) }, // nobody's address: not even tried
			} {
				if err := send(); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := refused + 2*uint64(len(captured))
		reached(t, fmt.Sprint(want, " packets refused"), func() bool { return a.peer.Forged() >= want-uint64(len(captured)/50) }) // UDP may lose some
		write(count + 1)
		p := read(count + 1)
		after := a.peer.Stats()
		if p.SequenceNumber != last.SequenceNumber+1 || after.ReceivedPackets != before.ReceivedPackets+1 {
			t.Errorf("%d packets were taken and %d forwarded that were not the client's",
				after.ReceivedPackets-before.ReceivedPackets-1, p.SequenceNumber-last.SequenceNumber-1)
		}
		if a.peer.State() != sfu.Connected || len(a.violations) > 0 {
			t.Error("forged packets harmed the peer")
		}
		if n := h.server.UDPDropped(); n > 0 {
			t.Errorf("%d packets were dropped before they were looked at", n)
		}
	})
}

// TestAddressChange moves two clients to other addresses in mid-call, twice, and restarts ICE:
// streams, numbers and keys go on.
func TestAddressChange(t *testing.T) {
	eachWay(t, func(t *testing.T, h *house, way string) {
		a, b := h.enterBy(way, "a", sfutest.Options{}), h.enterBy(way, "b", sfutest.Options{})
		for _, g := range []*guest{a, b} {
			defer g.speak(65000, 5*time.Millisecond)()
		}
		toA, toB := a.shown("b", sfu.Mic), b.shown("a", sfu.Mic)
		last := map[*guest]sfutest.Packet{a: a.packet(on(toA)), b: b.packet(on(toB))}
		for range 2 {
			for _, g := range []*guest{a, b} {
				before := g.peer.Stats().Address + g.client.PC.LocalDescription().SDP
				g.path.move()
				if way == "UDP" && g == a { // what it sends is taken once it has proved who it is
					b.drain()
					b.packet(on(toB))
				}
				g.offer(true)
				if g.client.PC.LocalDescription().SDP == before {
					t.Fatal("ICE was not restarted")
				}
			}
			for g, mid := range map[*guest]string{a: toA, b: toB} {
				g.drain()
				for range 25 {
					p := g.packet(on(mid))
					if p.SSRC != last[g].SSRC {
						t.Fatalf("SSRC %d became %d", last[g].SSRC, p.SSRC)
					}
					if ahead := p.SequenceNumber - last[g].SequenceNumber; ahead == 0 || ahead > 1<<15 {
						t.Fatalf("number %d after %d", p.SequenceNumber, last[g].SequenceNumber)
					}
					last[g] = p
				}
			}
		}
		for _, g := range []*guest{a, b} {
			if g.peer.State() != sfu.Connected {
				t.Errorf("%s is %s", g.peer.ID(), g.peer.State())
			}
		}
	})
}

// TestReports passes sender reports on in the slot's numbers, also to who comes later, and
// keyframe requests back to the publisher.
func TestReports(t *testing.T) {
	eachWay(t, func(t *testing.T, h *house, way string) {
		a, b := h.enterBy(way, "a", sfutest.Options{}), h.enterBy(way, "b", sfutest.Options{})
		write := func(track *webrtc.TrackLocalStaticRTP, n int) {
			p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: 1000 + uint32(n)*960}, Payload: []byte{0x10, 0, 0, byte(n)}}
			if err := track.WriteRTP(p); err != nil {
				t.Fatal(err)
			}
		}
		write(a.client.Mic, 0)
		mid := b.shown("a", sfu.Mic)
		got := make(reports, 10)
		defer take(t, h.published, "microphone").Attach(got)()
		write(a.client.Mic, 1)
		write(a.client.Mic, 2)
		p := b.packet(on(mid))
		for last := p; last.SequenceNumber-p.SequenceNumber < 1; {
			last = b.packet(on(mid))
		}
		const ntp = 0xe1234567_89abcdef
		if err := a.client.Report(a.client.Mic, ntp, 1000+2*960); err != nil {
			t.Fatal(err)
		}
		if r := take(t, got, "report at the sink"); r != [2]uint64{ntp, 1000 + 2*960} {
			t.Errorf("the sink got %x", r)
		}
		sr := take(t, b.client.Reports, "report at the subscriber")
		if sr.MID != mid || sr.SSRC != p.SSRC || sr.NTPTime != ntp || sr.PacketCount < 2 || sr.OctetCount != sr.PacketCount*4 {
			t.Errorf("the subscriber got %v on section %s", sr.SenderReport, sr.MID)
		}
		if off := sr.RTPTime - p.Timestamp; off%960 != 0 || off > 2*960 {
			t.Errorf("the report says %d, the packets began at %d", sr.RTPTime, p.Timestamp)
		}
		// Who comes after the report gets it as soon as it gets packets.
		c := h.enterBy(way, "c", sfutest.Options{})
		c.shown("a", sfu.Mic)
		write(a.client.Mic, 3)
		if sr := take(t, c.client.Reports, "report at the late joiner"); sr.NTPTime != ntp {
			t.Errorf("the late joiner got %v", sr.SenderReport)
		}

		write(a.client.Camera, 0)
		video := b.shown("a", sfu.Camera)
		isPLI := func(p rtcp.Packet) bool {
			pli, ok := p.(*rtcp.PictureLossIndication)
			return ok && pli.MediaSSRC == a.ssrc(a.client.Camera)
		}
		a.told(isPLI, "keyframe request for the subscriber")
		write(a.client.Camera, 1)
		came := func(n int) sfutest.Packet { // until then it would answer what is asked next
			t.Helper()
			return b.packet(func(p sfutest.Packet) bool { return p.MID == video && number(p) == uint16(n) })
		}
		stream := came(1).SSRC
		for n, lost := range []rtcp.Packet{
			&rtcp.PictureLossIndication{MediaSSRC: stream},
			&rtcp.FullIntraRequest{MediaSSRC: stream, FIR: []rtcp.FIREntry{{SSRC: stream, SequenceNumber: 1}}},
		} {
			if err := b.client.PC.WriteRTCP([]rtcp.Packet{
				lost, &rtcp.ReceiverReport{Reports: []rtcp.ReceptionReport{{SSRC: stream, FractionLost: 64}}},
			}); err != nil {
				t.Fatal(err)
			}
			a.told(isPLI, fmt.Sprintf("keyframe request for the subscriber's %T", lost))
			write(a.client.Camera, 2+n)
			came(2 + n)
		}
		reached(t, "the subscriber's loss", func() bool { return b.peer.Stats().LossToPeer == 0.25 })
	})
}
