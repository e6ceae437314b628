package sfu_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// tap is a client's socket that keeps what is sent of media.
type tap struct {
	net.PacketConn

	mu   sync.Mutex
	sent [][]byte
	to   net.Addr
}

func (c *tap) WriteTo(b []byte, to net.Addr) (int, error) {
	if len(b) > 0 && b[0] >= 128 && b[0] <= 191 {
		c.mu.Lock()
		c.sent, c.to = append(c.sent, append([]byte(nil), b...)), to
		c.mu.Unlock()
	}
	return c.PacketConn.WriteTo(b, to)
}

// tapped makes options of a client whose socket is a tap.
func tapped(t *testing.T) (*tap, sfutest.Options) {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &tap{PacketConn: conn}
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: c})
	t.Cleanup(func() { _ = mux.Close() })
	return c, sfutest.Options{Settings: func(e *webrtc.SettingEngine) { e.SetICEUDPMux(mux) }}
}

// TestForgedAndReplayed sends what a client sent again, changed, and from elsewhere (A5, A12).
func TestForgedAndReplayed(t *testing.T) {
	h := open(t)
	c, options := tapped(t)
	b := h.enter("b", sfutest.Options{})
	a := h.enter("a", options)
	write := func(n int) {
		t.Helper()
		p := silence(n)
		p.Payload = []byte{0xf8, byte(n >> 8), byte(n), 1, 2, 3, 4, 5}
		if err := a.client.Mic.WriteRTP(p); err != nil {
			t.Fatal(err)
		}
	}
	// The server is done with the handshake first; until the client is, it sends nothing.
	reached(t, "the client's end of the connection", func() bool {
		return a.client.PC.ConnectionState() == webrtc.PeerConnectionStateConnected
	})
	write(0)
	mid := b.shown("a", sfu.Mic)
	b.packet(on(mid))
	sunk := make(counter, 1000)
	defer take(t, h.published, "microphone").Attach(sunk)()
	const count = 100
	for n := 1; n <= count; n++ {
		write(n)
		if got := take(t, sunk, "packet"); got != uint16(n) {
			t.Fatalf("packet %d came as %d", n, got)
		}
	}
	for n := byte(0); n != count; {
		n = b.packet(on(mid)).Payload[2]
	}
	if err := a.client.PC.WriteRTCP([]rtcp.Packet{&rtcp.Goodbye{Sources: []uint32{1}}}); err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	sent, to := c.sent, c.to
	c.mu.Unlock()
	stranger, err := net.Dial("udp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Close() }()
	before := a.peer.Forged()
	for _, p := range sent {
		if _, err := stranger.Write(p); err != nil { // nobody's address: not even tried
			t.Fatal(err)
		}
		for bit := range 8 {
			forged := append([]byte(nil), p...)
			forged[(3+bit*len(p)/8)%len(p)] ^= 1 << bit
			if forged[0] != p[0] || forged[1] != p[1] { // would be another kind of packet
				forged = append([]byte(nil), p...)
				forged[len(p)-1] ^= 0x55
			}
			_, _ = c.PacketConn.WriteTo(forged, to)
		}
		_, _ = c.PacketConn.WriteTo(p, to)
	}
	for range 100 {
		junk := make([]byte, 12+rand.IntN(1000))
		for i := range junk {
			junk[i] = byte(rand.Uint32())
		}
		junk[0], junk[1] = 0x80, 111
		_, _ = c.PacketConn.WriteTo(junk, to)
	}
	want := before + uint64(len(sent)*9+100)
	reached(t, fmt.Sprint(want, " packets refused"), func() bool { return a.peer.Forged() >= want })
	write(count + 1)
	if got := take(t, sunk, "packet after"); got != count+1 {
		t.Errorf("packet %d was taken again, or a forged one", got)
	}
	if p := b.packet(on(mid)); p.Payload[2] != count+1 {
		t.Errorf("packet %d was forwarded again, or a forged one", p.Payload[2])
	}
	if a.peer.State() != sfu.Connected || len(a.violations) > 0 {
		t.Error("forged packets harmed the peer")
	}
}

// relay stands between a client and the server, as a NAT does.
type relay struct {
	t      *testing.T
	server *net.UDPAddr
	inside *net.UDPConn // of the client's side

	mu      sync.Mutex
	client  *net.UDPAddr
	outside *net.UDPConn
	old     []*net.UDPConn
	wg      sync.WaitGroup
}

func newRelay(t *testing.T, server net.Addr) *relay {
	t.Helper()
	r := &relay{t: t, server: server.(*net.UDPAddr)}
	var err error
	if r.inside, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	r.rebind()
	r.wg.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := r.inside.ReadFromUDP(buf)
			if err != nil {
				return
			}
			r.mu.Lock()
			r.client = from
			out := r.outside
			r.mu.Unlock()
			_, _ = out.WriteToUDP(buf[:n], r.server)
		}
	})
	t.Cleanup(func() {
		_ = r.inside.Close()
		r.mu.Lock()
		for _, c := range append(r.old, r.outside) {
			_ = c.Close()
		}
		r.mu.Unlock()
		r.wg.Wait()
	})
	return r
}

// rebind gives the client a new address in the server's eyes. What comes to the old one is lost.
func (r *relay) rebind() {
	r.t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	if r.outside != nil {
		r.old = append(r.old, r.outside)
	}
	r.outside = c
	r.mu.Unlock()
	r.wg.Go(func() {
		buf := make([]byte, 2048)
		for {
			n, _, err := c.ReadFromUDP(buf)
			if err != nil {
				return
			}
			r.mu.Lock()
			client, current := r.client, r.outside == c
			r.mu.Unlock()
			if current && client != nil {
				_, _ = r.inside.WriteToUDP(buf[:n], client)
			}
		}
	})
}

var candidatePort = regexp.MustCompile(`(?m)^(a=candidate:\S+ \d+ udp \d+ \S+) \d+ `)

// offerVia negotiates by way of the relay, and only that.
func (g *guest) offerVia(r *relay, restart bool) {
	g.t.Helper()
	offer, sources, err := g.client.Offer(restart)
	if err != nil {
		g.t.Fatal(err)
	}
	var kept []string // the server must not find the client past the relay
	for line := range strings.Lines(offer) {
		if !strings.HasPrefix(line, "a=candidate:") {
			kept = append(kept, line)
		}
	}
	answer, err := g.peer.Offer(strings.Join(kept, ""), typed(sources))
	if err != nil {
		g.t.Fatal(err)
	}
	port := r.inside.LocalAddr().(*net.UDPAddr).Port
	if err := g.client.Answer(candidatePort.ReplaceAllString(answer, fmt.Sprintf("${1} %d ", port))); err != nil {
		g.t.Fatal(err)
	}
}

// TestAddressChange moves a client to another address in mid-call, twice: its media goes on
// once it has proved who it is, and comes again with an ICE restart.
func TestAddressChange(t *testing.T) {
	var nonces sfu.Nonces
	h := open(t)
	nonces.Watch(h.server)
	r := newRelay(t, h.server.UDPAddr())
	b := h.enter("b", sfutest.Options{})
	a := h.join("a", sfutest.Options{})
	a.offerVia(r, false)
	a.await(sfu.Connected)
	for _, g := range []*guest{a, b} {
		g.client.PublishAudio(g.client.Mic)
	}
	toA, toB := a.shown("b", sfu.Mic), b.shown("a", sfu.Mic)
	first := a.packet(on(toA))
	b.packet(on(toB))
	for range 2 {
		r.rebind()
		for len(b.client.Packets) > 0 {
			<-b.client.Packets
		}
		b.packet(on(toB))
		a.offerVia(r, true)
		for len(a.client.Packets) > 0 {
			<-a.client.Packets
		}
		for range 25 {
			if p := a.packet(on(toA)); p.SSRC != first.SSRC {
				t.Fatalf("SSRC %d became %d", first.SSRC, p.SSRC)
			}
		}
	}
	if reused, keys, _, _ := nonces.Result(); len(reused) > 0 || keys != 2 {
		t.Errorf("%d keys, twice: %v", keys, reused)
	}
}

// TestNoNonceTwice goes through all that touches keys and numbers: slots that change their
// track, retransmission, ICE restart, and a peer that comes back.
func TestNoNonceTwice(t *testing.T) {
	var nonces sfu.Nonces
	h := open(t)
	nonces.Watch(h.server)
	b := h.enter("b", sfutest.Options{})
	speak := func(g *guest) (done func()) {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			for n := 65000; ; n++ {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				p := silence(n)
				p.Payload = make([]byte, 20)
				_ = g.client.Mic.WriteRTP(p)
				v := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * 3000}, Payload: make([]byte, 30)}
				v.Payload[0] = 0x10
				_ = g.client.Camera.WriteRTP(v)
			}
		})
		return func() { close(stop); wg.Wait() }
	}
	ask := func(p sfutest.Packet) {
		nack := []rtcp.Packet{
			&rtcp.TransportLayerNack{MediaSSRC: p.SSRC, Nacks: []rtcp.NackPair{{PacketID: p.SequenceNumber - 9, LostPackets: 0x00ff}}},
			&rtcp.PictureLossIndication{MediaSSRC: p.SSRC},
		}
		if err := b.client.PC.WriteRTCP(nack); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 4 {
		for _, id := range []string{"a", "c"} {
			g := h.enter(id, sfutest.Options{})
			done := speak(g)
			mid, mic := b.shown(id, sfu.Camera), b.shown(id, sfu.Mic)
			for range 40 {
				b.packet(on(mic))
				ask(b.packet(on(mid)))
			}
			if round%2 == 0 {
				g.offer(true)
				b.offer(true)
				for range 20 {
					ask(b.packet(on(mid)))
				}
			}
			done()
			g.peer.Close("leaves")
			g.await(sfu.Closed)
		}
	}
	reused, keys, byStream, reports := nonces.Result()
	total := 0
	for _, n := range byStream {
		total += n
	}
	s := b.peer.Stats()
	t.Logf("%d keys, %d packets on %d streams, %d RTCP, %d sent again", keys, total, len(byStream), reports, s.Resent)
	if len(reused) > 0 {
		t.Error(reused)
	}
	if keys != 9 || s.Resent == 0 || reports == 0 {
		t.Errorf("%d keys, %d retransmissions, %d reports: want 9 and some", keys, s.Resent, reports)
	}
	if n := h.server.MediaByPion(); n != 0 {
		t.Errorf("Pion wanted to send %d packets of media", n)
	}
}
