package main

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// TestNativeCallsChromium is a call between a browser and a client without one.
func TestNativeCallsChromium(t *testing.T) {
	t.Parallel()
	p := start(t, "demo")
	s := &person{newChromium(t), t, "buyer"}
	s.inject(spy)
	n, welcome := dial(t, "buyer", p.buyer)
	if welcome.You.State != "knocking" || welcome.You.Role != "buyer" || string(welcome.Participants) != "[]" {
		t.Fatalf("the door says %s", welcome.raw)
	}
	n.send("chat", map[string]any{"text": "let me in"})
	if refused := n.await("error"); refused.Code != "not_admitted" || refused.ID != 2 {
		t.Errorf("who knocks and chats is told %s, want not_admitted for request 2", refused.raw)
	}
	s.join(p.seller)
	s.phase("call")
	click(t, s, "admit")
	admitted := n.await("admitted")
	var inside []nativeParticipant
	if err := json.Unmarshal(admitted.Participants, &inside); err != nil || len(inside) != 1 || inside[0].Role != "seller" || inside[0].State != "present" {
		t.Errorf("who is inside: %s (%v); want the seller", admitted.Participants, err)
	}
	n.consent()
	n.awaitThat("both recorded", func(m message) bool {
		return m.Type == "recording" && m.State == "on" && string(m.Participants) == `["buyer","seller"]`
	})
	n.offer()
	slots := n.awaitThat("two assigned slots", func(m message) bool { return m.Type == "slots" && assigned(m) == 2 })
	for _, slot := range slots.Slots {
		if slot.Participant != "seller" || slot.Source+slot.Kind != "cameravideo" && slot.Source+slot.Kind != "micaudio" {
			t.Errorf("slot %+v; want the seller's camera or mic", slot)
		}
	}
	n.gets(time.Second)
	s.sees()
	s.hears()
	until(t, s, visible("recording"))

	click(t, s, "chat-toggle")
	n.send("chat", map[string]any{"text": "Olá do app"})
	until(t, s, element("chat-message")+".innerText.includes('Olá do app')")
	s.eval(fmt.Sprintf(`(() => { %s.value = 'Oi do navegador'; %s.form.requestSubmit(); })()`, element("chat-input"), element("chat-input")))
	n.awaitThat("the seller's chat", func(m message) bool { return m.Type == "chat" && m.Text == "Oi do navegador" })

	left := n.send("leave", nil)
	if bye := n.await("bye"); bye.Reason != "left" || bye.ID != left || bye.Message == "" {
		t.Errorf("who leaves is told %s; want left for request %d", bye.raw, left)
	}
	n.ends(websocket.CloseNormalClosure)
	until(t, s, "!document.querySelector('[data-testid=\"tile-buyer\"]')")
	click(t, s, "hangup")
	click(t, s, "end-for-all")
	s.phase("ended")
	checkFiles(t, p.recording(p.newest().ID), 2)
}

// assigned counts the slots that show somebody.
func assigned(m message) (n int) {
	for _, slot := range m.Slots {
		if slot.Participant != "" {
			n++
		}
	}
	return n
}
