package sfu

import (
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"showroom/sfu/udp"
)

// wire takes the place of a peer's encryption and keeps the last header.
type wire struct {
	header  rtp.Header
	payload int
	count   int
}

func (w *wire) EncryptRTP(dst, plaintext []byte, _ *rtp.Header) ([]byte, error) {
	n, err := w.header.Unmarshal(plaintext)
	w.payload = len(plaintext) - n
	w.count++
	return dst[:len(plaintext)], err
}

func (w *wire) EncryptRTCP(dst, plaintext []byte, _ *rtcp.Header) ([]byte, error) {
	return dst[:copy(dst, plaintext)], nil
}

func testPeer() *Peer {
	p := &Peer{}
	p.connected.Store(true)
	return p
}

func testSlot(p *Peer, out *udp.Conn) (*slot, *wire) {
	w := &wire{}
	p.link.seal, p.link.to = w, out.LocalAddr().(*net.UDPAddr).AddrPort()
	s := newSlot(p, "1", Video, 0)
	s.bound, s.ssrc, s.sendTimeID, s.captureID = true, 7, 3, 4
	return s, w
}

// testSocket sends to itself and is not read.
func testSocket(t testing.TB) *udp.Conn {
	t.Helper()
	c, err := udp.Listen("127.0.0.1:0", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func testTrack() *Track {
	return &Track{
		source: Camera, codec: webrtc.RTPCodecCapability{MimeType: mimeVP8, ClockRate: 90000},
		isKey: keyframeVP8, governor: newGovernor(func() {}), cache: &cache{},
	}
}

// TestSlotNumbers switches a slot among tracks at random, with loss and reordering before it.
func TestSlotNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	socket := testSocket(t)
	s, w := testSlot(testPeer(), socket)
	out := socket.NewBatch()
	now := time.Now()
	tracks := []*Track{testTrack(), testTrack(), testTrack()}
	exts := []uint64{1 << 32, 1<<33 + 65530, 1<<34 + 30000}
	clocks := []uint32{0, 4294967000, 123456}
	var last uint64 // extended
	for step := range 5000 {
		i := r.IntN(len(tracks))
		s.feedFrom(tracks[i], 96, 97)
		key := false
		for range 1 + r.IntN(20) {
			exts[i]++
			clocks[i] += 3000
			now = now.Add(33 * time.Millisecond)
			p := &packet{rtp: &rtp.Packet{Header: rtp.Header{Timestamp: clocks[i]}, Payload: []byte{1}}, ext: exts[i], arrived: now, out: out}
			p.key = r.IntN(5) == 0
			key = key || p.key
			count, lastTS := w.count, w.header.Timestamp
			s.write(tracks[i], p)
			s.write(tracks[(i+1)%3], p) // not the one that feeds it
			if !key {
				if w.count != count {
					t.Fatalf("step %d: forwarded before a keyframe", step)
				}
				continue
			}
			if w.count != count+1 {
				t.Fatalf("step %d: %d packets sent for one", step, w.count-count)
			}
			if last != 0 && w.header.SequenceNumber != uint16(last)+1 {
				t.Fatalf("step %d: sequence number %d after %d", step, w.header.SequenceNumber, uint16(last))
			}
			if d := w.header.Timestamp - lastTS; count > 0 && (d == 0 || d > 90000*5) {
				t.Fatalf("step %d: timestamp %d after %d", step, w.header.Timestamp, lastTS)
			}
			if w.header.SSRC != 7 || w.header.PayloadType != 96 {
				t.Fatalf("step %d: %v", step, w.header)
			}
			last = uint64(w.header.SequenceNumber)
		}
	}
}

func TestSendTime(t *testing.T) {
	var b [3]byte
	at := time.Unix(64*1000+12, 500_000_000) // 12.5 s into a cycle
	putSendTime(&b, at)
	if v := uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]); v != 12<<18+1<<17 {
		t.Errorf("12.5 s is %#x", v)
	}
}

// BenchmarkForward is the stage of ours: one packet to many slots, rewritten and sent, not encrypted.
func BenchmarkForward(b *testing.B) {
	for name, n := range map[string]int{"1": 1, "40": 40} {
		b.Run(name, func(b *testing.B) {
			t := testTrack()
			socket := testSocket(b)
			for range n {
				s, _ := testSlot(testPeer(), socket)
				s.feedFrom(t, 96, 97)
				t.addSlot(s)
			}
			h := &rtp.Packet{Header: rtp.Header{Version: 2}, Payload: make([]byte, 1100)}
			p := &packet{rtp: h, arrived: time.Now(), capture: make([]byte, 8), out: socket.NewBatch()}
			h.Payload[0] = 0x10
			b.ReportAllocs()
			for ext := uint64(1 << 32); b.Loop(); ext++ {
				p.ext = ext
				h.Timestamp += 100
				t.forward(p)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/slot")
		})
	}
}

func TestForwardAllocatesNothing(t *testing.T) {
	track := testTrack()
	socket := testSocket(t)
	for range 4 {
		s, _ := testSlot(testPeer(), socket)
		s.feedFrom(track, 96, 97)
		track.addSlot(s)
	}
	p := &packet{rtp: &rtp.Packet{Payload: make([]byte, 1100)}, arrived: time.Now(), capture: make([]byte, 8), out: socket.NewBatch()}
	p.rtp.Payload[0] = 0x10
	for p.ext = 1 << 32; p.ext < 1<<32+cacheSize; p.ext++ { // fills the cache
		track.forward(p)
	}
	if n := testing.AllocsPerRun(1000, func() { p.ext++; track.forward(p) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}
