package signaling

import (
	"strings"
	"testing"
)

// At the most talkative level the log has nothing with which one could join, resume or decrypt.
func TestSecretsAreNotLogged(t *testing.T) {
	w := newWorld(t, options{media: true})
	seller, buyer, sellerToken, buyerToken := w.bothWithMedia()
	offer, _, err := buyer.media.Offer(true)
	if err != nil {
		t.Fatal(err)
	}
	_, password, _ := strings.Cut(offer, "a=ice-pwd:")
	password, _, _ = strings.Cut(password, "\r\n")
	buyer.send(message{"type": "offer", "sdp": strings.Replace(offer, "a=ice-pwd:", "a=ice-pwd:"+password+"\r\nx=", 1)})
	buyer.expect("error")
	buyer.send(message{"type": "candidate", "candidate": password})
	buyer.expect("error")
	again := w.open(nil)
	again.send(message{"type": "join", "token": buyerToken + "x", "resume": w.resumeOf(buyer.client)})
	again.fails(codeTokenInvalid)
	seller.send(message{"type": "end"})
	buyer.bye("ended")
	late := w.open(nil)
	late.send(message{"type": "join", "token": sellerToken})
	late.fails(codeOver)

	lines := w.lines.String()
	if !strings.Contains(lines, "participant joins") || !strings.Contains(lines, "token refused") || !strings.Contains(lines, "request refused") {
		t.Fatal("this test sees no log")
	}
	for name, secret := range map[string]string{
		"seller's token": sellerToken, "buyer's token": buyerToken, "token's signature": buyerToken[strings.LastIndexByte(buyerToken, '.'):],
		"resume secret": w.resumeOf(buyer.client), "ICE password": password, "SDP": "a=fingerprint",
	} {
		if secret == "" || strings.Contains(lines, secret) {
			t.Errorf("the log has the %s %q", name, secret)
		}
	}
}
