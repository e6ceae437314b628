package signaling

import (
	"slices"
	"testing"

	"showroom/call"
)

func TestKnockAndAdmit(t *testing.T) {
	w := newWorld(t, options{})
	buyer, welcome := w.joined(message{"token": w.token(call.RoleBuyer), "id": 7})
	you := welcome["you"].(message)
	if you["state"] != "knocking" || you["name"] != "Bruno" || you["role"] != "buyer" || welcome["id"] != 7.0 {
		t.Fatalf("welcome: %v", welcome)
	}
	if welcome["resumed"] != false || welcome["resume_seconds"] != 30.0 || len(welcome["participants"].([]any)) != 0 || welcome["minutes"] != nil {
		t.Fatalf("welcome: %v", welcome)
	}
	seller, welcome := w.joined(message{"token": w.token(call.RoleSeller)})
	if m := welcome["minutes"].(message); m["remaining_seconds"] != 60000.0 || m["level"] != "ok" {
		t.Fatalf("minutes: %v", m)
	}
	if c := welcome["conference"].(message); c["state"] != "standby" || c["subject"] != "Fusca 1972" || c["duration_minutes"] != 60.0 || c["ongoing_since"] != nil || c["now"] == nil {
		t.Fatalf("conference: %v", c)
	}
	if knock := seller.expect("knock"); knock["participant"].(message)["id"] != "buyer" {
		t.Fatalf("knock: %v", knock)
	}
	buyer.send(message{"type": "chat", "text": "hello?", "id": 8})
	if m := buyer.fails(codeNotAdmitted); m["id"] != 8.0 {
		t.Fatalf("error: %v", m)
	}
	buyer.send(message{"type": "admit", "participant": "buyer"})
	buyer.fails(codeNotAdmitted)

	seller.send(message{"type": "admit", "participant": "buyer"})
	admitted := buyer.expect("admitted")
	if p := admitted["participants"].([]any); len(p) != 1 || p[0].(message)["id"] != "seller" {
		t.Fatalf("admitted: %v", admitted)
	}
	if c := admitted["conference"].(message); c["ongoing_since"] == nil || c["now"] == nil || c["now"].(string) < c["ongoing_since"].(string)[:19] {
		t.Fatalf("admitted without the timer's start and the server's time: %v", admitted)
	}
	if joined := seller.expect("joined"); joined["participant"].(message)["state"] != "present" {
		t.Fatalf("joined: %v", joined)
	}
	if got := w.desk.conference(conf); got.State != call.StateOngoing {
		t.Fatalf("state %s", got.State)
	}

	buyer.send(message{"type": "state", "audio": true, "video": true, "screen": false})
	if p := seller.expect("changed")["participant"].(message); p["audio"] != true || p["video"] != true || p["screen"] != false {
		t.Fatalf("changed: %v", p)
	}
	buyer.send(message{"type": "leave", "id": "x"})
	if m := buyer.bye("left"); m["id"] != "x" {
		t.Fatalf("bye: %v", m)
	}
	buyer.closed(1000)
	if left := seller.expect("left"); left["participant"] != "buyer" || left["reason"] != "left" {
		t.Fatalf("left: %v", left)
	}

	// Admitted once is admitted for the whole conference.
	_, welcome = w.joined(message{"token": w.token(call.RoleBuyer)})
	if welcome["you"].(message)["state"] != "present" {
		t.Fatalf("welcome back: %v", welcome)
	}
	seller.expect("joined")
	seller.send(message{"type": "end", "id": 3})
	seller.bye("ended")
	if got := w.desk.conference(conf); got.State != call.StateFinished || got.FinishReason != "ended" {
		t.Fatalf("finished: %v %v", got.State, got.FinishReason)
	}
}

func TestDenyRemoveAndEnd(t *testing.T) {
	w := newWorld(t, options{})
	seller := w.join(w.token(call.RoleSeller))
	token := w.token(call.RoleBuyer)
	buyer := w.join(token)
	seller.expect("knock")
	seller.send(message{"type": "deny", "participant": "buyer"})
	buyer.bye("denied")
	buyer.closed(1000)
	if m := seller.expect("knock_gone"); m["participant"] != "buyer" {
		t.Fatalf("knock_gone: %v", m)
	}
	buyer = w.join(token)
	seller.expect("knock")
	buyer.send(message{"type": "leave"})
	buyer.bye("left")
	seller.expect("knock_gone")

	buyer = w.join(token)
	seller.expect("knock")
	seller.send(message{"type": "admit", "participant": "buyer"})
	buyer.expect("admitted")
	for _, m := range []message{{"type": "end"}, {"type": "admit", "participant": "seller"}, {"type": "remove", "participant": "seller"}} {
		buyer.send(m)
		buyer.fails(codeForbidden)
	}
	for _, m := range []message{{"type": "admit", "participant": "buyer"}, {"type": "deny", "participant": "buyer"}, {"type": "remove", "participant": "who"}, {"type": "remove", "participant": "seller"}} {
		seller.send(m)
		seller.fails(codeNobody)
	}
	seller.send(message{"type": "remove", "participant": "buyer"})
	buyer.bye("removed")
	if left := seller.expect("left"); left["reason"] != "removed" {
		t.Fatalf("left: %v", left)
	}
	buyer = w.join(token)
	seller.expect("joined")
	seller.send(message{"type": "end"})
	buyer.bye("ended")
	seller.bye("ended")
	late := w.open(nil)
	late.send(message{"type": "join", "token": token})
	late.fails(codeOver)
	late.closed(1008)
}

func TestGuestSeesNoDoor(t *testing.T) {
	w := newWorld(t, options{})
	seller, buyer, _, _ := w.both()
	guest, welcome := w.joined(message{"token": w.token(call.RoleGuest)})
	if you := welcome["you"].(message); you["name"] != "Gil" || you["state"] != "knocking" {
		t.Fatalf("guest: %v", you)
	}
	id := seller.expect("knock")["participant"].(message)["id"].(string)
	seller.send(message{"type": "admit", "participant": id})
	if m := guest.expect("admitted"); len(m["participants"].([]any)) != 2 {
		t.Fatalf("admitted: %v", m)
	}
	if m := buyer.expect("joined"); m["participant"].(message)["id"] != id {
		t.Fatalf("joined: %v", m)
	}
	if slices.ContainsFunc(buyer.seen, func(m message) bool { return m["type"] == "knock" }) {
		t.Fatal("the buyer saw the door")
	}
}

func TestChat(t *testing.T) {
	w := newWorld(t, options{config: func(c *Config) { c.ChatMessages = 3 }})
	seller, buyer, _, _ := w.both()
	for i, text := range []string{"a", "olá <b>", "c", "d"} {
		buyer.send(message{"type": "chat", "text": text, "id": i})
		if m := buyer.expect("chat"); m["text"] != text || m["id"] != float64(i) || m["n"] != float64(i+1) || m["name"] != "Bruno" || m["at"] == nil {
			t.Fatalf("chat: %v", m)
		}
		if m := seller.expect("chat"); m["text"] != text || m["participant"] != "buyer" || m["id"] != nil {
			t.Fatalf("chat: %v", m)
		}
	}
	for _, text := range []string{"", "  \n", string(make([]rune, 2001))} {
		buyer.send(message{"type": "chat", "text": text})
		buyer.fails(codeBadText)
	}
	for range chatBurst {
		buyer.send(message{"type": "chat", "text": "a"})
	}
	buyer.fails(codeTooMany)
	buyer.send(message{"type": "ping"})
	buyer.expect("pong") // and goes on
	_, welcome := w.joined(message{"token": w.token(call.RoleSeller), "takeover": true})
	chat := welcome["chat"].([]any)
	if len(chat) != 3 || chat[0].(message)["text"] != "a" || chat[2].(message)["n"] != float64(chatBurst) {
		t.Fatalf("chat kept: %v", chat)
	}
}

func TestConsent(t *testing.T) {
	w := newWorld(t, options{})
	seller, buyer, _, _ := w.both()
	buyer.send(message{"type": "consent", "accepted": true, "text": "May we record?", "language": "en", "id": 1})
	m := buyer.expectWhere("recording", func(m message) bool { return m["id"] == 1.0 })
	if m["state"] != "on" || m["participants"].([]any)[0] != "buyer" {
		t.Fatalf("recording: %v", m)
	}
	if m := seller.expect("recording"); m["state"] != "on" {
		t.Fatalf("recording: %v", m)
	}
	consent := w.desk.conference(conf).Consents[0]
	if consent.Address != "127.0.0.1" || consent.Text != "May we record?" || consent.Language != "en" {
		t.Fatalf("evidence: %+v", consent)
	}
	buyer.send(message{"type": "consent", "accepted": true, "text": "May we record?", "language": "en", "id": 2})
	buyer.expectWhere("recording", func(m message) bool { return m["id"] == 2.0 })
	if n := len(w.desk.conference(conf).Consents); n != 1 {
		t.Fatalf("the same answer was written %d times", n)
	}
	buyer.send(message{"type": "consent", "accepted": false, "text": "May we record?", "id": 3})
	if m := seller.expect("recording"); m["state"] != "off" {
		t.Fatalf("recording: %v", m)
	}
	buyer.send(message{"type": "consent", "accepted": true, "id": 4})
	if m := buyer.fails(codeBadText); m["id"] != 4.0 {
		t.Fatalf("error: %v", m)
	}
	buyer.send(message{"type": "consent", "text": "x"})
	buyer.fails(codeBadMessage)
}

func TestNoRecordingWithoutThePolicy(t *testing.T) {
	w := newWorld(t, options{off: true})
	_, buyer, _, _ := w.both()
	buyer.send(message{"type": "consent", "accepted": true, "text": "ok", "id": 1})
	if m := buyer.expect("recording"); m["state"] != "off" {
		t.Fatalf("recording: %v", m)
	}
}
