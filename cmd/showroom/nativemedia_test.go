package main

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os/exec"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"

	"showroom/sfu/sfutest"
)

// received counts what came from the other side.
type received struct{ audio, video, keyframes int }

// tone is Opus packets of 20 ms with a sound in them, a second of it.
var tone = sync.OnceValues(func() ([][]byte, error) {
	ogg, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:duration=1:sample_rate=48000",
		"-ac", "2", "-c:a", "libopus", "-frame_duration", "20", "-page_duration", "20000", "-f", "ogg", "-").Output()
	if err != nil {
		return nil, err
	}
	pages, _, err := oggreader.NewWith(bytes.NewReader(ogg))
	if err != nil {
		return nil, err
	}
	var packets [][]byte
	for {
		page, _, err := pages.ParseNextPage()
		if errors.Is(err, io.EOF) {
			return packets, nil
		}
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(page, []byte("OpusTags")) {
			packets = append(packets, page)
		}
	}
})

// connect makes the PeerConnection with the two sections of an app that shares no screen.
func (n *native) connect() {
	n.t.Helper()
	var settings webrtc.SettingEngine
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		n.t.Fatal(err)
	}
	n.pc = pc
	n.mic = n.source(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "mic")
	n.camera = n.source(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "camera")
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { n.wg.Go(func() { n.receive(track) }) })
	pc.OnICECandidate(n.trickle)
	connected := sync.OnceFunc(func() { n.wg.Go(n.publish) })
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			connected()
		}
	})
}

// source adds a section on which the client sends and receives.
func (n *native) source(codec webrtc.RTPCodecCapability, name string) *webrtc.TrackLocalStaticSample {
	n.t.Helper()
	track, err := webrtc.NewTrackLocalStaticSample(codec, name, "native")
	if err != nil {
		n.t.Fatal(err)
	}
	tr, err := n.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv})
	if err != nil {
		n.t.Fatal(err)
	}
	n.wg.Go(func() { listen(tr.Sender(), n.keyframe) })
	return track
}

// trickle sends a candidate once the offer is on its way.
func (n *native) trickle(c *webrtc.ICECandidate) {
	if c == nil {
		return
	}
	n.wg.Go(func() {
		select {
		case <-n.offered:
		case <-n.stop:
			return
		}
		i := c.ToJSON()
		n.send("candidate", map[string]any{"candidate": i.Candidate, "mid": *i.SDPMid, "line": *i.SDPMLineIndex})
	})
}

// publish sends sound and a clip until the client closes, as much as the time that has passed wants.
func (n *native) publish() {
	sound, err := tone()
	if err != nil {
		n.t.Errorf("make a sound: %v", err)
		return
	}
	frames, keyframe := sfutest.Frames(), n.keyframe
	if n.sound != nil {
		sound, frames, keyframe = n.sound, n.pictures, nil
	}
	write := func(kind string, to *webrtc.TrackLocalStaticSample) func(media.Sample) {
		return func(m media.Sample) {
			n.sends(kind)
			_ = to.WriteSample(m) // the connection may be over
		}
	}
	playOut(n.stop, keyframe, sound, frames, write("audio", n.mic), write("video", n.camera))
}

// receive counts what comes on a slot.
func (n *native) receive(track *webrtc.TrackRemote) {
	for {
		p, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		n.change(func() {
			if track.Kind() == webrtc.RTPCodecTypeAudio {
				n.received.audio++
				return
			}
			n.received.video++
			var vp8 codecs.VP8Packet
			if b, err := vp8.Unmarshal(p.Payload); err == nil && vp8.S == 1 && vp8.PID == 0 && len(b) > 0 && b[0]&1 == 0 {
				n.received.keyframes++
			}
		})
	}
}

// gets waits for so much more of the other side's sound, and for the pictures of the same time.
func (n *native) gets(length time.Duration) {
	n.t.Helper()
	n.mu.Lock()
	want := n.received
	n.mu.Unlock()
	want.audio += int(length / (20 * time.Millisecond))
	want.video += int(length.Seconds() * sfutest.FrameRate * 0.8)
	n.until("media from the other side", func() bool {
		return n.received.audio >= want.audio && n.received.video >= want.video && n.received.keyframes > 0
	})
}

// met is a call of two native clients who agreed to be recorded, up to media in both directions.
func met(seller, buyer *native) {
	seller.t.Helper()
	seller.await("knock")
	seller.send("admit", map[string]any{"participant": "buyer"})
	buyer.await("admitted")
	talk(seller, buyer)
}

// talk begins the media of two who are in the room.
func talk(seller, buyer *native) {
	seller.t.Helper()
	for _, n := range []*native{seller, buyer} {
		n.consent()
		n.offer()
	}
	for _, n := range []*native{seller, buyer} {
		n.gets(time.Second)
	}
}
