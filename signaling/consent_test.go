package signaling

import (
	"testing"
	"testing/synctest"

	"showroom/call"
)

func agreed(accepted bool) message {
	return message{"type": "consent", "accepted": accepted, "text": "May we record?", "version": "2026-11", "language": "en"}
}

// TestNoCallWithoutConsent: consent comes with the join, and nobody is in without.
func TestNoCallWithoutConsent(t *testing.T) {
	w := newWorld(t, options{without: call.NoCall})
	sellerToken, buyerToken := w.token("seller"), w.token("buyer")
	for _, consent := range []message{nil, agreed(false)} {
		for _, token := range []string{sellerToken, buyerToken} {
			c := w.open(nil)
			m := message{"type": "join", "token": token}
			if consent != nil {
				m["consent"] = consent
			}
			c.send(m)
			c.fails(codeNoConsent)
		}
	}
	if consents := w.desk.conference(conf).Consents; len(consents) != 2 || consents[0].Accepted || consents[0].Version != "2026-11" || consents[0].Address != "127.0.0.1" {
		t.Errorf("refusals in the log: %+v", consents)
	}
	seller, welcome := w.joined(message{"token": sellerToken, "consent": agreed(true)})
	if c := welcome["conference"].(message); c["without_consent"] != "no_call" {
		t.Errorf("conference: %v", c)
	}
	buyer, _ := w.joined(message{"token": buyerToken, "consent": agreed(true)})
	seller.expect("knock")
	seller.send(message{"type": "admit", "participant": "buyer"})
	if m := buyer.expect("admitted"); len(m["recording"].(message)["participants"].([]any)) != 2 {
		t.Errorf("admitted: %v", m)
	}
	seller.expect("joined")

	buyer.send(agreed(false)) // takes it back: there is no call without
	buyer.bye("no_consent")
	seller.expectWhere("recording", func(m message) bool { return len(m["participants"].([]any)) == 1 })
	if m := seller.expect("left"); m["reason"] != "no_consent" {
		t.Errorf("left: %v", m)
	}
	c := w.open(nil)
	c.send(message{"type": "join", "token": buyerToken})
	c.fails(codeNoConsent)
	again, _ := w.joined(message{"token": buyerToken, "consent": agreed(true)}) // and gives it again
	seller.expect("joined")

	again.send(message{"type": "leave"})
	again.bye("left")
	if n := w.desk.conference(conf).Consents; len(n) != 6 {
		t.Errorf("%d answers in the log, want 6: %+v", len(n), n)
	}
}

// TestConsentAtTheDoor: the question may be answered while one waits, and a bad answer does not let in.
func TestConsentAtTheDoor(t *testing.T) {
	w := newWorld(t, options{})
	buyerToken := w.token("buyer")
	seller, buyer := w.join(w.token("seller")), w.join(buyerToken)
	seller.expect("knock")
	buyer.send(agreed(true))
	buyer.expect("recording")
	seller.send(message{"type": "admit", "participant": "buyer"})
	if m := buyer.expect("admitted"); len(m["recording"].(message)["participants"].([]any)) != 1 {
		t.Errorf("admitted: %v", m)
	}
	for _, consent := range []message{{}, {"accepted": true}, {"accepted": true, "text": "\x01"}} {
		c := w.open(nil)
		c.send(message{"type": "join", "token": buyerToken, "takeover": true, "consent": consent})
		if m := c.expect("error"); m["code"] != string(codeBadMessage) && m["code"] != string(codeBadText) {
			t.Errorf("join with consent %v: %v", consent, m)
		}
	}
	token, link := w.link(conf, call.RoleGuest, 1<<40)
	w.apply(call.RevokeLink(link, "key_1"))
	c := w.open(nil)
	c.send(message{"type": "join", "token": token, "consent": agreed(true)})
	c.fails(codeTokenRevoked)
	if n := len(w.desk.conference(conf).Consents); n != 1 {
		t.Errorf("%d answers in the log, want the buyer's", n)
	}
}

// TestWithdrawalWithoutTheLog: who takes consent back is not recorded from that moment on, though the log cannot be written.
func TestWithdrawalWithoutTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller, buyer, _, _ := w.both()
		room := w.openRoom(seller)
		buyer.send(agreed(true))
		seller.expect("recording")
		synctest.Wait()
		if !room.isRecorded("buyer") {
			t.Fatal("not recorded with consent")
		}
		w.desk.set(func() { w.desk.fail = errDisk })
		buyer.send(agreed(false))
		if m := seller.expect("recording"); m["state"] != "off" {
			t.Errorf("recording: %v", m)
		}
		buyer.fails(codeUnavailable)
		synctest.Wait()
		if room.isRecorded("buyer") {
			t.Error("recorded after consent was taken back")
		}
		w.desk.set(func() { w.desk.fail = nil })
		buyer.send(agreed(true))
		if m := seller.expect("recording"); m["state"] != "on" {
			t.Errorf("recording: %v", m)
		}
	})
}
