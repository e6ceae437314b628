package sfu_test

import (
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// TestNACKAmplification asks for the same packets over and over.
func TestNACKAmplification(t *testing.T) {
	h := open(t)
	a, b := h.enter("a", sfutest.Options{}), h.enter("b", sfutest.Options{})
	a.client.PublishVideo(a.client.Camera)
	mid := b.shown("a", sfu.Camera)
	p := b.packet(on(mid))
	for range 10 {
		b.packet(on(mid))
	}
	nacks := make([]rtcp.NackPair, 250)
	for i := range nacks {
		nacks[i] = rtcp.NackPair{PacketID: p.SequenceNumber, LostPackets: 0x00ff}
	}
	for range 50 {
		if err := b.client.PC.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: p.SSRC, Nacks: nacks}}); err != nil {
			t.Fatal(err)
		}
	}
	const asked = 50 * 250 * 9
	reached(t, "all requests handled", func() bool {
		s := b.peer.Stats()
		return s.Resent+s.ResendRefused >= asked
	})
	if s := b.peer.Stats(); s.Resent > 9*3 {
		t.Errorf("%d packets were sent again on %d requests", s.Resent, asked)
	}
}

// TestKeyframeRequestsAreCoalesced has two subscribers and a sink ask all the time.
func TestKeyframeRequestsAreCoalesced(t *testing.T) {
	h := open(t)
	a := h.enter("a", sfutest.Options{})
	b, c := h.enter("b", sfutest.Options{}), h.enter("c", sfutest.Options{})
	frames := sfutest.Frames()
	var packetizer sfutest.Packetizer
	timestamp := uint32(0)
	write := func(frame []byte) {
		timestamp += 3000
		for _, p := range packetizer.Packets(frame, timestamp) {
			if err := a.client.Camera.WriteRTP(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(frames[0])
	track := take(t, h.published, "camera")
	midB, midC := b.shown("a", sfu.Camera), c.shown("a", sfu.Camera)
	plis := make(chan struct{}, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for p := range a.client.Feedback {
			switch p.(type) {
			case *rtcp.PictureLossIndication:
				plis <- struct{}{}
			case *rtcp.Goodbye:
				return
			}
		}
	}()
	take(t, plis, "first request")
	write(frames[0])
	ssrcB, ssrcC := b.packet(on(midB)).SSRC, c.packet(on(midC)).SSRC
	const seconds = 2
	n, asked := 0, 0
	answered := time.Now()
	for end := time.After(seconds * time.Second); end != nil; {
		for _, x := range []struct {
			g    *guest
			ssrc uint32
		}{{b, ssrcB}, {c, ssrcC}} {
			pli := []rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: x.ssrc}, &rtcp.FullIntraRequest{FIR: []rtcp.FIREntry{{SSRC: x.ssrc}}}}
			if err := x.g.client.PC.WriteRTCP(pli); err != nil {
				t.Fatal(err)
			}
		}
		track.RequestKeyframe()
		asked += 5
		select {
		case <-end:
			end = nil
			if wait := 200*time.Millisecond - time.Since(answered); wait > 0 { // a keyframe under way would answer the last requests
				end = time.After(wait)
			}
		case <-plis:
			n++
			answered = time.Now()
			write(frames[0])
		case <-time.After(time.Millisecond):
			write(frames[1])
		}
	}
	t.Logf("%d requests of subscribers and sinks made %d at the publisher in %d s", asked, n, seconds)
	if most := 2*seconds + 2; n > most || n < seconds {
		t.Errorf("%d keyframes were asked of the publisher, expected up to %d", n, most)
	}
	take(t, plis, "last request") // which is deferred, not lost
	a.client.Feedback <- &rtcp.Goodbye{}
	<-done
}

// TestREMB wants the publisher to be told of the subscriber whose estimate falls.
func TestREMB(t *testing.T) {
	h := open(t)
	a := h.enter("a", sfutest.Options{})
	b, c := h.enter("b", sfutest.Options{}), h.enter("c", sfutest.Options{})
	frames := sfutest.Frames()
	var packetizer sfutest.Packetizer
	write := func() {
		for _, p := range packetizer.Packets(frames[0], 0) {
			if err := a.client.Camera.WriteRTP(p); err != nil {
				t.Fatal(err)
			}
		}
	}
	write()
	midB, midC := b.shown("a", sfu.Camera), c.shown("a", sfu.Camera)
	write()
	ssrcB, ssrcC := b.packet(on(midB)).SSRC, c.packet(on(midC)).SSRC
	told := func(want float32) {
		t.Helper()
		deadline := time.After(patience)
		for {
			select {
			case p := <-a.client.Feedback:
				if r, ok := p.(*rtcp.ReceiverEstimatedMaximumBitrate); ok && r.Bitrate > want*0.99 && r.Bitrate < want*1.01 {
					return
				}
			case <-deadline:
				t.Fatalf("the publisher is never told %.0f bit/s", want)
			}
		}
	}
	estimate := func(g *guest, ssrc uint32, bitrate float32) {
		t.Helper()
		if err := g.client.PC.WriteRTCP([]rtcp.Packet{&rtcp.ReceiverEstimatedMaximumBitrate{Bitrate: bitrate, SSRCs: []uint32{ssrc}}}); err != nil {
			t.Fatal(err)
		}
	}
	told(5_000_000) // nobody said anything
	for range 2 {
		estimate(b, ssrcB, 900_000)
		estimate(c, ssrcC, 2_000_000)
		for len(a.client.Feedback) > 0 {
			<-a.client.Feedback
		}
		told(5_000_000) // all is well
	}
	estimate(b, ssrcB, 800_000) // it fell: that path is overused
	told(800_000)
	c.peer.Close("leaves")
	for range 100 { // a lie is no more than the most
		estimate(b, ssrcB, 1e18)
	}
	estimate(b, ssrcB, 700_000)
	told(700_000)
	reached(t, "the estimate in the stats", func() bool { return b.peer.Stats().Estimate == 700_000 })
}

// TestNewSSRC replaces a publisher's stream by renegotiation; the subscriber's goes on.
func TestNewSSRC(t *testing.T) {
	h := open(t)
	a, b := h.enter("a", sfutest.Options{}), h.enter("b", sfutest.Options{})
	a.client.PublishVideo(a.client.Camera)
	mid := b.shown("a", sfu.Camera)
	last := b.packet(on(mid))
	first := take(t, h.published, "camera")
	transceiver := a.client.PC.GetTransceivers()[1]
	if err := a.client.PC.RemoveTrack(transceiver.Sender()); err != nil {
		t.Fatal(err)
	}
	a.offer(false)
	if u := take(t, h.unpublished, "camera to go"); u != first {
		t.Errorf("%s was unpublished", u.ID())
	}
	b.until(func(s []sfu.Slot) bool { return s[1].Peer == "" }, "the slot to be free")
	for len(b.client.Packets) > 0 {
		last = <-b.client.Packets
	}
	again, err := a.client.PC.AddTrack(a.client.Camera)
	if err != nil {
		t.Fatal(err)
	}
	if transceiver.Sender() != again {
		t.Fatal("the client did not reuse its section")
	}
	a.offer(false)
	b.shown("a", sfu.Camera)
	next := b.packet(on(mid))
	follows(t, last, next)
}

func TestCodecTheSubscriberLacks(t *testing.T) {
	h := open(t)
	a := h.enter("a", sfutest.Options{VideoCodec: webrtc.MimeTypeVP9, Fmtp: "profile-id=0"})
	b := h.enter("b", sfutest.Options{Only: true})
	c := h.enter("c", sfutest.Options{})
	write := func(n int) {
		p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n)}, Payload: []byte{0x08, 1, 2, 3}} // B, not P
		if err := a.client.Camera.WriteRTP(p); err != nil {
			t.Fatal(err)
		}
	}
	write(0)
	track := take(t, h.published, "camera")
	if track.MimeType() != webrtc.MimeTypeVP9 || track.ClockRate() != 90000 || track.Kind() != sfu.Video {
		t.Errorf("the track is %s %d Hz %s", track.MimeType(), track.ClockRate(), track.Kind())
	}
	mid := c.shown("a", sfu.Camera)
	write(1)
	p := c.packet(on(mid))
	for _, codec := range c.client.PC.GetTransceivers()[1].Receiver().GetParameters().Codecs {
		if codec.PayloadType == webrtc.PayloadType(p.PayloadType) && codec.MimeType != webrtc.MimeTypeVP9 {
			t.Errorf("VP9 is sent as %s", codec.MimeType)
		}
	}
	a.client.PublishAudio(a.client.Mic)
	b.shown("a", sfu.Mic)
	b.until(func(s []sfu.Slot) bool { return len(s) == 4 && s[1].Peer == "" && s[2].Peer == "" }, "no video")
	if len(b.wanted) > 0 {
		t.Error("b was asked for slots that would not help")
	}
}
