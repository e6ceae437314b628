package main

import (
	"io"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"showroom/sfu/sfutest"
	"showroom/signaling/rest"
)

const opusLength = 20 * time.Millisecond

// connect makes the connection with a section for sound and one for pictures.
func (t *talker) connect() (err error) {
	settings := webrtc.SettingEngine{LoggerFactory: &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}}
	settings.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	settings.SetIncludeLoopbackCandidate(true)
	if t.pc, err = webrtc.NewAPI(webrtc.WithSettingEngine(settings)).NewPeerConnection(webrtc.Configuration{}); err != nil {
		return err
	}
	if t.mic, err = t.source(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "mic"); err != nil {
		return err
	}
	if t.camera, err = t.source(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "camera"); err != nil {
		return err
	}
	t.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			if _, _, err := track.ReadRTP(); err != nil {
				return
			}
			t.change(func(is *rest.Visitor) { is.Heard++ })
		}
	})
	once := sync.OnceFunc(func() {
		t.change(func(is *rest.Visitor) { is.State = "talking" })
		close(t.connected)
		t.wg.Go(t.publish)
	})
	t.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			once()
		}
	})
	return nil
}

// source adds a section in both directions.
func (t *talker) source(codec webrtc.RTPCodecCapability, name string) (*webrtc.TrackLocalStaticSample, error) {
	track, err := webrtc.NewTrackLocalStaticSample(codec, name, "visitor")
	if err != nil {
		return nil, err
	}
	tr, err := t.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendrecv})
	if err != nil {
		return nil, err
	}
	t.wg.Go(func() { listen(tr.Sender(), t.keyframe) })
	return track, nil
}

// listen hears of requests for keyframes until the connection ends.
func listen(sender *webrtc.RTPSender, keyframe chan<- struct{}) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				select {
				case keyframe <- struct{}{}:
				default: // it is asked for already
				}
			}
		}
	}
}

// publish sends a tone and a clip.
func (t *talker) publish() {
	write := func(to *webrtc.TrackLocalStaticSample) func(media.Sample) {
		return func(s media.Sample) { _ = to.WriteSample(s) } // the connection may be over
	}
	playOut(t.done, t.keyframe, toneOfVisitor(), sfutest.Frames(), write(t.mic), write(t.camera))
}

// playOut gives packets of sound and the frames of a clip, over and over, as many as the time that has passed wants, until done. A keyframe
// that is asked for begins the clip anew: its first frame is its only one.
func playOut(done, keyframe <-chan struct{}, sound, frames [][]byte, mic, camera func(media.Sample)) {
	const picture, often = time.Second / sfutest.FrameRate, opusLength / 4
	ticker := time.NewTicker(often)
	defer ticker.Stop()
	start := time.Now()
	for audio, video, frame := 0, 0, 0; ; {
		for ; time.Duration(audio)*opusLength <= time.Since(start); audio++ {
			mic(media.Sample{Data: sound[audio%len(sound)], Duration: opusLength})
		}
		for ; time.Duration(video)*picture <= time.Since(start); video++ {
			camera(media.Sample{Data: frames[frame%len(frames)], Duration: picture})
			frame++
		}
		select {
		case <-done:
			return
		case <-keyframe:
			frame = 0
		case <-ticker.C:
		}
	}
}
