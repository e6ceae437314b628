package load

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

func newTestPeer() *peer {
	return &peer{delays: &delays{}, flowing: make(chan struct{}), ended: make(chan struct{})}
}

// FuzzPayload holds the quick reader to Pion's.
func FuzzPayload(f *testing.F) {
	p := rtp.Packet{Header: rtp.Header{Version: 2, CSRC: []uint32{1, 2}}, Payload: []byte("payload")}
	if err := p.SetExtension(3, []byte{1, 2, 3}); err != nil {
		f.Fatal(err)
	}
	b, err := p.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{0xa0, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 'x', 0, 2})
	f.Add([]byte{0xb0, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xbe, 0xde, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := payloadOf(b)
		newTestPeer().receive(b, 0) // sealed or not, it must not fall over
		var want rtp.Packet
		if want.Unmarshal(b) != nil || want.Version != 2 {
			return // Pion also looks into the extensions
		}
		if !ok || !bytes.Equal(got, want.Payload) {
			t.Errorf("got %x, %v; want %x", got, ok, want.Payload)
		}
	})
}

func FuzzFeedback(f *testing.F) {
	b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: 5}, &rtcp.PictureLossIndication{MediaSSRC: 5}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) { newTestPeer().takeRTCP(b) })
}

// sealedFor is a peer with a key, and what seals packets for it.
func sealedFor(t testing.TB) (*peer, *srtp.Context) {
	t.Helper()
	key, salt := make([]byte, 16), make([]byte, 12)
	in, err1 := srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm)
	out, err2 := srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	p := newTestPeer()
	p.opener.Store(&opener{context: in})
	return p, out
}

func seal(t testing.TB, c *srtp.Context, h rtp.Header, payload []byte) []byte {
	t.Helper()
	h.Version = 2
	plain, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.EncryptRTP(nil, plain, nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A retransmission comes on a stream of its own and fills the gap of the one it belongs to.
func TestRetransmissionIsCountedAtItsOriginal(t *testing.T) {
	p, c := sealedFor(t)
	p.pairs.Store(&map[uint32]uint32{12: 11})
	receive := func(ssrc uint32, pt uint8, seq uint16, payload ...byte) {
		p.receive(seal(t, c, rtp.Header{SSRC: ssrc, PayloadType: pt, SequenceNumber: seq}, payload), 1)
	}
	receive(11, payloadVP8, 300, 1)
	receive(11, payloadVP8, 302, 1)
	receive(12, payloadRTX, 9, 1, 45, 7) // 1×256 + 45 = 301
	receive(12, payloadRTX, 10)          // a probe
	if got := p.stream(11).tally(); got != (counts{3, 3, 1}) {
		t.Errorf("got %+v", got)
	}
	if p.packets.Load() != 4 || p.resent.Load() != 2 || len(p.streams()) != 1 {
		t.Errorf("%d packets, %d resent, %d streams to report on", p.packets.Load(), p.resent.Load(), len(p.streams()))
	}
}

// One packet of sixteen is looked into: its delay counts, unless it came twice; and what is not as it was sent is damaged.
func TestSample(t *testing.T) {
	p, c := sealedFor(t)
	payload := make([]byte, 100)
	putStamp(payload, began)
	for i := range 10 * sampleEvery {
		b := seal(t, c, rtp.Header{SSRC: 11, PayloadType: payloadVP8, SequenceNumber: uint16(i)}, payload)
		if i == 0 {
			p.receive(b, 20*time.Millisecond)
			p.stream(11).seen = 0
		}
		if i == 3*sampleEvery {
			b[40] ^= 1
		}
		p.receive(b, 10*time.Millisecond)
	}
	h := p.delays.forget()
	if h.n != 9 || p.damaged.Load() != 1 || p.packets.Load() != 10*sampleEvery+1 {
		t.Errorf("%d delays, %d damaged, %d packets", h.n, p.damaged.Load(), p.packets.Load())
	}
	if max := h.quantile(1).Round(time.Millisecond); max != 20*time.Millisecond {
		t.Errorf("at most %v", max)
	}
	if p.delays.forget().n != 0 {
		t.Error("delays are not forgotten")
	}
}

func BenchmarkReceive(b *testing.B) {
	p, c := sealedFor(b)
	payload := make([]byte, 1000)
	putStamp(payload, time.Now())
	packet := seal(b, c, rtp.Header{SSRC: 11, PayloadType: payloadVP8}, payload)
	b.ReportAllocs()
	for seq := uint16(0); b.Loop(); seq++ {
		packet[2], packet[3] = byte(seq>>8), byte(seq)
		p.receive(packet, 1)
	}
}
