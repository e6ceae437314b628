package sfu_test

import (
	"encoding/binary"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// wiretap stands between one client and the server, as somebody on the path would, and keeps what the client sends.
type wiretap struct {
	down, up *net.UDPConn
	wg       sync.WaitGroup

	mu     sync.Mutex
	client *net.UDPAddr
	taken  [][]byte // SRTP and SRTCP
}

func newWiretap(t *testing.T, server string) *wiretap {
	t.Helper()
	down, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	up, err := net.Dial("udp", server)
	if err != nil {
		t.Fatal(err)
	}
	r := &wiretap{down: down, up: up.(*net.UDPConn)}
	r.wg.Go(r.toServer)
	r.wg.Go(r.toClient)
	t.Cleanup(func() { _, _ = r.down.Close(), r.up.Close(); r.wg.Wait() })
	return r
}

func (r *wiretap) toServer() {
	for b := make([]byte, 2048); ; {
		n, from, err := r.down.ReadFromUDP(b)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.client = from
		if b[0] >= 128 && b[0] < 192 { // RFC 7983 §7
			r.taken = append(r.taken, slices.Clone(b[:n]))
		}
		r.mu.Unlock()
		_, _ = r.up.Write(b[:n])
	}
}

func (r *wiretap) toClient() {
	for b := make([]byte, 2048); ; {
		n, err := r.up.Read(b)
		if err != nil {
			return
		}
		r.mu.Lock()
		client := r.client
		r.mu.Unlock()
		if client != nil {
			_, _ = r.down.WriteToUDP(b[:n], client)
		}
	}
}

func (r *wiretap) captured() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.taken)
}

// TestReplayAndForgery: 10,000 captured packets again, 10,000 changed ones, and 10,000 from somewhere else. Nothing is forwarded.
func TestReplayAndForgery(t *testing.T) {
	h := open(t)
	b := h.enter("b", sfutest.Options{})
	a := h.join("a", sfutest.Options{})
	r := newWiretap(t, h.server.UDPAddr().String())
	port := func(addr net.Addr) string { return " " + strconv.Itoa(addr.(*net.UDPAddr).Port) + " typ host" }
	offer, sources, err := a.client.Offer(false)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.peer.Offer(offer, typed(sources))
	if err != nil {
		t.Fatal(err)
	}
	if err := a.client.Answer(strings.ReplaceAll(answer, port(h.server.UDPAddr()), port(r.down.LocalAddr()))); err != nil {
		t.Fatal(err)
	}
	a.await(sfu.Connected)

	const count = 1500 // more than the replay window
	send := func(n int) {
		payload := binary.BigEndian.AppendUint16([]byte{0xf8}, uint16(n))
		p := &rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * 960}, Payload: payload}
		if err := a.client.Mic.WriteRTP(p); err != nil {
			t.Error(err)
		}
	}
	begun, stopped := make(chan struct{}), make(chan struct{})
	go func() { // the client may be connected after the server is, and drops what it sends before
		defer close(stopped)
		for {
			send(0)
			select {
			case <-begun:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	mid := b.shown("a", sfu.Mic)
	close(begun)
	<-stopped
	receive := func(n int) sfutest.Packet {
		t.Helper()
		p := b.packet(func(p sfutest.Packet) bool { return p.MID == mid && binary.BigEndian.Uint16(p.Payload[1:]) > 0 })
		if got := int(binary.BigEndian.Uint16(p.Payload[1:])); got != n {
			t.Fatalf("packet %d arrived, want %d", got, n)
		}
		return p
	}
	var last sfutest.Packet
	for n := 1; n <= count; n++ {
		send(n)
		last = receive(n)
	}
	captured := r.captured()
	if len(captured) < count {
		t.Fatalf("%d packets captured", len(captured))
	}
	settled := func() uint64 { // a packet is counted after it was sent, so it may be here before it is counted
		n := b.peer.Stats().ForwardedPackets
		for range 20 {
			<-time.After(5 * time.Millisecond)
			if m := b.peer.Stats().ForwardedPackets; m != n {
				n = m
			}
		}
		return n
	}
	forwarded := settled()
	before := a.peer.Stats()
	elsewhere, err := net.Dial("udp", h.server.UDPAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = elsewhere.Close() }()
	pace := time.NewTicker(10 * time.Millisecond) // slower than the limit on sources: it is not what is tested
	defer pace.Stop()
	for n := range 10_000 {
		if n%50 == 0 {
			<-pace.C
		}
		p := captured[n%len(captured)]
		forged := slices.Clone(p)
		forged[2+n%(len(p)-2)] ^= 1 << (n % 8)
		for _, w := range []struct {
			conn net.Conn
			p    []byte
		}{{r.up, p}, {r.up, forged}, {elsewhere, p}} {
			if _, err := w.conn.Write(w.p); err != nil {
				t.Fatal(err)
			}
		}
	}
	send(count + 1)
	p := receive(count + 1)
	after := a.peer.Stats()
	if p.SequenceNumber != last.SequenceNumber+1 || after.ReceivedPackets != before.ReceivedPackets+1 {
		t.Errorf("%d packets were taken and %d forwarded that were not the client's",
			after.ReceivedPackets-before.ReceivedPackets-1, p.SequenceNumber-last.SequenceNumber-1)
	}
	if n := settled() - forwarded; n != 1 {
		t.Errorf("%d packets were forwarded, want 1", n)
	}
	if n := h.server.UDPDropped(); n > 0 {
		t.Errorf("%d packets were dropped before they were looked at", n)
	}
}
