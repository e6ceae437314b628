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
	t.wg.Go(func() { t.listen(tr.Sender()) })
	return track, nil
}

// listen hears of requests for keyframes until the connection ends.
func (t *talker) listen(sender *webrtc.RTPSender) {
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			switch p.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				select {
				case t.keyframe <- struct{}{}:
				default: // it is asked for already
				}
			}
		}
	}
}

// publish sends a tone and a clip, as much as the time that has passed wants.
func (t *talker) publish() {
	sound, frames := toneOfVisitor(), sfutest.Frames()
	const picture = time.Second / sfutest.FrameRate
	ticker := time.NewTicker(opusLength / 2)
	defer ticker.Stop()
	start := time.Now()
	for audio, video, frame := 0, 0, 0; ; {
		for ; time.Duration(audio)*opusLength <= time.Since(start); audio++ {
			_ = t.mic.WriteSample(media.Sample{Data: sound[audio%len(sound)], Duration: opusLength}) // the connection may be over
		}
		for ; time.Duration(video)*picture <= time.Since(start); video++ {
			_ = t.camera.WriteSample(media.Sample{Data: frames[frame%len(frames)], Duration: picture})
			frame++
		}
		select {
		case <-t.done:
			return
		case <-t.keyframe:
			frame = 0 // the only one of the clip
		case <-ticker.C:
		}
	}
}
