package load

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v4/packetio"
)

func newTestPeer() *peer {
	return &peer{inbound: map[uint32]*inbound{}, flowing: make(chan struct{}), ended: make(chan struct{})}
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
		peer := newTestPeer()
		peer.receiveRTP(&inbound{}, b)
		if wellFormed := peer.packets.Load() == 1; wellFormed != ok || peer.malformed.Load() == 1 == ok {
			t.Errorf("counted as %d packets, %d malformed, but payloadOf says %v", peer.packets.Load(), peer.malformed.Load(), ok)
		}
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
	f.Fuzz(func(t *testing.T, b []byte) { newTestPeer().receiveRTCP(5, b) })
}

func TestPairs(t *testing.T) {
	const sdp = "v=0\r\na=ssrc-group:FID 11 12\r\na=ssrc-group:FID 4294967295 0\r\na=ssrc-group:SIM 1 2\r\n" +
		"a=ssrc-group:FID 1\r\na=ssrc-group:FID 1 x\r\na=ssrc-group:FID 1 4294967296\r\n"
	if got, want := pairsOf(sdp), map[uint32]uint32{12: 11, 0: 4294967295}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzPairs(f *testing.F) {
	f.Add("a=ssrc-group:FID 11 12\r\n")
	f.Fuzz(func(_ *testing.T, sdp string) { pairsOf(sdp) })
}

// A retransmission comes on a stream of its own and fills the gap of the one it belongs to.
func TestRetransmissionIsCountedAtItsOriginal(t *testing.T) {
	p := newTestPeer()
	p.pairs = map[uint32]uint32{12: 11}
	media, again := p.tap(packetio.RTPBufferPacket, 11), p.tap(packetio.RTPBufferPacket, 12)
	write := func(w io.Writer, pt uint8, seq uint16, payload ...byte) {
		b, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: pt, SequenceNumber: seq}, Payload: payload}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	write(media, 96, 300, 1)
	write(media, 96, 302, 1)
	write(again, payloadRTX, 9, 1, 45, 7) // 1×256 + 45 = 301
	write(again, payloadRTX, 10)          // a probe
	if got := p.inbound[11].tally(false, nil); got != (counts{3, 3, 1}) {
		t.Errorf("got %+v", got)
	}
	if p.packets.Load() != 4 || p.resent.Load() != 2 || len(p.streams()) != 1 {
		t.Errorf("%d packets, %d resent, %d streams to report on", p.packets.Load(), p.resent.Load(), len(p.streams()))
	}
}

func TestTapIsReadToItsEnd(t *testing.T) {
	s := newTestPeer().tap(packetio.RTPBufferPacket, 1)
	read := make(chan error, 1)
	go func() {
		_, err := s.Read(nil)
		read <- err
	}()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-read:
		if !errors.Is(err, io.EOF) {
			t.Errorf("got %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Read waits though the stream is closed")
	}
}

func BenchmarkReceiveRTP(b *testing.B) {
	p := newTestPeer()
	in := &inbound{}
	packet, err := (&rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96}, Payload: make([]byte, 1000)}).Marshal()
	if err != nil {
		b.Fatal(err)
	}
	putStamp(packet, time.Now())
	b.ReportAllocs()
	for seq := uint16(0); b.Loop(); seq++ {
		packet[2], packet[3] = byte(seq>>8), byte(seq)
		p.receiveRTP(in, packet)
	}
}
