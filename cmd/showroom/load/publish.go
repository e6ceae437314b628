package load

import (
	"time"

	"github.com/pion/rtcp"
)

const (
	keyframeEvery = 10 * time.Second // and whenever the server asks
	reportEvery   = time.Second
	behind        = 200 * time.Millisecond // what is later than this is left out instead of sent in a heap
)

// schedule is when the next of a series is due.
type schedule struct {
	next  time.Time
	every time.Duration
}

// due says whether one is due, and when it was; missed counts those that are too late to be sent.
func (s *schedule) due(now time.Time, missed *uint64) (time.Time, bool) {
	if now.Before(s.next) {
		return time.Time{}, false
	}
	for now.Sub(s.next) > behind {
		s.next = s.next.Add(s.every)
		*missed++
	}
	at := s.next
	s.next = s.next.Add(s.every)
	return at, true
}

// publish sends camera and microphone until stop is closed, and calls report when sender reports are due. Each of many
// publishers has its own phase, 0 to 1, so that their frames do not all come at once.
func (p *peer) publish(stop <-chan struct{}, report func(time.Time)) {
	start := time.Now()
	begin := func(every time.Duration) schedule {
		return schedule{next: start.Add(time.Duration(p.phase * float64(every))), every: every}
	}
	video, audio, reports := begin(time.Second/frameRate), begin(opusPacket), begin(reportEvery)
	size := frameBytes(p.kbps)
	var lastKey time.Time
	var missed, ignored uint64
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		now := time.Now()
		if at, ok := audio.due(now, &missed); ok {
			p.mic.writeAudio(at)
		}
		if at, ok := video.due(now, &missed); ok {
			key := p.camera.keyframe.Swap(false) || now.Sub(lastKey) >= keyframeEvery
			if key {
				lastKey = now
				p.camera.writeFrame(size*keyframeScale, true, at)
			} else {
				p.camera.writeFrame(size, false, at)
			}
		}
		if _, ok := reports.due(now, &ignored); ok {
			report(now)
		}
		p.missed.Store(missed)
		timer.Reset(time.Until(earliest(video.next, audio.next, reports.next)))
	}
}

func earliest(times ...time.Time) time.Time {
	first := times[0]
	for _, t := range times[1:] {
		if t.Before(first) {
			first = t
		}
	}
	return first
}

// sendReports sends a compound packet for each stream: a report and the name that says the streams are of one clock.
func (p *peer) sendReports(now time.Time) {
	for _, o := range []*outbound{p.mic, p.camera} {
		report := o.report(now)
		if report == nil {
			continue
		}
		name := &rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{
			Source: report.SSRC, Items: []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: p.name}},
		}}}
		_ = p.pc.WriteRTCP([]rtcp.Packet{report, name}) // it may be closing
	}
}

// feedback acts on what the server says of a stream this peer sends.
func (p *peer) feedback(ssrc uint32, packet rtcp.Packet) {
	for _, o := range []*outbound{p.mic, p.camera} {
		if o == nil || o.id() != ssrc {
			continue
		}
		switch packet := packet.(type) {
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			o.keyframe.Store(true)
			p.keyframesAsked.Add(1)
		case *rtcp.TransportLayerNack:
			o.resend(packet)
		}
	}
}
