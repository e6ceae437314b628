package static

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

func conferenceOf(starts time.Time) message {
	return message{
		"id": "conf_1", "subject": "Hatchback 2023, automatic", "starts_at": starts.UTC().Format(time.RFC3339), "duration_minutes": 30, "language": "en",
		"state": "scheduled", "seller": message{"name": "Ana Souza"}, "buyer": message{"name": "Bruno Lima"}, "recording": "on",
	}
}

func invitationOf(role string, starts time.Time) answers {
	name := map[string]string{"seller": "Ana Souza", "buyer": "Bruno Lima"}[role]
	inv := message{"role": role, "participant": role, "name": name, "conference": conferenceOf(starts)}
	accepted := conferenceOf(starts)
	accepted["accepted"] = true
	return answers{"GET /invitation": inv, "POST /invitation/accept": message{"role": role, "participant": role, "name": name, "conference": accepted}}
}

func participant(id, role, name string) message {
	return message{"id": id, "role": role, "name": name, "state": "present", "audio": true, "video": true, "screen": false}
}

func welcomeOf(role, state string, others ...message) message {
	you := participant(role, role, map[string]string{"seller": "Ana Souza", "buyer": "Bruno Lima"}[role])
	you["state"] = state
	list := append([]message{}, others...)
	return message{
		"type": "welcome", "you": you, "participants": list, "conference": conferenceOf(time.Now()), "ice_servers": []any{},
		"minutes": message{"remaining_seconds": 5400, "level": "ok"}, "recording": message{"state": "off", "participants": []any{}}, "chat": []any{},
		"resume": "secret", "resume_seconds": 30, "resumed": false, "protocol": message{"min": 1, "max": 1},
	}
}

// toLobby opens a link and goes on to the lobby with a working camera.
func toLobby(b *tab, f *fake) {
	b.open(f.url + "/join#token")
	b.click("continue")
	b.until(element("preview") + ".videoWidth > 0")
}

func TestBuyerFromInvitationToGoodbye(t *testing.T) {
	f := newFake(t, invitationOf("buyer", time.Now().Add(65*time.Minute)))
	f.other = "seller"
	f.welcomes = []message{welcomeOf("buyer", "knocking")}
	b := newTab(t)

	b.open(f.url + "/join#token")
	b.phase("invitation")
	b.until(element("countdown") + ".textContent.includes('1 hr')")
	b.shot("invitation")
	b.click("accept")
	b.until(visible("accepted"))

	b.click("continue")
	b.until(element("preview") + ".videoWidth > 0")
	b.until(element("level") + ".querySelector('.lit')") // the fake microphone beeps
	b.shot("lobby")
	b.click("join")
	b.until("document.getElementById('consent-error').getClientRects().length > 0") // recording wants an answer first
	b.click("consent-yes")
	words := b.text(element("consent-text") + ".textContent")
	b.click("join")

	b.phase("knocking")
	if got := b.text(element("knocking-text") + ".textContent"); !strings.Contains(got, "Once in the call") {
		t.Errorf("the buyer is told %q, though nobody may be there to be told", got)
	}
	b.shot("knocking")
	f.send(message{"type": "admitted", "participants": []message{participant("seller", "seller", "Ana Souza")}, "recording": message{"state": "off"}, "chat": []any{}})
	b.phase("call")
	if c := f.expect("consent"); c["text"] != words || c["accepted"] != true || c["language"] != "en" {
		t.Errorf("consent sent: %v, the page showed %q", c, words)
	}
	if s := f.expect("state"); s["audio"] != true || s["video"] != true {
		t.Errorf("state sent: %v", s)
	}
	b.until(`document.querySelector('[data-testid="tile-seller"] video').videoWidth > 0`)
	f.send(message{"type": "recording", "state": "on", "participants": []string{"buyer", "seller"}})
	b.until(visible("recording"))
	if b.text(visible("minutes")) != "false" {
		t.Error("the buyer is shown the seller's minutes")
	}
	b.until("/^0:\\d\\d$/.test(" + element("timer") + ".textContent)")
	running := conferenceOf(time.Now()) // by a server whose clock is an hour ahead of this one
	running["now"] = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	running["ongoing_since"] = time.Now().Add(time.Hour - 125*time.Second).UTC().Format(time.RFC3339)
	f.send(message{"type": "joined", "participant": participant("seller", "seller", "Ana Souza"), "conference": running})
	b.until("/^2:\\d\\d$/.test(" + element("timer") + ".textContent)")
	b.shot("call-buyer")
	if b.text(`document.querySelector('[data-testid="tile-seller"]').getBoundingClientRect().width > 900`) != "true" {
		t.Error("the other person is not shown large")
	}

	f.send(message{"type": "minutes", "remaining_seconds": 60, "level": "last"})
	b.until(visible("minutes"))
	f.send(message{"type": "bye", "reason": "minutes_exhausted"})
	b.phase("ended")
	b.until(element("ended-title") + ".dataset.code === 'minutes_exhausted' && !" + visible("rejoin"))
	b.shot("ended")
	b.until("!sessionStorage.getItem('showroom.session.conf_1')")
}

func TestSellerInTheCall(t *testing.T) {
	f := newFake(t, invitationOf("seller", time.Now()))
	f.welcomes = []message{welcomeOf("seller", "present")}
	b := newTab(t)
	toLobby(b, f)
	b.click("consent-yes")
	b.click("join")
	b.phase("call")
	b.until(visible("minutes") + " && " + element("banner") + ".textContent.includes('Bruno Lima')")
	b.shot("call-alone")

	guest := participant("buyer", "buyer", "Bruno Lima")
	guest["state"] = "knocking"
	b.run(`window.tones = 0; const start = OscillatorNode.prototype.start; OscillatorNode.prototype.start = function (at) { tones++; return start.call(this, at); }`)
	f.send(message{"type": "knock", "participant": guest})
	b.until(visible("admit"))
	b.until("tones > 0 && document.title.startsWith('Bruno Lima is at the door')") // also seen from another tab
	b.run(`const s = document.getElementById('call-language'); s.value = 'es'; s.dispatchEvent(new Event('change'))`)
	b.until(element("knock") + ".textContent.includes('está en la puerta')")
	b.run(`const s = document.getElementById('call-language'); s.value = 'en'; s.dispatchEvent(new Event('change'))`)
	b.shot("call-knock")
	b.click("admit")
	if m := f.expect("admit"); m["participant"] != "buyer" {
		t.Errorf("admitted %v", m)
	}
	f.send(message{"type": "joined", "participant": participant("buyer", "buyer", "Bruno Lima")})
	b.until(`document.querySelector('[data-testid="tile-buyer"] video').videoWidth > 0 && !` + visible("knock"))

	// The header with all its words and an hour on the clock, in the longest language, on the narrowest phone.
	f.send(message{"type": "recording", "state": "on", "participants": []string{"seller"}})
	f.send(message{"type": "minutes", "remaining_seconds": 59940, "level": "ok"})
	long := participant("buyer", "buyer", "Bruno Lima")
	conference := conferenceOf(time.Now())
	conference["ongoing_since"] = time.Now().Add(-3 * time.Hour).UTC().Format(time.RFC3339)
	f.send(message{"type": "joined", "participant": long, "conference": conference})
	b.run(`const s = document.getElementById('call-language'); s.value = 'pt-BR'; s.dispatchEvent(new Event('change'))`)
	b.until(element("timer") + ".textContent.startsWith('3:00') && " + element("minutes") + ".textContent.startsWith('Restam 99')")
	b.shot("call-pt")
	b.do(chromedp.EmulateViewport(360, 740))
	if cut := b.text(`[...document.querySelectorAll('.facts-bar > :not([hidden])')].filter(e => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > 360).map(e => e.id)`); cut != "" {
		t.Errorf("at 360 pixels these are cut off: %s", cut)
	}
	b.do(chromedp.EmulateViewport(1280, 800))
	b.run(`const s = document.getElementById('call-language'); s.value = 'en'; s.dispatchEvent(new Event('change'))`)

	b.do(chromedp.KeyEvent("m"))
	if s := f.expect("state"); s["audio"] != false {
		for s["audio"] != false {
			s = f.expect("state")
		}
	}
	b.do(chromedp.KeyEvent("v"))
	for s := f.expect("state"); s["video"] != false; s = f.expect("state") {
	}
	b.until(element("tile-self") + ".dataset.video === 'off'")
	b.do(chromedp.KeyEvent("c"))
	b.until(visible("chat"))
	b.run(element("chat-input") + ".value = ''") // the protocol of the test types the key although the page took it
	for i, text := range []string{"Good morning!", "<img src=x onerror=alert(1)>", "The blue one please, and\na second line."} {
		f.send(message{"type": "chat", "n": i + 1, "participant": []string{"buyer", "seller"}[i%2], "name": "Bruno Lima", "text": text, "at": time.Now().UTC().Format(time.RFC3339)})
	}
	b.until(element("chat-list") + ".children.length === 3")
	if b.text(`document.querySelectorAll('[data-testid="chat-list"] img').length`) != "0" {
		t.Error("a chat message became markup")
	}
	b.shot("call-chat")
	b.do(chromedp.KeyEvent("c")) // typed into the message, not a shortcut
	b.run(element("chat-input") + ".form.requestSubmit()")
	if m := f.expect("chat"); m["text"] != "c" {
		t.Errorf("chat sent: %v", m)
	}
	b.run("document.getElementById('chat-close').click()")

	f.send(message{"type": "minutes", "remaining_seconds": 290, "level": "low"})
	b.until(element("minutes") + ".classList.contains('low')")
	away := participant("buyer", "buyer", "Bruno Lima")
	away["state"] = "reconnecting"
	f.send(message{"type": "changed", "participant": away})
	b.until(visible("tile-away"))
	b.shot("call-away")
	f.send(message{"type": "changed", "participant": participant("buyer", "buyer", "Bruno Lima")})

	b.click("settings")
	b.until("document.getElementById('call-camera').options.length > 0")
	b.shot("call-devices")
	b.run("document.getElementById('devices-dialog').close()")
	b.click("hangup")
	b.until(visible("end-for-all"))
	b.shot("call-hangup")
	b.click("end-for-all")
	f.expect("end")
	f.send(message{"type": "bye", "reason": "ended"})
	b.phase("ended")
}

func TestManyPeopleAndAScreen(t *testing.T) {
	f := newFake(t, invitationOf("seller", time.Now()))
	others := []message{participant("buyer", "buyer", "Bruno Lima"), participant("g1", "guest", "Carla Dias"), participant("g2", "guest", "Davi"), participant("g3", "guest", "Élia Nunes Prado")}
	others[2]["video"], others[2]["audio"] = false, false
	f.welcomes = []message{welcomeOf("seller", "present", others...)}
	f.screen = true
	b := newTab(t)
	toLobby(b, f)
	b.click("consent-no")
	b.click("join")
	b.phase("call")
	b.until(`document.querySelector('[data-testid="tile-buyer"] video').videoWidth > 0`)
	b.shot("call-grid")
	b.until(visible("share"))
	others[0]["screen"] = true
	f.send(message{"type": "changed", "participant": others[0]})
	b.until(element("stage") + ".dataset.layout === 'screen'")
	b.click("share")
	b.until(element("share") + ".getAttribute('aria-pressed') === 'true'")
	b.until(`document.querySelector('[data-source="screen"] video').videoWidth > 0`)
	b.shot("call-screen")
	if got := f.expect("consent"); got["accepted"] != false {
		t.Errorf("consent sent: %v", got)
	}
}

func TestBrokenSocketIsResumed(t *testing.T) {
	f := newFake(t, invitationOf("buyer", time.Now()))
	f.other = "seller"
	again := welcomeOf("buyer", "present", participant("seller", "seller", "Ana Souza"))
	again["resumed"], again["resume"] = true, "secret2"
	f.welcomes = []message{welcomeOf("buyer", "present", participant("seller", "seller", "Ana Souza")), again}
	b := newTab(t)
	toLobby(b, f)
	b.click("consent-yes")
	b.click("join")
	b.until(`document.querySelector('[data-testid="tile-seller"] video').videoWidth > 0`)
	f.expect("join")
	<-f.answered

	f.drop()
	if m := f.expect("join"); m["resume"] != "secret" {
		t.Errorf("came back with %v, want the resume secret", m)
	}
	b.until(`JSON.parse(sessionStorage.getItem('showroom.session.conf_1')).resume === 'secret2'`)
	select {
	case <-f.answered:
		t.Error("a working PeerConnection was offered anew after the resume")
	default:
	}

	b.do(chromedp.Reload()) // the page is gone, the session is not
	if m := f.expect("join"); m["resume"] != "secret2" {
		t.Errorf("after a reload joined with %v, want the resume secret", m)
	}
	b.phase("call")
	<-f.answered
	b.until(`document.querySelector('[data-testid="tile-seller"] video').videoWidth > 0`)
}

func TestServerGone(t *testing.T) {
	f := newFake(t, invitationOf("buyer", time.Now()))
	f.other = "seller"
	gone := message{"type": "error", "code": "unavailable", "message": "try again"}
	f.welcomes = []message{welcomeOf("buyer", "present", participant("seller", "seller", "Ana Souza")), gone, gone, {"type": "error", "code": "token_revoked"}}
	b := newTab(t)
	toLobby(b, f)
	b.click("consent-yes")
	b.click("join")
	b.phase("call")
	f.drop()
	b.until(element("banner") + ".textContent.startsWith('Reconnecting')")
	b.shot("call-reconnecting")
	b.phase("ended")
	b.until(element("ended-title") + ".dataset.code === 'token_revoked'")
}

func TestLinkInUseIsTakenOver(t *testing.T) {
	f := newFake(t, invitationOf("buyer", time.Now()))
	f.welcomes = []message{{"type": "error", "code": "already_joined", "message": "in use"}, welcomeOf("buyer", "knocking")}
	b := newTab(t)
	toLobby(b, f)
	b.click("consent-yes")
	b.click("join")
	b.phase("ended")
	b.shot("already-joined")
	b.click("takeover")
	f.expect("join")
	if m := f.expect("join"); m["takeover"] != true {
		t.Errorf("second join: %v", m)
	}
	b.phase("knocking")
	f.send(message{"type": "bye", "reason": "denied"})
	b.phase("ended")
	b.until(visible("rejoin"))
}

func TestLinksThatDoNotWork(t *testing.T) {
	b := newTab(t)
	for _, tt := range []struct {
		code   string
		status int
	}{{"token_invalid", 401}, {"token_expired", 401}, {"token_revoked", 401}, {"conference_over", 410}, {"conference_cancelled", 410}, {"rate_limited", 429}} {
		f := newFake(t, answers{"GET /invitation": problem{tt.status, tt.code, "no"}})
		b.open(f.url + "/join#token")
		b.phase("ended")
		if got := b.text(element("ended-title") + ".dataset.code"); got != tt.code {
			t.Errorf("%s: the page shows %s", tt.code, got)
		}
		if again := b.text(visible("rejoin")); again != fmt.Sprint(tt.status == 429) {
			t.Errorf("%s: the page offers to try again: %s", tt.code, again)
		}
	}
	f := newFake(t, nil)
	b.open(f.url + "/join")
	b.phase("ended")
	b.shot("no-token")
}

// Without camera and microphone one is told why, and can join all the same.
func TestDeviceTroubles(t *testing.T) {
	b := newTab(t)
	for name, code := range map[string]string{"NotAllowedError": "denied", "NotFoundError": "missing", "NotReadableError": "in_use", "SecurityError": "blocked", "TypeError": "failed"} {
		f := newFake(t, invitationOf("seller", time.Now()))
		f.welcomes = []message{welcomeOf("seller", "present")}
		b.open(f.url + "/join#token")
		b.phase("invitation")
		b.run(`navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', '` + name + `'); }`)
		b.click("continue")
		b.until(element("problem-both") + ".dataset.code === '" + code + "'")
		if code == "denied" {
			b.shot("lobby-denied")
		}
		b.click("consent-no")
		b.click("join")
		b.phase("call")
		b.until(element("tile-self") + ".dataset.video === 'off' && " + element("tile-self") + ".dataset.audio === 'off'")
	}
}

func TestLanguages(t *testing.T) {
	f := newFake(t, invitationOf("buyer", time.Now().Add(time.Hour)))
	b := newTab(t)
	for lang, want := range map[string]string{"pt-BR": "convida você", "es": "te invita", "en": "invites you"} {
		b.open(f.url + "/join?lang=" + lang + "#token")
		b.until("document.documentElement.lang === '" + lang + "'")
		b.until(element("invitation-title") + ".textContent.includes('" + want + "')")
	}
	b.run(`const s = ` + element("language") + `; s.value = 'es'; s.dispatchEvent(new Event('change'))`)
	b.until(element("invitation-title") + ".textContent.includes('te invita')")
	b.shot("invitation-es")
	if missing := b.text(`[...document.querySelectorAll('button')].filter(e => e.getClientRects().length && !e.textContent.trim() && !e.getAttribute('aria-label')).length`); missing != "0" {
		t.Errorf("%s buttons have no name", missing)
	}
	if body := b.text("document.body.innerText"); strings.Contains(body, "invitation.") {
		t.Errorf("a text is missing: %s", body)
	}
}
