package sfu_test

import (
	"strings"
	"testing"

	"showroom/sfu"
	"showroom/sfu/sfutest"
)

func TestAnnouncedAddresses(t *testing.T) {
	if _, err := sfu.New(sfu.Config{UDP: "127.0.0.1:0", Addresses: []string{"example.com"}}); err == nil {
		t.Error("a name is taken for an address")
	}
	for _, udp := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
		h := open(t, func(c *sfu.Config) {
			c.UDP, c.TCP, c.Addresses = udp, "", []string{"203.0.113.7"}
		})
		g := h.enter("g", sfutest.Options{})
		answer := g.client.PC.RemoteDescription().SDP
		for _, want := range []string{" udp ", " 127.0.0.1 ", " 203.0.113.7 "} {
			if !strings.Contains(answer, want) {
				t.Errorf("listening on %s, no candidate with%sin\n%s", udp, want, answer)
			}
		}
		if strings.Contains(answer, " tcp ") || h.server.TCPAddr() != nil {
			t.Errorf("TCP is announced, but off:\n%s", answer)
		}
		if n := strings.Count(answer, "203.0.113.7"); n != 2 { // RTP and RTCP component
			t.Errorf("the address is announced %d times", n)
		}
	}
}
