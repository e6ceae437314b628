package sfu

import (
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
)

const dataFirst = "v=0\r\no=- 1 2 IN IP4 0\r\ns=-\r\nt=0 0\r\n" +
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\na=mid:d\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\n" +
	"m=text 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:t\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"

func TestSectionsAreRejectedInPlace(t *testing.T) {
	c := Config{}.withDefaults()
	d, err := parse(dataFirst, &c)
	if err != nil {
		t.Fatal(err)
	}
	offer := d.offer()
	if strings.Contains(offer, "m=application") || strings.Contains(offer, "m=text") {
		t.Errorf("the offer still has sections we reject:\n%s", offer)
	}
	if i := strings.Index(offer, "a=candidate"); i < strings.Index(offer, "m=audio") || i > strings.Index(offer, "m=video") {
		t.Errorf("the candidate is lost:\n%s", offer)
	}
	if !d.receiving("0") || !d.receiving("1") || d.receiving("2") {
		t.Error("wrong sections receive")
	}
	answer := d.complete("v=0\r\ns=-\r\nm=audio 9 X 111\r\na=mid:0\r\nm=video 9 X 96\r\na=mid:1\r\n")
	want := "v=0\r\ns=-\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:d\r\na=inactive\r\n" +
		"m=audio 9 X 111\r\na=mid:0\r\n" +
		"m=text 0 UDP/TLS/RTP/SAVPF 98\r\nc=IN IP4 0.0.0.0\r\na=mid:t\r\na=inactive\r\n" +
		"m=video 9 X 96\r\na=mid:1\r\n"
	if answer != want {
		t.Errorf("the answer is\n%s", answer)
	}
}

func FuzzDescription(f *testing.F) {
	f.Add(dataFirst)
	f.Add("v=0\nm=audio 9 X 1\na=mid:0\n")
	c := Config{}.withDefaults()
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parse(s, &c)
		if err != nil {
			return
		}
		if len(d.sections) > c.SDPSections {
			t.Fatalf("%d sections", len(d.sections))
		}
		newGuard(1, func() {}).declare(s)
		var parsed sdp.SessionDescription
		_ = parsed.UnmarshalString(d.offer())
		answer := d.complete("v=0\r\nm=audio 9 X 111\r\n")
		if n := strings.Count(answer, "\r\nm="); n != len(d.sections) {
			t.Fatalf("%d sections in the answer to %d", n, len(d.sections))
		}
	})
}

func TestGuard(t *testing.T) {
	alarms := 0
	g := newGuard(3, func() { alarms++ })
	g.declare("a=ssrc:10 cname:x\r\na=ssrc:11 cname:x\r\na=ssrc:nonsense\r\na=ssrc:99999999999\r\n")
	for _, ssrc := range []uint32{10, 11, 1, 2, 3, 1, 2, 3} {
		if !g.admit(ssrc) {
			t.Errorf("SSRC %d is refused", ssrc)
		}
	}
	if alarms != 0 {
		t.Fatal("alarm at the limit")
	}
	for ssrc := range uint32(1000) {
		g.admit(100 + ssrc)
	}
	if alarms != 1 || len(g.unknown) > 4 {
		t.Errorf("%d alarms, %d SSRCs kept", alarms, len(g.unknown))
	}
	if !g.admit(10) {
		t.Error("a declared SSRC is refused with the unknown")
	}
}

// TestBundleOnlySectionsAreSlots is what Firefox offers with max-bundle: port 0 on every section but the first.
func TestBundleOnlySectionsAreSlots(t *testing.T) {
	c := Config{}.withDefaults()
	d, err := parse("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 109\r\na=mid:0\r\na=sendrecv\r\n"+
		"m=video 0 UDP/TLS/RTP/SAVPF 120\r\na=bundle-only\r\na=mid:1\r\na=sendrecv\r\n"+
		"m=video 0 UDP/TLS/RTP/SAVPF 120\r\na=mid:2\r\na=sendrecv\r\n", &c)
	if err != nil {
		t.Fatal(err)
	}
	for mid, want := range map[string]bool{"0": true, "1": true, "2": false} {
		if got := d.receiving(mid); got != want {
			t.Errorf("section %s can receive: %v, want %v", mid, got, want)
		}
	}
}
