package load

import (
	"container/heap"
	"math"
	"sync"
	"time"

	"github.com/pion/rtcp"
)

const (
	keyframeEvery = 10 * time.Second // and whenever the server asks
	reportEvery   = time.Second
	turnLength    = 100                    // times of sending until new publishers are asked for
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

// publication is the sending of one peer.
type publication struct {
	*peer
	video, audio, reports schedule
	lastKey               time.Time
	late, ignored         uint64
	next                  time.Time
}

// newPublication begins now. Each of many publishers has its own phase, 0 to 1, so that their frames do not all come at once.
func newPublication(p *peer, now time.Time) *publication {
	begin := func(every time.Duration) schedule {
		return schedule{next: now.Add(time.Duration(p.phase * float64(every))), every: every}
	}
	b := &publication{peer: p, video: begin(time.Second / frameRate), audio: begin(opusPacket), reports: begin(reportEvery), next: now}
	if p.soundOnly {
		b.video.next = now.Add(time.Duration(math.MaxInt64))
	}
	return b
}

// send what is due: picture, sound and, each second, sender reports.
func (b *publication) send(now time.Time) {
	if at, ok := b.audio.due(now, &b.late); ok {
		b.mic.writeAudio(at)
	}
	if at, ok := b.video.due(now, &b.late); ok {
		size := frameBytes(b.kbps)
		key := b.camera.keyframe.Swap(false) || now.Sub(b.lastKey) >= keyframeEvery
		if key {
			b.lastKey = now
			size *= keyframeScale
		}
		b.camera.writeFrame(size, key, at)
	}
	if _, ok := b.reports.due(now, &b.ignored); ok {
		b.sendReports(now)
	}
	b.missed.Store(b.late)
	b.next = earliest(b.video.next, b.audio.next, b.reports.next)
}

// publisher sends for all peers on one goroutine, each at its own times.
type publisher struct {
	wg   sync.WaitGroup
	stop chan struct{}
	wake chan struct{}
	due  queue // the goroutine's

	mu    sync.Mutex
	added []*publication
}

func newPublisher() *publisher {
	s := &publisher{stop: make(chan struct{}), wake: make(chan struct{}, 1)}
	s.wg.Go(s.run)
	return s
}

// add begins to publish; it ends with the peer.
func (s *publisher) add(p *peer) {
	s.mu.Lock()
	s.added = append(s.added, newPublication(p, time.Now()))
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *publisher) close() {
	close(s.stop)
	s.wg.Wait()
}

func (s *publisher) run() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		s.mu.Lock()
		for _, b := range s.added {
			heap.Push(&s.due, b)
		}
		s.added = nil
		s.mu.Unlock()
		timer.Reset(s.turn())
		select {
		case <-s.stop:
			return
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// turn sends what is due, and says how long nothing else is.
func (s *publisher) turn() time.Duration {
	for range turnLength {
		if len(s.due) == 0 {
			return time.Hour
		}
		b := s.due[0]
		now := time.Now()
		if wait := b.next.Sub(now); wait > 0 {
			return wait
		}
		select {
		case <-b.ended:
			heap.Pop(&s.due)
		default:
			b.send(now)
			heap.Fix(&s.due, 0)
		}
	}
	return 0
}

// queue is a heap: the publication that is due first comes first.
type queue []*publication

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].next.Before(q[j].next) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(*publication)) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = nil
	*q = (*q)[:len(*q)-1]
	return last
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
		p.writeRTCP(report, name)
	}
}

// feedback acts on what the server says of a stream this peer sends.
func (p *peer) feedback(ssrc uint32, packet rtcp.Packet) {
	for _, o := range []*outbound{p.mic, p.camera} {
		if o == nil || o.ssrc != ssrc {
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
