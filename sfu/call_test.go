package sfu_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

func TestCallOfTwo(t *testing.T) {
	h := open(t)
	a, b := h.enter("a", sfutest.Options{}), h.enter("b", sfutest.Options{})
	for _, g := range []*guest{a, b} {
		g.client.PublishAudio(g.client.Mic)
		g.client.PublishVideo(g.client.Camera)
	}
	for _, pair := range [][2]*guest{{a, b}, {b, a}} {
		g, other := pair[0], pair[1].peer.ID()
		mic, camera := g.shown(other, sfu.Mic), g.shown(other, sfu.Camera)
		if mic != "0" || camera != "1" {
			t.Errorf("%s sees microphone and camera on sections %s and %s, not on 0 and 1", g.peer.ID(), mic, camera)
		}
		g.packet(on(mic))
		g.packet(on(camera))
	}
	for range 4 {
		take(t, h.published, "published track")
	}
}

func TestLateJoinerSeesPicture(t *testing.T) {
	for range 5 {
		h := open(t)
		a := h.enter("a", sfutest.Options{})
		a.client.PublishVideo(a.client.Camera)
		take(t, h.published, "camera")
		b := h.enter("b", sfutest.Options{})
		connected := time.Now()
		p := b.packet(on(b.shown("a", sfu.Camera)))
		waited := p.Arrived.Sub(connected)
		t.Logf("a keyframe %v after the connection", waited)
		if waited > 2*time.Second { // 300 ms is the goal; test machines are busy
			t.Errorf("a late joiner waited %v for a picture", waited)
		}
	}
}

// TestBytesAndOrder sends numbered packets both ways and expects them as they were.
func TestBytesAndOrder(t *testing.T) {
	h := open(t)
	a, b := h.enter("a", sfutest.Options{}), h.enter("b", sfutest.Options{})
	const count = 300
	for _, pair := range [][2]*guest{{a, b}, {b, a}} {
		from, to := pair[0], pair[1]
		for _, m := range []struct {
			track  *webrtc.TrackLocalStaticRTP
			source sfu.Source
			step   uint32
		}{{from.client.Mic, sfu.Mic, 960}, {from.client.Camera, sfu.Camera, 3000}} {
			payload := func(n int) []byte {
				b := make([]byte, 200+n)
				b[0], b[1] = 0x10, 0 // VP8: a keyframe begins
				binary.BigEndian.PutUint16(b[2:], uint16(n))
				return b
			}
			send := func(n int) {
				p := &rtp.Packet{Header: rtp.Header{
					Version: 2, SequenceNumber: uint16(65500 + n), Timestamp: 4294900000 + uint32(n)*m.step, Marker: n%2 == 0,
				}, Payload: payload(n)}
				if err := m.track.WriteRTP(p); err != nil {
					t.Fatal(err)
				}
			}
			send(0) // publishes; whether it is forwarded depends on who is first
			mid := to.shown(from.peer.ID(), m.source)
			var last sfutest.Packet
			for n := 1; n <= count; n++ {
				if n%20 == 1 { // no more than socket buffers hold
					for i := range 20 {
						send(n + i)
					}
				}
				p := to.packet(on(mid))
				if binary.BigEndian.Uint16(p.Payload[2:]) == 0 {
					p = to.packet(on(mid))
				}
				if !bytes.Equal(p.Payload, payload(n)) || p.Marker != (n%2 == 0) {
					t.Fatalf("packet %d of %s came as number %d, %d bytes, marker %v", n, m.source,
						binary.BigEndian.Uint16(p.Payload[2:]), len(p.Payload), p.Marker)
				}
				if n > 1 && (p.SequenceNumber != last.SequenceNumber+1 || p.Timestamp != last.Timestamp+m.step) {
					t.Fatalf("packet %d of %s: sequence %d after %d, time %d after %d", n, m.source,
						p.SequenceNumber, last.SequenceNumber, p.Timestamp, last.Timestamp)
				}
				last = p
			}
		}
	}
}

func TestRoomOfSix(t *testing.T) {
	h := open(t)
	var guests []*guest
	for i := range 6 {
		g := h.enter(fmt.Sprint("p", i), sfutest.Options{Extra: 3})
		g.client.PublishAudio(g.client.Mic)
		g.client.PublishVideo(g.client.Camera)
		guests = append(guests, g)
	}
	for _, g := range guests {
		want := map[string]bool{}
		for _, o := range guests {
			if o == g {
				continue
			}
			mic, camera := g.shown(o.peer.ID(), sfu.Mic), g.shown(o.peer.ID(), sfu.Camera)
			want[mic], want[camera] = true, true
		}
		if len(want) != 10 {
			t.Fatalf("%s has %d slots in use, not 10", g.peer.ID(), len(want))
		}
		for len(want) > 0 {
			p := g.packet(func(p sfutest.Packet) bool { return want[p.MID] })
			delete(want, p.MID)
		}
	}
}

// TestLeaveGivesSlotToNext also holds a slot to one SSRC and gapless numbers while its
// source changes.
func TestLeaveGivesSlotToNext(t *testing.T) {
	h := open(t)
	b := h.enter("b", sfutest.Options{NoScreen: true})
	a := h.enter("a", sfutest.Options{NoScreen: true})
	a.client.PublishVideo(a.client.Camera)
	mid := b.shown("a", sfu.Camera)
	c := h.enter("c", sfutest.Options{NoScreen: true})
	c.client.PublishVideo(c.client.Camera)
	if n := take(t, b.wanted, "wish for slots"); n != [2]int{0, 1} {
		t.Errorf("%v more slots were wanted, not one for video", n)
	}
	first := b.packet(on(mid))
	for range 20 {
		next := b.packet(on(mid))
		follows(t, first, next)
		first = next
	}
	gone := take(t, h.published, "camera of a")
	a.peer.Close("leaves")
	a.await(sfu.Closed)
	if u := take(t, h.unpublished, "unpublished track"); u != gone {
		t.Errorf("track %s of %s was unpublished", u.ID(), u.Peer())
	}
	if got := b.shown("c", sfu.Camera); got != mid {
		t.Fatalf("the camera of c is on section %s, the free one is %s", got, mid)
	}
	for range 40 {
		next := b.packet(on(mid))
		follows(t, first, next)
		first = next
	}
	if err := join(h.room, "a"); err != nil {
		t.Errorf("who left cannot come back: %v", err)
	}
	if err := join(h.room, "c"); !errors.Is(err, sfu.ErrPeerExists) {
		t.Errorf("who is there can join again: %v", err)
	}
}

func join(r *sfu.Room, id string) error {
	_, err := r.Join(id, sfu.PeerEvents{})
	return err
}

func follows(t testing.TB, a, b sfutest.Packet) {
	t.Helper()
	if b.SSRC != a.SSRC || b.SequenceNumber != a.SequenceNumber+1 {
		t.Fatalf("packet %d of SSRC %d follows %d of SSRC %d", b.SequenceNumber, b.SSRC, a.SequenceNumber, a.SSRC)
	}
	if step := b.Timestamp - a.Timestamp; step > 90000*5 {
		t.Fatalf("timestamp %d follows %d", b.Timestamp, a.Timestamp)
	}
}

func TestNeedSlotsAndOfferAgain(t *testing.T) {
	h := open(t)
	b := h.enter("b", sfutest.Options{NoScreen: true})
	for _, id := range []string{"a", "c"} {
		g := h.enter(id, sfutest.Options{NoScreen: true, Extra: 1})
		g.client.PublishAudio(g.client.Mic)
		g.client.PublishVideo(g.client.Camera)
	}
	for take(t, b.wanted, "wish for slots") != [2]int{1, 1} {
	}
	if err := b.client.AddSlots(1, 1); err != nil {
		t.Fatal(err)
	}
	b.offer(false)
	used := map[string]bool{}
	for _, id := range []string{"a", "c"} {
		for _, source := range []sfu.Source{sfu.Mic, sfu.Camera} {
			mid := b.shown(id, source)
			used[mid] = true
			b.packet(on(mid))
		}
	}
	if len(used) != 4 {
		t.Errorf("4 tracks are on %d sections", len(used))
	}
}

func TestScreenShareNeedsNoNegotiation(t *testing.T) {
	h := open(t)
	a, b := h.enter("a", sfutest.Options{}), h.enter("b", sfutest.Options{})
	a.client.PublishVideo(a.client.Camera)
	b.shown("a", sfu.Camera)
	camera := take(t, h.published, "camera")

	a.client.PublishAudio(a.client.ScreenAudio)
	a.client.PublishVideo(a.client.Screen)
	if screen, sound := b.shown("a", sfu.Screen), b.shown("a", sfu.ScreenAudio); screen != "2" || sound != "3" {
		t.Errorf("the screen is on section %s and its sound on %s, not on 2 and 3", screen, sound)
	}
	b.packet(on("2"))
	first, second := take(t, h.published, "screen"), take(t, h.published, "sound")
	a.peer.Publish(map[sfu.Source]bool{sfu.Screen: false, sfu.ScreenAudio: false, sfu.Camera: false})
	b.until(func(slots []sfu.Slot) bool { return slots[2].Peer == "" && slots[3].Peer == "" }, "a free slot")
	for range 2 {
		if u := take(t, h.unpublished, "unpublished track"); u != first && u != second {
			t.Errorf("%s was unpublished", u.Source())
		}
	}
	if mid := b.shown("a", sfu.Camera); mid != "1" {
		t.Errorf("a camera that is off moved to section %s", mid)
	}
	a.peer.Publish(map[sfu.Source]bool{sfu.Screen: true})
	again := take(t, h.published, "screen again")
	if again.Source() != sfu.Screen || again.ID() == first.ID() || again.ID() == camera.ID() {
		t.Errorf("the screen came back as %s %s", again.Source(), again.ID())
	}
	b.shown("a", sfu.Screen)
}

func TestICERestartKeepsMedia(t *testing.T) {
	h := open(t)
	a, b := h.enter("a", sfutest.Options{}), h.enter("b", sfutest.Options{})
	a.client.PublishAudio(a.client.Mic)
	mid := b.shown("a", sfu.Mic)
	before := b.packet(on(mid))
	for _, g := range []*guest{a, b} {
		g.offer(true)
	}
	track := take(t, h.published, "microphone")
	counted := make(counter, 1000)
	defer track.Attach(counted)()
	for range 50 {
		take(t, counted, "packet of the microphone")
	}
	for len(b.client.Packets) > 0 {
		<-b.client.Packets
	}
	for range 25 {
		if p := b.packet(on(mid)); p.SSRC != before.SSRC {
			t.Fatalf("SSRC %d became %d", before.SSRC, p.SSRC)
		}
	}
	if b.peer.State() != sfu.Connected || a.peer.State() != sfu.Connected {
		t.Errorf("after the restart they are %s and %s", a.peer.State(), b.peer.State())
	}
}

func TestOnlyTCP(t *testing.T) {
	h := open(t)
	a, b := h.enter("a", sfutest.Options{TCP: true}), h.enter("b", sfutest.Options{})
	for _, g := range []*guest{a, b} {
		g.client.PublishVideo(g.client.Camera)
	}
	a.packet(on(a.shown("b", sfu.Camera)))
	shown := b.shown("a", sfu.Camera)
	b.packet(on(shown))
	b.packet(on(shown)) // the first is counted now
	if s := a.peer.Stats(); s.Protocol != "tcp" {
		t.Errorf("a is connected by %s", s.Protocol)
	}
	if s := b.peer.Stats(); s.Protocol != "udp" || s.ForwardedPackets == 0 || s.ReceivedPackets == 0 {
		t.Errorf("stats of b: %+v", s)
	}
}
