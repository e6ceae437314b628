package sfu_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

func TestMain(m *testing.M) {
	if order := os.Getenv(floodEnv); order != "" {
		if err := attack(order); err != nil {
			fmt.Fprintln(os.Stderr, "flooding client:", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue && flag.Lookup("test.fuzz").Value.String() == "" { // they wait for the network more than they compute
		_ = f.Value.Set("6")
	}
	goleak.VerifyTestMain(m)
}

const patience = 30 * time.Second // of tests, on a busy machine

// house is a server with one room.
type house struct {
	t      testing.TB
	server *sfu.Server
	room   *sfu.Room

	published, unpublished chan *sfu.Track
}

func open(t testing.TB, change ...func(*sfu.Config)) *house {
	t.Helper()
	c := sfu.Config{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0"}
	if os.Getenv("SFU_LOG") != "" {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	for _, f := range change {
		f(&c)
	}
	h := &house{t: t, published: make(chan *sfu.Track, 100), unpublished: make(chan *sfu.Track, 100)}
	var err error
	if h.server, err = sfu.New(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.server.Close(); err != nil {
			t.Error(err)
		}
		if n := h.server.Panics(); n != 0 {
			t.Errorf("%d panics", n)
		}
	})
	h.room, err = h.server.Open("room", sfu.RoomEvents{
		Published:   func(t *sfu.Track) { h.published <- t },
		Unpublished: func(t *sfu.Track) { h.unpublished <- t },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// guest is a peer and its client.
type guest struct {
	t      testing.TB
	peer   *sfu.Peer
	client *sfutest.Client
	path   *path // nil: the direct one

	states     chan sfu.PeerState
	violations chan string
	wanted     chan [2]int

	mu      sync.Mutex
	slots   []sfu.Slot
	changed chan struct{} // closed when slots change
}

// join makes a guest that has not offered yet.
func (h *house) join(id string, o sfutest.Options) *guest {
	h.t.Helper()
	g := &guest{
		t: h.t, states: make(chan sfu.PeerState, 100), violations: make(chan string, 100),
		wanted: make(chan [2]int, 100), changed: make(chan struct{}),
	}
	var err error
	if g.client, err = sfutest.New(o); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = g.client.Close() })
	g.peer, err = h.room.Join(id, sfu.PeerEvents{
		State:     func(s sfu.PeerState) { g.states <- s },
		Slots:     g.tell,
		NeedSlots: func(audio, video int) { g.wanted <- [2]int{audio, video} },
		Violation: func(reason string) { g.violations <- reason },
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return g
}

// enter joins and connects.
func (h *house) enter(id string, o sfutest.Options) *guest {
	h.t.Helper()
	g := h.join(id, o)
	g.offer(false)
	g.await(sfu.Connected)
	return g
}

func (g *guest) tell(slots []sfu.Slot) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.slots = slots
	close(g.changed)
	g.changed = make(chan struct{})
}

// offer negotiates.
func (g *guest) offer(restart bool) {
	g.t.Helper()
	offer, sources, err := g.client.Offer(restart)
	if err != nil {
		g.t.Fatal(err)
	}
	if g.path != nil && g.path.offer != nil {
		offer = g.path.offer(offer)
	}
	answer, err := g.peer.Offer(offer, typed(sources))
	if err != nil {
		g.t.Fatal(err)
	}
	if g.path != nil && g.path.answer != nil {
		answer = g.path.answer(answer)
	}
	if err := g.client.Answer(answer); err != nil {
		g.t.Fatal(err)
	}
}

func typed(sources map[string]string) map[string]sfu.Source {
	out := map[string]sfu.Source{}
	for mid, s := range sources {
		out[mid] = sfu.Source(s)
	}
	return out
}

func (g *guest) await(state sfu.PeerState) {
	g.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case s := <-g.states:
			if s == state {
				return
			}
		case <-deadline:
			g.t.Fatalf("%s is not %s, it is %s", g.peer.ID(), state, g.peer.State())
		}
	}
}

// shown waits until a slot shows the source of a peer and gives its section.
func (g *guest) shown(peer string, source sfu.Source) string {
	g.t.Helper()
	var mid string
	g.until(func(slots []sfu.Slot) bool {
		for _, s := range slots {
			if s.Peer == peer && s.Source == source {
				mid = s.MID
				return true
			}
		}
		return false
	}, "the %s of %s", source, peer)
	return mid
}

// until waits for a slot list that fits.
func (g *guest) until(fits func([]sfu.Slot) bool, format string, args ...any) {
	g.t.Helper()
	deadline := time.After(patience)
	for {
		g.mu.Lock()
		slots, changed := g.slots, g.changed
		g.mu.Unlock()
		if fits(slots) {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			g.t.Fatalf("%s waits in vain for "+format+"; slots are %v", append(append([]any{g.peer.ID()}, args...), slots)...)
		}
	}
}

// packet waits for one that fits.
func (g *guest) packet(fits func(sfutest.Packet) bool) sfutest.Packet {
	g.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case p := <-g.client.Packets:
			if fits(p) {
				return p
			}
		case <-deadline:
			g.t.Fatalf("%s waits in vain for a packet", g.peer.ID())
		}
	}
}

func on(mid string) func(sfutest.Packet) bool {
	return func(p sfutest.Packet) bool { return p.MID == mid }
}

func take[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
		panic("unreachable")
	}
}

// speak sends numbered packets of microphone and camera, each a keyframe, until it is done.
func (g *guest) speak(first int, each time.Duration) (done func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(each)
		defer tick.Stop()
		for n := first; ; n++ {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			p := silence(n)
			p.Payload = binary.BigEndian.AppendUint16(make([]byte, 20), uint16(n))
			_ = g.client.Mic.WriteRTP(p)
			p.Timestamp = uint32(n) * 3000
			p.Payload = binary.BigEndian.AppendUint16(append(make([]byte, 0, 30), 0x10, 0, 1, 2, 3, 4, 5, 6), uint16(n))
			_ = g.client.Camera.WriteRTP(p)
		}
	})
	return func() { close(stop); wg.Wait() }
}

// number is what speak wrote at the end of a packet.
func number(p sfutest.Packet) uint16 { return binary.BigEndian.Uint16(p.Payload[len(p.Payload)-2:]) }

// drain forgets the packets that came so far.
func (g *guest) drain() {
	for len(g.client.Packets) > 0 {
		<-g.client.Packets
	}
}

// ssrc of a track the client sends.
func (g *guest) ssrc(track *webrtc.TrackLocalStaticRTP) uint32 {
	for _, s := range g.client.PC.GetSenders() {
		if s.Track() == track {
			return uint32(s.GetParameters().Encodings[0].SSRC)
		}
	}
	return 0
}

// told waits for the server's word on the client's media.
func (g *guest) told(fits func(rtcp.Packet) bool, what string) {
	g.t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case p := <-g.client.Feedback:
			if fits(p) {
				return
			}
		case <-deadline:
			g.t.Fatalf("no %s", what)
		}
	}
}
