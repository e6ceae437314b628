package sfu

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

func TestMissing(t *testing.T) {
	var m missing
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	ask := func(ms int, want ...uint16) time.Time {
		t.Helper()
		got, next := m.ask(at(ms), nil)
		if !slices.Equal(got, want) {
			t.Errorf("after %d ms it asks for %v, want %v", ms, got, want)
		}
		return next
	}
	if !m.gap(1<<32+10, 1<<32+13, start) {
		t.Fatal("three are too many")
	}
	if next := ask(9); next != at(10) {
		t.Errorf("looks again at %v", next.Sub(start))
	}
	m.came(1<<32 + 11)
	ask(10, 10, 12)
	ask(89)
	m.gap(1<<32+20, 1<<32+21, at(85))
	if next := ask(95, 10, 12, 20); next != at(175) {
		t.Errorf("looks again at %v", next.Sub(start))
	}
	ask(300, 10, 12, 20)
	ask(1000, 10, 12, 20)
	ask(2000, 20)
	if next := ask(5000); !next.IsZero() || len(m.list) != 0 {
		t.Errorf("%d are never given up", len(m.list))
	}
	m.gap(100, 100+missingLimit, start)
	if m.gap(1000, 1001, start) || len(m.list) != 0 {
		t.Errorf("%d are waited for", len(m.list))
	}
}

func TestReception(t *testing.T) {
	r := reception{clock: 90000}
	now := time.Now()
	for n := range uint64(100) {
		if n%10 != 5 { // ten are lost
			r.add(1<<32+65500+n, uint32(n)*3000, now.Add(time.Duration(n)*time.Second/30))
		}
	}
	r.report, r.reported = 0x12345678, now
	b := r.block(7, now.Add(500*time.Millisecond))
	if b.SSRC != 7 || b.TotalLost != 10 || b.FractionLost != 25 || b.LastSequenceNumber != (1<<16)+63 || b.Jitter > 2 || b.LastSenderReport != 0x12345678 || b.Delay != 32768 {
		t.Errorf("%+v", b)
	}
	r.add(1<<32+65500+100, 100*3000, now.Add(4*time.Second)) // in time by the first, 700 ms late by the last
	if b := r.block(7, now); b.FractionLost != 0 || b.TotalLost != 10 || b.Jitter < 1000 {
		t.Errorf("%+v", b)
	}
}

func TestHeader(t *testing.T) {
	for name, ids := range map[string][3]uint8{"all": {3, 1, 14}, "none": {}, "one": {0, 5, 0}, "too large an id": {3, 15, 16}} {
		var h header
		now := time.Unix(12, 500_000_000)
		h.begin(96, true, 65535, 1<<31, 0xdeadbeef)
		h.sendTime(ids[0], now)
		h.extend(ids[1], []byte{9})
		h.extend(ids[2], []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
		var p rtp.Packet
		if err := p.Unmarshal(append(h.end(), 1, 2, 3)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if p.PayloadType != 96 || !p.Marker || p.SequenceNumber != 65535 || p.Timestamp != 1<<31 || p.SSRC != 0xdeadbeef || len(p.Payload) != 3 {
			t.Errorf("%s: %v", name, p)
		}
		for i, size := range []int{3, 1, 16} {
			want := size
			if ids[i] == 0 || ids[i] > 14 {
				want = 0
			}
			if got := len(p.GetExtension(ids[i])); got != want && ids[i] != 0 {
				t.Errorf("%s: extension %d has %d bytes, want %d", name, ids[i], got, want)
			}
		}
	}
}

func TestRoutes(t *testing.T) {
	c := Config{}.withDefaults()
	d, err := parse("v=0\r\nm=audio 9 X 111\r\na=mid:0\r\na=ssrc:1 cname:x\r\na=ssrc:nonsense\r\na=ssrc:0\r\n"+
		"m=video 9 X 96\r\na=mid:1\r\na=ssrc-group:FID 2 3\r\na=ssrc-group:FID 2\r\na=ssrc-group:FID 4 99\r\na=ssrc-group:SIM 2 3 4\r\n"+
		"a=ssrc:2 cname:x\r\na=ssrc:2 msid:a b\r\na=ssrc:3 cname:x\r\n", &c)
	if err != nil {
		t.Fatal(err)
	}
	r := newRoutes(d, nil)
	for ssrc, want := range map[uint32]declared{1: {mid: "0"}, 2: {mid: "1"}, 3: {mid: "1", repairs: 2}, 99: {}, 0: {}} {
		if got := r.declared[ssrc]; got != want {
			t.Errorf("SSRC %d is %+v, want %+v", ssrc, got, want)
		}
	}
	s := r.negotiated(webrtc.RTPParameters{
		HeaderExtensions: []webrtc.RTPHeaderExtensionParameter{{URI: uriMID, ID: 4}, {URI: uriTransportCC, ID: 5}, {URI: uriAudioLevel, ID: 6}},
		Codecs: []webrtc.RTPCodecParameters{
			{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "video/VP8"}, PayloadType: 96},
			{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "video/rtx", SDPFmtpLine: "apt=96"}, PayloadType: 97},
			{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "video/rtx", SDPFmtpLine: "apt=none"}, PayloadType: 98},
		},
	})
	if r.midID != 4 || r.ccID != 5 || s.levelID != 6 || s.captureID != 0 || len(s.codecs) != 1 || len(s.repairs) != 1 || s.repairs[97] != 96 {
		t.Errorf("%+v %+v", r, s)
	}
}

// TestStreamsNobodyDeclared finds them by the name of their section, RTX as well.
func TestStreamsNobodyDeclared(t *testing.T) {
	e := testRig(t, 1)
	now := time.Now()
	e.packet.SSRC = 1000
	if err := e.packet.SetExtension(1, []byte("1")); err != nil {
		t.Fatal(err)
	}
	e.send(now)
	p := e.publisher
	in := p.receiver.flows[1000].in
	if in == nil || in.track.Load() == nil || !p.receiver.flows[5].in.over.Load() {
		t.Fatal("the new stream is not in the old one's place")
	}
	missed := e.packet.SequenceNumber + 1
	e.packet.SequenceNumber++
	e.send(now)
	if len(in.missing.list) != 1 {
		t.Fatalf("%d packets are missed, want one", len(in.missing.list))
	}
	e.packet.SSRC, e.packet.PayloadType = 2000, 97
	e.packet.Payload = append([]byte{byte(missed >> 8), byte(missed)}, e.packet.Payload...)
	e.send(now)
	if f := p.receiver.flows[2000]; !f.repair || f.in != in || len(in.missing.list) != 0 {
		t.Errorf("the retransmission is %+v, %d packets are missed", f, len(in.missing.list))
	}
	if d, l := p.duplicates.Load(), p.lost.Load(); d != 0 || l != 0 {
		t.Errorf("%d duplicates, %d lost", d, l)
	}
	e.packet.SSRC = 3000
	if err := e.packet.SetExtension(1, []byte("nowhere")); err != nil {
		t.Fatal(err)
	}
	received := p.receivedPackets.Load()
	e.send(now)
	if p.receivedPackets.Load() != received {
		t.Error("a stream of no section was taken")
	}
}

// TestNewStreamOfClosingPeer: packets of a stream that begins while its peer closes are
// dropped, the second as well as the first.
func TestNewStreamOfClosingPeer(t *testing.T) {
	e := testRig(t, 0)
	p := e.publisher
	p.mu.Lock()
	p.incoming = nil
	p.mu.Unlock()
	e.packet.SSRC = 1000
	if err := e.packet.SetExtension(1, []byte("1")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		e.send(time.Now())
	}
	if n := p.panics.Load(); n != 0 {
		t.Errorf("%d panics", n)
	}
}
