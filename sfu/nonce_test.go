package sfu_test

import (
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// either is a client that can come by UDP and by ICE-TCP; only says by which it does from the
// next offer on.
func (h *house) either(id string) (g *guest, only func(transport string)) {
	h.t.Helper()
	g = h.join(id, sfutest.Options{Settings: func(e *webrtc.SettingEngine) {
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4})
	}})
	g.path = &path{offer: hide}
	return g, func(transport string) {
		g.path.answer = func(answer string) string {
			var kept []string
			for line := range strings.Lines(answer) {
				if !strings.HasPrefix(line, "a=candidate:") || strings.Contains(line, " "+transport+" ") {
					kept = append(kept, line)
				}
			}
			return strings.Join(kept, "")
		}
	}
}

// TestNoNonceTwice goes through all that touches keys and numbers: slots that change their
// track, retransmission, ICE restart, UDP to TCP and back, and a peer that comes back.
func TestNoNonceTwice(t *testing.T) {
	t.Parallel()
	var nonces sfu.Nonces
	h := open(t)
	nonces.Watch(h.server)
	t.Cleanup(func() { // also when a client refused what was encrypted twice
		if reused, _, _, _ := nonces.Result(); len(reused) > 0 {
			t.Error(reused)
		}
	})
	b, only := h.either("b")
	only("udp")
	b.offer(false)
	b.await(sfu.Connected)
	b.ready()
	ask := func(p sfutest.Packet) {
		nack := []rtcp.Packet{
			&rtcp.TransportLayerNack{MediaSSRC: p.SSRC, Nacks: []rtcp.NackPair{{PacketID: p.SequenceNumber - 9, LostPackets: 0x00ff}}},
			&rtcp.PictureLossIndication{MediaSSRC: p.SSRC},
		}
		if err := b.client.PC.WriteRTCP(nack); err != nil {
			t.Fatal(err)
		}
	}
	for round, transport := range []string{"udp", "tcp", "tcp", "udp"} {
		for _, id := range []string{"a", "c"} {
			g := h.enter(id, sfutest.Options{})
			done := g.speak(65000, 2*time.Millisecond)
			mid, mic := b.shown(id, sfu.Camera), b.shown(id, sfu.Mic)
			for range 40 {
				b.packet(on(mic))
				ask(b.packet(on(mid)))
			}
			if round%2 == 0 {
				g.offer(true)
			}
			if id == "a" { // the first time it restarts where it is
				only(transport)
				b.offer(true)
				reached(t, "b to be connected by "+transport, func() bool { return b.peer.Stats().Protocol == transport })
			}
			b.drain()
			for range 20 {
				ask(b.packet(on(mid)))
			}
			done()
			g.peer.Close("leaves")
			g.await(sfu.Closed)
		}
	}
	_, keys, byStream, reports := nonces.Result()
	total := 0
	for _, n := range byStream {
		total += n
	}
	s := b.peer.Stats()
	t.Logf("%d keys, %d packets on %d streams, %d RTCP, %d sent again", keys, total, len(byStream), reports, s.Resent)
	if keys != 9 || s.Resent == 0 || reports == 0 {
		t.Errorf("%d keys, %d retransmissions, %d reports: want 9 and some", keys, s.Resent, reports)
	}
	if n := h.server.MediaByPion(); n != 0 {
		t.Errorf("Pion wanted to send %d packets of media", n)
	}
}
