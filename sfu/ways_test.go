package sfu_test

import (
	"bytes"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/pion/webrtc/v4"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// path is the way of one client's packets, as somebody on it sees it: who can keep them, lose
// them, and send what the client did not.
type path struct {
	options sfutest.Options
	offer   func(string) string // as the server sees it
	answer  func(string) string // as the client sees it
	insert  func([]byte) error  // sends to the server as the client does
	foreign func([]byte) error  // and as a stranger does
	move    func()              // gives the client another address; media needs an ICE restart then

	mu    sync.Mutex
	sent  [][]byte // SRTP and SRTCP of the client
	loses func(up bool, b []byte) bool
}

// carry says whether a packet goes on. Up is to the server.
func (p *path) carry(up bool, b []byte) bool {
	if len(b) == 0 || b[0] < 128 || b[0] > 191 { // RFC 7983 §7
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if up {
		p.sent = append(p.sent, bytes.Clone(b))
	}
	return p.loses == nil || !p.loses(up, b)
}

func (p *path) captured() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

// lose takes packets from the path for which f is true.
func (p *path) lose(f func(up bool, b []byte) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loses = f
}

// ways are all the ways a packet can take.
var ways = map[string]func(*testing.T, *sfu.Server) *path{"UDP": byUDP, "ICE-TCP": byTCP, "TURN": byTURN}

// eachWay runs a test on each way, with a server whose encryption is watched.
func eachWay(t *testing.T, f func(t *testing.T, h *house, way string)) {
	t.Parallel()
	for way := range ways {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			var nonces sfu.Nonces
			h := open(t)
			nonces.Watch(h.server)
			t.Cleanup(func() {
				if reused, _, _, _ := nonces.Result(); len(reused) > 0 {
					t.Error(reused)
				}
				if n := h.server.MediaByPion(); n != 0 {
					t.Errorf("Pion wanted to send %d packets of media", n)
				}
			})
			f(t, h, way)
		})
	}
}

// joinBy makes a guest that comes by a way and has not offered yet.
func (h *house) joinBy(way, id string, o sfutest.Options) *guest {
	h.t.Helper()
	p := ways[way](h.t.(*testing.T), h.server)
	o.TCP, o.Configuration, o.Settings = p.options.TCP, p.options.Configuration, p.options.Settings
	g := h.join(id, o)
	g.path = p
	return g
}

// enterBy joins by a way and connects, at both ends.
func (h *house) enterBy(way, id string, o sfutest.Options) *guest {
	h.t.Helper()
	g := h.joinBy(way, id, o)
	g.offer(false)
	g.await(sfu.Connected)
	g.ready()
	return g
}

// ready waits until the client is connected too: what it sends before is lost.
func (g *guest) ready() {
	g.t.Helper()
	reached(g.t, "the client's end of the connection", func() bool {
		return g.client.PC.ConnectionState() == webrtc.PeerConnectionStateConnected
	})
}

var candidatePort = regexp.MustCompile(`(?m)^(a=candidate:\S+ \d+ (?:udp|tcp) \d+ \S+) \d+ `)

// redirect makes a client find the server at another port.
func redirect(to net.Addr) func(string) string {
	_, port, _ := net.SplitHostPort(to.String())
	return func(answer string) string {
		return candidatePort.ReplaceAllString(answer, "${1} "+port+" ")
	}
}

// hide takes the client's addresses away: the server must not find it past the path.
func hide(offer string) string {
	var kept []string
	for line := range strings.Lines(offer) {
		if !strings.HasPrefix(line, "a=candidate:") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func listenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// stranger sends by UDP from an address nobody vouched for.
func stranger(t *testing.T, s *sfu.Server) func([]byte) error {
	c := listenUDP(t)
	t.Cleanup(func() { _ = c.Close() })
	return func(b []byte) error {
		_, err := c.WriteTo(b, s.UDPAddr())
		return err
	}
}
