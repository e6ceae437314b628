package sfu_test

import (
	"fmt"
	"testing"
	"time"

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
	h := open(t)
	a := h.enter("a", sfutest.Options{})
	a.client.PublishVideo(a.client.Camera)
	take(t, h.published, "camera")
	var worst time.Duration
	for i := range 5 {
		b := h.join(fmt.Sprint("late", i), sfutest.Options{})
		b.offer(false)
		b.await(sfu.Connected)
		connected := time.Now()
		p := b.packet(on(b.shown("a", sfu.Camera)))
		worst = max(worst, p.Arrived.Sub(connected))
		b.peer.Close("test")
	}
	t.Logf("the slowest of 5 late joiners saw a keyframe %v after it was connected", worst)
	if worst > 2*time.Second {
		t.Errorf("a late joiner waited %v", worst)
	}
}
