package load

import (
	"maps"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"
)

// A parser that is not ours reads the offer as it is meant.
func TestOffer(t *testing.T) {
	for name, d := range map[string]description{
		"publisher": {ufrag: "u", pwd: "p", fingerprint: "AB", candidate: "1 1 udp 1 127.0.0.1 9 typ host", mic: 1, camera: 2, rtx: 3},
		"viewer":    {ufrag: "u", pwd: "p", fingerprint: "AB", candidate: "1 1 udp 1 127.0.0.1 9 typ host"},
	} {
		var s sdp.SessionDescription
		if err := s.UnmarshalString(d.text()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(s.MediaDescriptions) != 2 {
			t.Fatalf("%s: %d sections", name, len(s.MediaDescriptions))
		}
		direction, lines := "recvonly", 0
		if d.mic != 0 {
			direction, lines = "sendrecv", 6
		}
		for i, m := range s.MediaDescriptions {
			if m.MediaName.Media != []string{"audio", "video"}[i] || len(m.MediaName.Formats) != i+1 {
				t.Errorf("%s: section %d is %v", name, i, m.MediaName)
			}
			if _, ok := m.Attribute(direction); !ok {
				t.Errorf("%s: section %d is not %s", name, i, direction)
			}
		}
		if n := strings.Count(d.text(), "\na=ssrc:"); n != lines {
			t.Errorf("%s: %d lines on SSRCs, want %d", name, n, lines)
		}
	}
}

const goodAnswer = "v=0\r\na=ice-ufrag:uf\r\na=ice-pwd:pw\r\na=fingerprint:sha-256 ab:cd\r\na=setup:passive\r\n" +
	"a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\na=extmap:2 " + uriSendTime + "\r\na=rtpmap:97 rtx/90000\r\na=ssrc-group:FID 11 12\r\n"

func TestAnswer(t *testing.T) {
	a, err := parseAnswer(goodAnswer)
	if err != nil {
		t.Fatal(err)
	}
	if a.ufrag != "uf" || a.pwd != "pw" || a.fingerprint != "AB:CD" || len(a.candidates) != 1 || !a.sendTime || a.transportCC || !a.rtx || a.pairs[12] != 11 {
		t.Errorf("%+v", a)
	}
	for without, want := range map[string]string{
		"a=ice-pwd:pw\r\n": "no ICE credentials", "a=fingerprint:sha-256 ab:cd\r\n": "no SHA-256 fingerprint", "a=setup:passive\r\n": "the part of the DTLS server",
	} {
		if _, err := parseAnswer(strings.Replace(goodAnswer, without, "", 1)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("without %q: %v", without, err)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(goodAnswer)
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := parseAnswer(text); err == nil && (a.ufrag == "" || a.pwd == "" || a.fingerprint == "") {
			t.Errorf("taken though incomplete: %+v", a)
		}
	})
}

func TestPairs(t *testing.T) {
	const sdp = "v=0\r\na=ssrc-group:FID 11 12\r\na=ssrc-group:FID 4294967295 0\r\na=ssrc-group:SIM 1 2\r\n" +
		"a=ssrc-group:FID 1\r\na=ssrc-group:FID 1 x\r\na=ssrc-group:FID 1 4294967296\r\n"
	if got, want := pairsOf(sdp), map[uint32]uint32{12: 11, 0: 4294967295}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
