package sfu

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"showroom/sfu/udp"
)

const testProfile = srtp.ProtectionProfileAeadAes128Gcm

// testContext is one direction's encryption, the same for each side.
func testContext(t testing.TB, options ...srtp.ContextOption) *srtp.Context {
	t.Helper()
	c, err := srtp.CreateContext(bytes.Repeat([]byte{1}, 16), bytes.Repeat([]byte{2}, 12), testProfile, options...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// reader decrypts what a peer is sent, as a client does.
type reader struct {
	sealer
	t       testing.TB
	in      *srtp.Context
	packets int
	last    map[uint32]uint64 // extended numbers by SSRC
	rolled  int
}

func (r *reader) EncryptRTP(dst, plaintext []byte, h *rtp.Header) ([]byte, error) {
	plain := bytes.Clone(plaintext)
	sealed, err := r.sealer.EncryptRTP(dst, plaintext, h)
	if err != nil {
		return sealed, err
	}
	got, err := r.in.DecryptRTP(nil, sealed, nil)
	if err != nil || !bytes.Equal(got, plain) {
		r.t.Fatalf("packet %d, number %d of SSRC %d: the client cannot decrypt it: %v", r.packets, h.SequenceNumber, h.SSRC, err)
	}
	last := r.last[h.SSRC]
	ext := last + uint64(int64(int16(h.SequenceNumber-uint16(last))))
	if last == 0 {
		ext = 1<<16 + uint64(h.SequenceNumber)
	}
	if ext>>16 > last>>16 && last != 0 {
		r.rolled++
	}
	r.last[h.SSRC] = max(last, ext)
	r.packets++
	return sealed, nil
}

// TestRollOver drives a slot over the end of its numbers many times, with jumps, loss,
// reordering, other tracks and retransmissions, and wants a client to be able to decrypt it
// all and no nonce twice.
func TestRollOver(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	socket := testSocket(t)
	out := socket.NewBatch()
	p := testPeer()
	s, _ := testSlot(p, socket)
	var nonces Nonces
	client := &reader{t: t, sealer: nonces.watch("key", testContext(t)), in: testContext(t, srtp.SRTPReplayProtection(replayWindow)), last: map[uint32]uint64{}}
	p.link.seal = client
	s.resend.ssrc = 8
	tracks := []*Track{testTrack(), testTrack()}
	windows := []*window{{}, {}}
	seqs := []uint16{65000, 30000}
	now := time.Now()
	var pkt packet
	var h rtp.Packet
	for range 60_000 {
		i := 0
		if r.IntN(20) == 0 {
			i = 1
		}
		switch r.IntN(100) {
		case 0:
			s.feedFrom(tracks[i], 96, 97)
		case 1:
			s.restart(tracks[i])
		case 2:
			seqs[i] += uint16(r.IntN(40000)) // up to what the window takes for a step ahead, and beyond
		case 3, 4, 5, 6, 7, 8, 9, 10:
			seqs[i] += uint16(r.IntN(30))
		}
		seqs[i]++
		seq := seqs[i]
		if r.IntN(10) == 0 {
			seq -= uint16(r.IntN(40)) // late, or again
		}
		ext, ok := windows[i].add(seq)
		if !ok {
			continue
		}
		now = now.Add(time.Millisecond)
		h = rtp.Packet{Header: rtp.Header{SequenceNumber: seq, Timestamp: uint32(ext)}, Payload: append(make([]byte, 0, 40), 0x10, byte(r.IntN(2)), 1, 2, 3, 4, 5, 6, 7, 8)}
		pkt = packet{rtp: &h, ext: ext, arrived: now, out: out}
		tracks[i].cache.add(ext, h.Timestamp, false, h.Payload, now)
		pkt.key = keyframeVP8(h.Payload)
		s.write(tracks[i], &pkt)
		if r.IntN(4) == 0 {
			s.again(uint16(s.out.last)-uint16(r.IntN(20)), now, out)
		}
	}
	reused, _, _, _ := nonces.Result()
	t.Logf("%d packets, rolled over %d times, %d bytes sent again", client.packets, client.rolled, s.resend.spent)
	if len(reused) > 0 {
		t.Error(reused)
	}
	if client.rolled < 3 || s.resend.spent == 0 || client.packets < 30_000 {
		t.Errorf("%d packets rolled over %d times", client.packets, client.rolled)
	}
}

// rig is a publisher and its subscribers, connected by hand.
type rig struct {
	publisher *Peer
	client    *srtp.Context
	out       *udp.Batch
	packet    rtp.Packet
	header    rtp.Header
	plain     []byte
	sealed    []byte
	track     *Track
}

func testRig(t testing.TB, subscribers int) *rig {
	t.Helper()
	s, err := New(Config{UDP: "127.0.0.1:0", PeersPerRoom: subscribers + 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	room, err := s.Open("room", RoomEvents{})
	if err != nil {
		t.Fatal(err)
	}
	e := &rig{client: testContext(t), out: s.engines[0].udp.NewBatch(), plain: make([]byte, 2048), sealed: make([]byte, 2048)}
	if e.publisher, err = room.Join("publisher", PeerEvents{}); err != nil {
		t.Fatal(err)
	}
	p := e.publisher
	vp8 := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000, RTCPFeedback: videoFeedback}, PayloadType: 96,
	}
	p.sources["1"] = Camera
	p.guard.declare("a=ssrc:5\r\na=ssrc:6\r\n")
	p.receiver.mu.Lock() // the engine's watcher looks after the peer as well
	p.receiver.in, p.receiver.open = testContext(t, srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow)), true
	p.receiver.mu.Unlock()
	p.route(&routes{
		declared: map[uint32]declared{5: {mid: "1"}, 6: {mid: "1", repairs: 5}}, midID: 1, ccID: 2,
		sections: map[string]*reading{"1": {
			codecs: map[uint8]*webrtc.RTPCodecParameters{96: &vp8}, repairs: map[uint8]uint8{97: 96}, captureID: 3,
		}},
	})
	e.packet = rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, SSRC: 5, SequenceNumber: 100}, Payload: make([]byte, 1100)}
	e.packet.Payload[0] = 0x10
	if err := e.packet.SetExtension(2, []byte{0, 0}); err != nil {
		t.Fatal(err)
	}
	if err := e.packet.SetExtension(3, make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	e.send(s.start.Add(time.Second))
	if e.track = p.receiver.flows[5].in.track.Load(); e.track == nil {
		t.Fatal("nothing was published")
	}
	socket := testSocket(t)
	for range subscribers {
		peer := testPeer()
		slot, _ := testSlot(peer, socket)
		peer.link.seal = testContext(t)
		slot.feedFrom(e.track, 96, 97)
		e.track.addSlot(slot)
	}
	return e
}

// send brings the next packet on its way.
func (e *rig) send(at time.Time) {
	e.packet.SequenceNumber++
	e.packet.Timestamp += 300
	n, err := e.packet.MarshalTo(e.plain)
	if err != nil {
		panic(err)
	}
	sealed, err := e.client.EncryptRTP(e.sealed, e.plain[:n], &e.header)
	if err != nil {
		panic(err)
	}
	e.publisher.packet(sealed, at, e.out)
	e.out.Flush()
}

// TestPacketAllocatesNothing on its whole way, with both encryptions and the system calls.
func TestPacketAllocatesNothing(t *testing.T) {
	e := testRig(t, 4)
	at := time.Now()
	for range 2 * cacheSize { // fills the cache
		e.send(at)
	}
	if allocs := testing.AllocsPerRun(2000, func() { e.send(at) }); allocs != 0 {
		t.Errorf("%v allocations a packet", allocs)
	}
	if n := e.publisher.parseErrors.Load() + e.publisher.duplicates.Load() + e.publisher.receiver.forged; n != 0 {
		t.Errorf("%d packets were refused", n)
	}
}

// BenchmarkPacket is the whole way of a packet in the server, from where it was read to the
// kernel, for one subscriber and for forty. The client's encryption is in it as well.
func BenchmarkPacket(b *testing.B) {
	for name, n := range map[string]int{"1": 1, "40": 40} {
		b.Run(name, func(b *testing.B) {
			e := testRig(b, n)
			at := time.Now()
			b.ReportAllocs()
			for b.Loop() {
				e.send(at)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/sent")
		})
	}
}

// FuzzPacket gives a peer authentic packets of any content, of RTP and of RTCP.
func FuzzPacket(f *testing.F) {
	f.Add([]byte{0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 0x10, 0, 1, 2, 3})
	f.Add([]byte{0x80, 97, 0, 1, 0, 0, 0, 1, 0, 0, 0, 6, 0, 9, 0x10, 0, 1})
	f.Add([]byte{0xb1, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 1, 2, 3, 4, 0xbe, 0xde, 0, 1, 0x10, 0x31, 0x21, 0, 0xff, 4})
	nack, _ := rtcp.Marshal([]rtcp.Packet{&rtcp.TransportLayerNack{MediaSSRC: 7, Nacks: []rtcp.NackPair{{PacketID: 1, LostPackets: 0xffff}}}})
	f.Add(nack)
	e := testRig(f, 1)
	at := time.Now()
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 12 || len(b) > 1400 {
			return
		}
		seal := testContext(t)
		e.publisher.receiver.in = testContext(t, srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
		at = at.Add(time.Millisecond)
		var sealed []byte
		var err error
		if b[1] >= 192 && b[1] <= 223 {
			sealed, err = seal.EncryptRTCP(nil, b, nil)
		} else {
			sealed, err = seal.EncryptRTP(nil, b, nil)
		}
		if err != nil {
			sealed = b
		}
		e.publisher.packet(sealed, at, e.out)
		e.out.Flush()
		if e.publisher.panics.Load() > 0 {
			t.Fatal("panic")
		}
	})
}
