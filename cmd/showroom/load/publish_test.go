package load

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
)

func TestSchedule(t *testing.T) {
	start := time.Unix(1000, 0)
	s := schedule{next: start, every: 20 * time.Millisecond}
	var missed uint64
	for _, step := range []struct {
		at     time.Duration
		due    time.Duration // −1: not due
		missed uint64
	}{
		{-time.Millisecond, -1, 0},
		{0, 0, 0},
		{time.Millisecond, -1, 0},
		{25 * time.Millisecond, 20 * time.Millisecond, 0},
		{180 * time.Millisecond, 40 * time.Millisecond, 0}, // late, but not too late
		{180 * time.Millisecond, 60 * time.Millisecond, 0},
		{1080 * time.Millisecond, 880 * time.Millisecond, 40}, // 80, 100, … 860 are left out
	} {
		at, ok := s.due(start.Add(step.at), &missed)
		if ok != (step.due >= 0) || ok && at.Sub(start) != step.due || missed != step.missed {
			t.Errorf("at %v: due %v, %v, %d missed", step.at, at.Sub(start), ok, missed)
		}
	}
}

// Ten seconds of publishing: how much is sent, and when.
func TestPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		video, camera := boundVideo(t)
		audio, mic := boundVideo(t)
		p := &peer{camera: video, mic: audio, settings: settings{kbps: 1500, phase: 0.5}, ended: make(chan struct{})}
		s := newPublisher()
		s.add(p)
		time.Sleep(5*time.Second + time.Second/60) // in the bubble's time
		video.keyframe.Store(true)
		time.Sleep(4 * time.Second)
		close(p.ended)
		time.Sleep(time.Second) // it is noticed when the next frame is due
		s.close()
		if len(s.due) != 0 {
			t.Error("who has left is still sent for")
		}
		frames, keys, bytes := 0, 0, 0
		for _, packet := range camera.packets {
			bytes += len(packet.Payload)
			if packet.Payload[0]&0x10 != 0 {
				frames++
				if packet.Payload[descriptor]&1 == 0 {
					keys++
				}
			}
		}
		if frames < 269 || frames > 271 || keys != 2 || len(mic.packets) < 450 || len(mic.packets) > 452 {
			t.Errorf("%d frames, %d of them keyframes, %d audio packets", frames, keys, len(mic.packets))
		}
		if kbps := bytes * 8 / 9000; kbps < 1480 || kbps > 1600 {
			t.Errorf("%d kbit/s of video", kbps)
		}
		if p.missed.Load() != 0 {
			t.Errorf("%d were too late", p.missed.Load())
		}
	})
}

func TestFeedback(t *testing.T) {
	o, w := boundVideo(t)
	p := &peer{camera: o}
	o.writeFrame(100, true, time.Now())
	p.feedback(10, &rtcp.PictureLossIndication{MediaSSRC: 10})
	if o.keyframe.Load() {
		t.Error("a keyframe is due, but another stream was asked for one")
	}
	p.feedback(11, &rtcp.PictureLossIndication{MediaSSRC: 11})
	if !o.keyframe.Load() || p.keyframesAsked.Load() != 1 {
		t.Error("no keyframe is due")
	}
	p.feedback(11, &rtcp.TransportLayerNack{Nacks: []rtcp.NackPair{{PacketID: o.seq}}})
	if len(w.packets) != 2 {
		t.Errorf("%d packets after a NACK", len(w.packets))
	}
}
