package sfu_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// bystanders are two whose call must not suffer from what a third does.
func (h *house) bystanders() (check func()) {
	a, b := h.enter("a", sfutest.Options{Extra: 1}), h.enter("b", sfutest.Options{Extra: 1})
	a.client.PublishAudio(a.client.Mic)
	mid := b.shown("a", sfu.Mic)
	last := b.packet(on(mid))
	return func() {
		h.t.Helper()
		for range 10 {
			p := b.packet(on(mid))
			follows(h.t, last, p)
			last = p
		}
		if b.peer.State() != sfu.Connected || len(b.violations)+len(a.violations) > 0 {
			h.t.Error("the others noticed")
		}
	}
}

func TestBadOffers(t *testing.T) {
	h := open(t, func(c *sfu.Config) { c.OffersPerSecond = 1000 })
	check := h.bystanders()
	g := h.join("g", sfutest.Options{})
	good, sources, err := g.client.Offer(false)
	if err != nil {
		t.Fatal(err)
	}
	section := good[strings.Index(good, "m=video"):]
	section = section[:strings.Index(section[1:], "m=")+1]
	for name, bad := range map[string]string{
		"empty":              "",
		"garbage":            "hello",
		"zeros":              strings.Repeat("\x00", 1000),
		"JSON":               `{"type":"offer"}`,
		"no section":         good[:strings.Index(good, "m=")],
		"no mid":             strings.ReplaceAll(good, "a=mid:", "a=muddle:"),
		"one mid for all":    strings.ReplaceAll(strings.ReplaceAll(good, "a=mid:1", "a=mid:0"), "a=mid:2", "a=mid:0"),
		"hundreds of m":      good + strings.Repeat("m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:x\r\n", 300),
		"4000 real sections": good + strings.Repeat(section, 4000),
		"candidates":         good + strings.Repeat("a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n", 201),
		"long":               good + "a=x:" + strings.Repeat("y", 64<<10) + "\r\n",
		"bad m":              good + "m=video\r\n",
		"sections behind CR": good + "a=x" + strings.Repeat("\rm=video 9 UDP/TLS/RTP/SAVPF 96\ra=rtpmap:96 VP8/90000", 800) + "\r\n",
		"NUL":                strings.Replace(good, "a=mid:0", "a=mid:\x00", 1),
		"a format 9000 times": strings.Replace(good, "SAVPF ", "SAVPF "+strings.Repeat("96 ", 9000), 1) +
			strings.Repeat("a=rtcp-fb:* x\r\n", 1500), // took 24 s
		"formats × lines": strings.ReplaceAll(good, "SAVPF ", "SAVPF "+strings.Repeat("96 ", 80)) + strings.Repeat("a=rtcp-fb:* x\r\n", 2500),
		"SSRC groups":     good + strings.Repeat("a=ssrc-group:FID 1 2\r\na=ssrc:1 cname:x\r\n", 800),
	} {
		start := time.Now()
		if _, err := g.peer.Offer(bad, nil); !errors.Is(err, sfu.ErrBadSDP) {
			t.Errorf("%s: %v", name, err)
		}
		if d := time.Since(start); d > 100*time.Millisecond {
			t.Errorf("%s took %v", name, d)
		}
	}
	for name, bad := range map[string]map[string]sfu.Source{
		"unknown source":  {"0": "kitchen"},
		"foreign section": {"77": sfu.Mic},
		"other kind":      {"0": sfu.Camera},
		"twice":           {"1": sfu.Camera, "2": sfu.Camera},
	} {
		if _, err := g.peer.Offer(good, bad); !errors.Is(err, sfu.ErrBadSDP) {
			t.Errorf("%s: %v", name, err)
		}
	}
	answer, err := g.peer.Offer(good, typed(sources)) // nothing of it did harm
	if err != nil {
		t.Fatal(err)
	}
	if err := g.client.Answer(answer); err != nil {
		t.Fatal(err)
	}
	g.await(sfu.Connected)
	check()
}

// TestOfferThatFailsHalfWay closes who sent it, and only that one.
func TestOfferThatFailsHalfWay(t *testing.T) {
	h := open(t)
	check := h.bystanders()
	g := h.join("g", sfutest.Options{})
	good, _, err := g.client.Offer(false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.peer.Offer(strings.ReplaceAll(good, "a=ice-ufrag", "a=ice-nothing"), nil); !errors.Is(err, sfu.ErrBadSDP) {
		t.Errorf("without ICE credentials: %v", err)
	}
	g.await(sfu.Closed)
	if _, err := g.peer.Offer(good, nil); !errors.Is(err, sfu.ErrClosed) {
		t.Errorf("an offer to a closed peer: %v", err)
	}
	check()
}

func TestTooManyOffersAndCandidates(t *testing.T) {
	h := open(t)
	g := h.join("g", sfutest.Options{})
	if err := g.peer.AddCandidate("candidate:1 1 udp 1 127.0.0.1 9 typ host", "0", 0); !errors.Is(err, sfu.ErrNoOffer) {
		t.Errorf("a candidate before the offer: %v", err)
	}
	g.offer(false)
	var err error
	for range 10 {
		_, err = g.peer.Offer("nonsense", nil)
	}
	if !errors.Is(err, sfu.ErrTooManyOffer) {
		t.Errorf("the tenth offer in a row: %v", err)
	}
	for candidate, ok := range map[string]bool{
		"": true, "candidate:1 1 udp 1 127.0.0.1 9 typ host": true,
		"candidate:nonsense": false, strings.Repeat("x", 2000): false, "\x00": false,
	} {
		if err := g.peer.AddCandidate(candidate, "0", -5); (err == nil) != ok || (err != nil && !errors.Is(err, sfu.ErrBadCandidate)) {
			t.Errorf("candidate %.30q: %v", candidate, err)
		}
	}
	for range 300 {
		err = g.peer.AddCandidate("", "0", 0)
	}
	if !errors.Is(err, sfu.ErrBadCandidate) {
		t.Errorf("the 300th candidate: %v", err)
	}
}

// writers lets a test write RTP with any header through a client's SRTP session.
type writers struct {
	interceptor.NoOp
	once   sync.Once
	writer chan interceptor.RTPWriter
}

func (w *writers) NewInterceptor(string) (interceptor.Interceptor, error) { return w, nil }
func (w *writers) BindLocalStream(_ *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	w.once.Do(func() { w.writer <- next })
	return next
}

func TestUnknownSSRCs(t *testing.T) {
	h := open(t)
	check := h.bystanders()
	w := &writers{writer: make(chan interceptor.RTPWriter, 1)}
	registry := &interceptor.Registry{}
	registry.Add(w)
	g := h.enter("g", sfutest.Options{Interceptors: registry})
	raw := take(t, w.writer, "writer")
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				h := &rtp.Header{Version: 2, PayloadType: 96, SSRC: rand.Uint32(), SequenceNumber: 1}
				if _, err := raw.Write(h, make([]byte, 40), nil); err != nil {
					return
				}
			}
		}
	})
	start := time.Now()
	if reason := take(t, g.violations, "violation"); reason != "too_many_ssrcs" {
		t.Errorf("the violation is %q", reason)
	}
	g.await(sfu.Closed)
	t.Logf("closed %v after the first", time.Since(start))
	close(stop)
	wg.Wait()
	check()
}

// TestGarbageInStreams sends what is authentic but makes no sense as media.
func TestGarbageInStreams(t *testing.T) {
	h := open(t)
	check := h.bystanders()
	g := h.enter("g", sfutest.Options{})
	for n := range 500 {
		for _, track := range []*webrtc.TrackLocalStaticRTP{g.client.Mic, g.client.Camera, g.client.Screen} {
			payload := make([]byte, rand.IntN(60))
			for i := range payload {
				payload[i] = byte(rand.Uint32())
			}
			p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32()}, Payload: payload}
			if err := track.WriteRTP(p); err != nil {
				t.Fatalf("packet %d: %v", n, err)
			}
		}
		if n%20 == 0 {
			check()
		}
	}
	check()
	if g.peer.State() != sfu.Connected {
		t.Errorf("who sends strange media is %s", g.peer.State())
	}
}

func TestDataChannelsAreRejected(t *testing.T) {
	h := open(t)
	check := h.bystanders()
	g := h.join("g", sfutest.Options{})
	opened := make(chan struct{}, 1000)
	for i := range 200 {
		d, err := g.client.PC.CreateDataChannel(fmt.Sprint(i), nil)
		if err != nil {
			t.Fatal(err)
		}
		d.OnOpen(func() { opened <- struct{}{} })
	}
	g.offer(false)
	g.await(sfu.Connected)
	g.client.PublishAudio(g.client.Mic)
	take(t, h.published, "a's microphone")
	if p := take(t, h.published, "g's microphone"); p.Peer() != "g" {
		t.Errorf("%s published", p.Peer())
	}
	check()
	if len(opened) > 0 {
		t.Errorf("%d data channels opened", len(opened))
	}
	if answer := g.client.PC.RemoteDescription().SDP; !strings.Contains(answer, "m=application 0 ") {
		t.Errorf("the answer does not reject the data section:\n%s", answer)
	}
}

// lines is a log that counts.
type lines struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(b)
}

func (l *lines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.String(), "\n")
}

func TestStrayPackets(t *testing.T) {
	var log lines
	h := open(t, func(c *sfu.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	check := h.bystanders()
	conn, err := net.Dial("udp", h.server.UDPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	before, start := log.count(), time.Now()
	for n := range 5000 {
		b := make([]byte, 20+rand.IntN(200))
		for i := range b {
			b[i] = byte(rand.Uint32())
		}
		switch n % 3 {
		case 0:
			b[0] = 0x80 // RTP
		case 1: // a STUN binding request, but for its content
			copy(b, []byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42})
		}
		if _, err := conn.Write(b); err != nil {
			t.Fatal(err)
		}
		if n%500 == 0 {
			check()
		}
	}
	allowed := 10 * (int(time.Since(start).Seconds()) + 2)
	if n := log.count() - before; n > allowed {
		t.Errorf("5000 stray packets made %d log lines, more than %d:\n%s", n, allowed, log.String())
	}
}

func TestFullRoomAndClosedOnes(t *testing.T) {
	h := open(t, func(c *sfu.Config) { c.PeersPerRoom = 2 })
	for i, want := range []error{nil, nil, sfu.ErrRoomFull} {
		if err := join(h.room, fmt.Sprint(i)); !errors.Is(err, want) {
			t.Errorf("join %d: %v", i, err)
		}
	}
	if _, err := h.server.Open("room", sfu.RoomEvents{}); !errors.Is(err, sfu.ErrRoomOpen) {
		t.Errorf("open twice: %v", err)
	}
	h.room.Close()
	h.room.Close()
	if err := join(h.room, "x"); !errors.Is(err, sfu.ErrClosed) {
		t.Errorf("join a closed room: %v", err)
	}
	if _, err := h.server.Open("room", sfu.RoomEvents{}); err != nil {
		t.Errorf("open again: %v", err)
	}
}

func TestClosedRoomLeavesNothing(t *testing.T) {
	h := open(t)
	existing := goleak.IgnoreCurrent()
	r, err := h.server.Open("other", sfu.RoomEvents{})
	if err != nil {
		t.Fatal(err)
	}
	h.room = r
	a, b := h.enter("a", sfutest.Options{}), h.enter("b", sfutest.Options{TCP: true})
	a.client.PublishAudio(a.client.Mic)
	b.client.PublishVideo(b.client.Camera)
	b.packet(on(b.shown("a", sfu.Mic)))
	a.packet(on(a.shown("b", sfu.Camera)))
	r.Close()
	for _, g := range []*guest{a, b} {
		g.await(sfu.Closed)
		if err := g.client.Close(); err != nil {
			t.Error(err)
		}
	}
	goleak.VerifyNone(t, existing)
}
