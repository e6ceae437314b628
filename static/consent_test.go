package static

import (
	"testing"
	"time"
)

// TestConsentInTheCall: consent is taken back and given again by a button, everybody is told who is recorded, and a break of the socket
// does not lose an answer.
func TestConsentInTheCall(t *testing.T) {
	f := newFake(t, invitationOf("buyer", time.Now()))
	f.other = "seller"
	again := welcomeOf("buyer", "present", participant("seller", "seller", "Ana Souza"))
	again["resumed"], again["resume"] = true, "secret2"
	f.welcomes = []message{welcomeOf("buyer", "present", participant("seller", "seller", "Ana Souza")), again}
	b := newTab(t)
	toLobby(b, f)
	b.click("consent-yes")
	b.click("join")
	b.phase("call")
	if c, _ := f.expect("join")["consent"].(message); c["accepted"] != true || c["version"] != "2026-11-25" || c["text"] == "" {
		t.Errorf("join with consent %v", c)
	}
	f.expect("consent")
	f.send(message{"type": "recording", "state": "on", "participants": []string{"buyer", "seller"}})
	b.until(visible("recording") + " && " + element("toasts") + ".textContent.includes('You are being recorded now')")
	b.shot("call-consent")
	b.click("consent-toggle")
	b.until(visible("consent-change") + " && !" + visible("consent-leave"))
	b.shot("call-consent-dialog")
	b.click("consent-keep")
	b.click("consent-toggle")
	b.click("consent-change")
	if c := f.expect("consent"); c["accepted"] != false || c["version"] != "2026-11-25" {
		t.Errorf("taken back: %v", c)
	}
	f.send(message{"type": "recording", "state": "on", "participants": []string{"seller"}})
	b.until(element("toasts") + ".textContent.includes('no longer recorded') && " + element("consent-toggle") + ".textContent === 'Let me be recorded'")

	f.drop()
	b.run(element("consent-toggle") + ".click(); " + element("consent-change") + ".click()")
	if c := f.expect("consent"); c["accepted"] != true { // at once or when the socket is back
		t.Errorf("after the break: %v", c)
	}
}

// TestNoCallWithoutConsent: the lobby says politely that there is no call, and the one who takes consent back is told so before.
func TestNoCallWithoutConsent(t *testing.T) {
	invitation := invitationOf("buyer", time.Now())
	f := newFake(t, invitation)
	invitation["GET /invitation"].(message)["conference"].(message)["without_consent"] = "no_call"
	w := welcomeOf("buyer", "present", participant("seller", "seller", "Ana Souza"))
	w["conference"].(message)["without_consent"] = "no_call"
	f.welcomes = []message{w}
	f.other = "seller"
	b := newTab(t)
	toLobby(b, f)
	b.until(visible("consent-required"))
	b.click("consent-no")
	b.until(visible("consent-sorry") + " && " + element("join") + ".disabled")
	b.shot("lobby-no-call")
	b.click("consent-yes")
	b.until("!" + visible("consent-sorry"))
	b.click("join")
	b.phase("call")
	b.click("consent-toggle")
	b.until(visible("consent-leave"))
	b.shot("call-consent-leave")
	b.click("consent-change")
	for f.expect("consent")["accepted"] != false {
	}
	f.send(message{"type": "bye", "reason": "no_consent"})
	b.phase("ended")
	b.until(element("ended-title") + ".dataset.code === 'no_consent' && " + visible("rejoin"))
	b.shot("ended-no-consent")
	b.click("rejoin") // asks again
	b.phase("lobby")
}
