package sfu_test

import (
	"bytes"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"showroom/sfu/sfutest"
)

// plain is the forwarder everybody writes first: OnTrack, and a TrackLocalStaticRTP for the
// other side. What a subscriber gets from it is what ours is held against.
type plain struct {
	t        *testing.T
	track    *webrtc.TrackLocalStaticRTP // the publisher's
	received chan *rtp.Packet            // at the subscriber
}

func newPlain(t *testing.T, codec webrtc.RTPCodecCapability) *plain {
	t.Helper()
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	var settings webrtc.SettingEngine
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() && ip.To4() != nil })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	api := webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(&interceptor.Registry{}), webrtc.WithSettingEngine(settings))
	connection := func() *webrtc.PeerConnection {
		pc, err := api.NewPeerConnection(webrtc.Configuration{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = pc.GracefulClose() })
		return pc
	}
	add := func(pc *webrtc.PeerConnection) *webrtc.TrackLocalStaticRTP {
		track, err := webrtc.NewTrackLocalStaticRTP(codec, "track", "stream")
		if err == nil {
			_, err = pc.AddTrack(track)
		}
		if err != nil {
			t.Fatal(err)
		}
		return track
	}
	p := &plain{t: t, received: make(chan *rtp.Packet, 1<<14)}
	publisher, in, out, subscriber := connection(), connection(), connection(), connection()
	p.track = add(publisher)
	forwarded := add(out)
	in.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			pkt, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			_ = forwarded.WriteRTP(pkt)
		}
	})
	subscriber.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			pkt, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			p.received <- pkt
		}
	})
	p.connect(out, subscriber)
	p.connect(publisher, in)
	return p
}

func (p *plain) connect(a, b *webrtc.PeerConnection) {
	p.t.Helper()
	describe := func(pc *webrtc.PeerConnection, create func() (webrtc.SessionDescription, error)) webrtc.SessionDescription {
		d, err := create()
		if err != nil {
			p.t.Fatal(err)
		}
		gathered := webrtc.GatheringCompletePromise(pc)
		if err := pc.SetLocalDescription(d); err != nil {
			p.t.Fatal(err)
		}
		<-gathered
		return *pc.LocalDescription()
	}
	offer := describe(a, func() (webrtc.SessionDescription, error) { return a.CreateOffer(nil) })
	if err := b.SetRemoteDescription(offer); err != nil {
		p.t.Fatal(err)
	}
	answer := describe(b, func() (webrtc.SessionDescription, error) { return b.CreateAnswer(nil) })
	if err := a.SetRemoteDescription(answer); err != nil {
		p.t.Fatal(err)
	}
	reached(p.t, "a plain connection", func() bool {
		return a.ConnectionState() == webrtc.PeerConnectionStateConnected && b.ConnectionState() == webrtc.PeerConnectionStateConnected
	})
}

// sequences are what publishers send: the clip whole, and with all that happens to packets.
func sequences() map[string][]*rtp.Packet {
	clip := func(first uint16, timestamp uint32) []*rtp.Packet {
		var out []*rtp.Packet
		var packetizer sfutest.Packetizer
		for range 10 {
			for _, frame := range sfutest.Frames() {
				timestamp += 6000
				for _, p := range packetizer.Packets(frame, timestamp) {
					p.SequenceNumber += first
					out = append(out, p)
				}
			}
		}
		return out
	}
	r := rand.New(rand.NewPCG(9, 10))
	hard := clip(65400, 1<<32-100_000)
	for i, p := range hard {
		p.Marker = r.IntN(3) > 0 // the clip's frames are one packet each
		switch r.IntN(12) {
		case 0:
			_ = p.SetExtension(9, []byte{1, 2, 3}) // nobody's
		case 1: // only padding, as a bandwidth probe
			p.Payload, p.Header.Padding, p.PaddingSize = nil, true, 200
		case 2:
			p.Header.Padding, p.PaddingSize = true, byte(1+i%100)
		}
	}
	lossy, again := []*rtp.Packet{}, []*rtp.Packet{}
	for i := 0; i < len(hard); i++ {
		switch r.IntN(10) {
		case 0: // lost
		case 1, 2: // overtaken
			if j := i + 1 + r.IntN(8); j < len(hard) {
				hard[i], hard[j] = hard[j], hard[i]
			}
			fallthrough
		default:
			lossy = append(lossy, hard[i])
		}
	}
	for i, p := range lossy {
		again = append(again, p)
		if r.IntN(8) == 0 {
			again = append(again, lossy[max(0, i-r.IntN(10))])
		}
	}
	return map[string][]*rtp.Packet{"the clip": clip(100, 0), "loss, reordering, padding, extensions, roll-over": lossy, "and duplicates": again}
}

// TestAsPlainForwarder sends packet sequences through our engine and through a plain Pion
// forwarder: a decoder must get the same from both.
func TestAsPlainForwarder(t *testing.T) {
	t.Parallel()
	for name, sequence := range sequences() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			a, b := h.enter("a", sfutest.Options{}), h.enter("b", sfutest.Options{})
			a.ready()
			b.ready()
			reference := newPlain(t, a.client.Camera.Codec())
			send := func(p *rtp.Packet) {
				t.Helper()
				for _, track := range []*webrtc.TrackLocalStaticRTP{a.client.Camera, reference.track} {
					if err := track.WriteRTP(p); err != nil {
						t.Fatal(err)
					}
				}
			}
			edge := func(seq uint16, timestamp uint32, n byte) *rtp.Packet {
				return &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: timestamp, Marker: true}, Payload: []byte{0x10, 0, 0xee, n}}
			}
			first, last := sequence[0], sequence[0]
			for _, p := range sequence {
				if int16(p.SequenceNumber-last.SequenceNumber) > 0 {
					last = p
				}
			}
			// What is sent before all four ends are ready is lost: this goes on until one came both ways.
			var from [2]*rtp.Packet
			for n := uint8(0); from[0] == nil; n++ {
				send(edge(first.SequenceNumber-300+uint16(n), first.Timestamp-90000, n))
				if from = started(b.client.Packets, reference.received, n); n == lastEdge-1 {
					t.Fatal("nothing comes both ways")
				}
			}
			ours := func() *rtp.Packet { return b.packet(func(p sfutest.Packet) bool { return !isEdge(p.Packet) }).Packet }
			theirs := func() *rtp.Packet {
				for {
					if p := take(t, reference.received, "packet of the plain forwarder"); !isEdge(p) {
						return p
					}
				}
			}
			for n, p := range sequence {
				send(p)
				if n%20 == 19 { // no more at a time than socket buffers hold
					<-time.After(5 * time.Millisecond)
				}
			}
			send(edge(last.SequenceNumber+1, last.Timestamp+6000, lastEdge))
			for n := 0; ; n++ {
				x, y := ours(), theirs()
				if !bytes.Equal(x.Payload, y.Payload) || x.Marker != y.Marker ||
					x.SequenceNumber-from[0].SequenceNumber != y.SequenceNumber-from[1].SequenceNumber ||
					x.Timestamp-from[0].Timestamp != y.Timestamp-from[1].Timestamp {
					t.Fatalf("packet %d is\n%v, it should be\n%v\nwith the numbers from %d, %d", n, x, y, from[0].SequenceNumber, from[1].SequenceNumber)
				}
				if len(x.Payload) == 4 && x.Payload[2] == 0xee {
					t.Logf("%d packets were sent, %d came", len(sequence), n)
					break
				}
			}
		})
	}
}

const lastEdge = 255 // ends a sequence; those before begin it

func isEdge(p *rtp.Packet) bool {
	return len(p.Payload) == 4 && p.Payload[2] == 0xee && p.Payload[3] < lastEdge
}

// started gives the nth edge as it came both ways, or nothing after a while.
func started(ours <-chan sfutest.Packet, theirs <-chan *rtp.Packet, n uint8) (from [2]*rtp.Packet) {
	wait := time.After(100 * time.Millisecond)
	for from[0] == nil || from[1] == nil {
		select {
		case p := <-ours:
			if isEdge(p.Packet) && p.Payload[3] == n {
				from[0] = p.Packet
			}
		case p := <-theirs:
			if isEdge(p) && p.Payload[3] == n {
				from[1] = p
			}
		case <-wait:
			return [2]*rtp.Packet{}
		}
	}
	return from
}
