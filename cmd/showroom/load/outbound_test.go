package load

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// wire is a negotiated connection that keeps what is written.
type wire struct {
	packets []*rtp.Packet
	full    bool
}

var errFull = errors.New("full")

func (w *wire) WriteRTP(h *rtp.Header, payload []byte) error {
	if w.full {
		return errFull
	}
	b, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
	if err != nil {
		return err
	}
	p := &rtp.Packet{}
	w.packets = append(w.packets, p)
	return p.Unmarshal(b)
}

func (w *wire) flush() {}

var everything = answer{sendTime: true, transportCC: true, rtx: true}

func boundVideo(t *testing.T) (*outbound, *wire) {
	t.Helper()
	w := &wire{}
	o := newOutbound("camera", video, &atomic.Uint32{})
	o.ssrc, o.rtx = 11, 12
	o.bind(w, everything)
	return o, w
}

func TestFrames(t *testing.T) {
	o, w := boundVideo(t)
	due := began.Add(time.Second)
	o.writeFrame(6250, true, due)
	o.writeFrame(6250, false, due.Add(time.Second/frameRate))
	if len(w.packets) != 12 {
		t.Fatalf("%d packets", len(w.packets))
	}
	bytes := 0
	for i, p := range w.packets {
		bytes += len(p.Payload) - descriptor
		first, last, frame := i%6 == 0, i%6 == 5, i/6
		number := p.GetExtension(3)
		switch {
		case p.SSRC != 11 || p.PayloadType != 96 || p.Marker != last:
			t.Errorf("packet %d: %v", i, p.Header)
		case p.SequenceNumber != w.packets[0].SequenceNumber+uint16(i):
			t.Errorf("packet %d has the number %d, the first %d", i, p.SequenceNumber, w.packets[0].SequenceNumber)
		case len(number) != 2 || binary.BigEndian.Uint16(number) != uint16(i+1):
			t.Errorf("packet %d has the transport-wide number %x", i, number)
		case len(p.GetExtension(2)) != 3:
			t.Errorf("packet %d has no time of sending", i)
		case (p.Timestamp-w.packets[0].Timestamp+1)/3000 != uint32(frame): // a thirtieth of a second is cut to whole ns
			t.Errorf("packet %d is %d ticks after the first", i, p.Timestamp-w.packets[0].Timestamp)
		case first && p.Payload[descriptor]&1 != byte(frame): // the first is a keyframe, the second is not
			t.Errorf("packet %d: frame tag %x", i, p.Payload[descriptor])
		}
		if _, ok := stampOf(p.Payload); !ok {
			t.Errorf("packet %d has no stamp", i)
		}
	}
	if bytes != 2*6250 {
		t.Errorf("frames of %d bytes in all", bytes)
	}
}

func TestResend(t *testing.T) {
	o, w := boundVideo(t)
	o.writeFrame(6250, true, began)
	sent := w.packets
	nack := func(seqs ...uint16) *rtcp.TransportLayerNack {
		return &rtcp.TransportLayerNack{MediaSSRC: 11, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)}
	}
	o.resend(nack(sent[0].SequenceNumber, sent[4].SequenceNumber))
	again := w.packets[6:]
	if len(again) != 2 {
		t.Fatalf("%d packets were sent again, want 2", len(again))
	}
	for i, original := range []*rtp.Packet{sent[0], sent[4]} {
		p := again[i]
		if p.SSRC != 12 || p.PayloadType != payloadRTX || p.Timestamp != original.Timestamp || p.Marker != original.Marker {
			t.Errorf("header %v of %v", p.Header, original.Header)
		}
		if binary.BigEndian.Uint16(p.Payload) != original.SequenceNumber || !bytes.Equal(p.Payload[2:], original.Payload) {
			t.Errorf("packet %d is not what was sent", original.SequenceNumber)
		}
	}
	if again[1].SequenceNumber != again[0].SequenceNumber+1 {
		t.Errorf("numbers %d and %d", again[0].SequenceNumber, again[1].SequenceNumber)
	}
	o.resend(nack(sent[0].SequenceNumber-1, sent[5].SequenceNumber+1)) // never sent
	for range resendable {
		o.writeFrame(500, false, began)
	}
	count := len(w.packets)
	o.resend(nack(sent[0].SequenceNumber)) // kept no longer
	if len(w.packets) != count || count != 8+resendable {
		t.Errorf("%d packets after the last frame, %d in all", len(w.packets)-count, count)
	}
}

func TestSenderReport(t *testing.T) {
	o, w := boundVideo(t)
	if r := o.report(began); r != nil {
		t.Errorf("a report of nothing: %v", r)
	}
	o.writeFrame(3000, true, began)
	o.writeFrame(3000, false, began.Add(time.Second/frameRate))
	w.full = true
	o.writeFrame(3000, false, began.Add(2*time.Second/frameRate))
	now := began.Add(time.Second)
	r := o.report(now)
	if r.SSRC != 11 || r.PacketCount != 6 || r.OctetCount != 2*3000+6*descriptor || o.refused != 3 {
		t.Errorf("%+v, %d refused", r, o.refused)
	}
	if ticks := r.RTPTime - w.packets[0].Timestamp; ticks != 90000 {
		t.Errorf("a second is %d ticks", ticks)
	}
	seconds := float64(r.NTPTime>>32) + float64(r.NTPTime&math.MaxUint32)/(1<<32) - 2_208_988_800
	if off := seconds - float64(now.UnixNano())/1e9; math.Abs(off) > 1e-6 {
		t.Errorf("the NTP time is off by %v s", off)
	}
}

func TestUnbound(t *testing.T) {
	o := newOutbound("camera", video, &atomic.Uint32{})
	o.writeFrame(100, true, began)
	o.resend(&rtcp.TransportLayerNack{Nacks: []rtcp.NackPair{{PacketID: o.seq}}})
	if o.packets != 0 || o.ssrc == o.rtx || o.ssrc == 0 || o.rtx == 0 {
		t.Errorf("%d packets of %d and %d", o.packets, o.ssrc, o.rtx)
	}
}

// What the server did not take in its answer is not sent.
func TestNothingNegotiated(t *testing.T) {
	o, w := boundVideo(t)
	o.bind(w, answer{})
	o.writeFrame(100, true, began)
	o.resend(&rtcp.TransportLayerNack{Nacks: []rtcp.NackPair{{PacketID: o.seq}}})
	if len(w.packets) != 1 || w.packets[0].Extension {
		t.Errorf("%d packets, %+v", len(w.packets), w.packets)
	}
}

func BenchmarkWriteFrame(b *testing.B) {
	o := newOutbound("camera", video, &atomic.Uint32{})
	o.bind(&wire{full: true}, everything)
	b.ReportAllocs()
	for b.Loop() {
		o.writeFrame(6250, false, began)
	}
}
