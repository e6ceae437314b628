package sfu_test

import (
	"strings"
	"testing"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

// FuzzOffer gives a peer any description and any candidate, all the way through Pion. It must refuse or answer, not panic.
func FuzzOffer(f *testing.F) {
	h := open(f, func(c *sfu.Config) { c.TCP = "" })
	g := h.join("seed", sfutest.Options{Extra: 1})
	good, _, err := g.client.Offer(false)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, "candidate:1 1 udp 1 127.0.0.1 9 typ host")
	for _, change := range [][2]string{
		{"a=sendrecv", "a=inactive"}, {"a=mid:0", "a=mid:x"}, {"SAVPF 111", "SAVPF 111 0 8 9"}, {"a=rtpmap:96 VP8/90000", "a=rtpmap:96 VP8"},
		{"a=extmap:1", "a=extmap:99999"}, {"a=fmtp:", "a=fmtp:97 apt=97\r\na=fmtp:"}, {"a=ssrc:", "a=ssrc-group:FID 1\r\na=ssrc:"},
		{"a=setup:actpass", "a=setup:passive"}, {"a=group:BUNDLE", "a=group:LS"}, {"m=video 9", "m=video 0"},
	} {
		f.Add(strings.ReplaceAll(good, change[0], change[1]), "candidate:1 1 tcp 1 ::1 9 typ host tcptype active")
	}
	f.Fuzz(func(t *testing.T, sdp, candidate string) {
		p, err := h.room.Join("fuzz", sfu.PeerEvents{})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close("fuzz")
		if _, err := p.Offer(sdp, nil); err == nil {
			_ = p.AddCandidate(candidate, "0", 0)
			_, _ = p.Offer(sdp, nil)
		}
	})
}
