package signaling

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
	"showroom/sfu"
)

func TestLogCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller := w.join(w.token(call.RoleSeller))
		token := w.token(call.RoleBuyer)
		w.desk.set(func() { w.desk.fail = errDisk })
		early := w.open(nil)
		early.send(message{"type": "join", "token": token, "id": 1})
		if m := early.fails(codeUnavailable); m["id"] != 1.0 {
			t.Fatalf("error: %v", m)
		}
		early.closed(1013)
		w.desk.set(func() { w.desk.fail = nil })
		buyer := w.join(token)
		seller.expect("knock")

		w.desk.set(func() { w.desk.fail = errDisk })
		for _, m := range []message{
			{"type": "admit", "participant": "buyer"}, {"type": "deny", "participant": "buyer"}, {"type": "end"}, {"type": "leave"},
			{"type": "consent", "accepted": true, "text": "ok"},
		} {
			seller.send(m)
			seller.fails(codeUnavailable)
		}
		w.desk.set(func() { w.desk.fail = nil })
		seller.send(message{"type": "admit", "participant": "buyer"}) // again
		buyer.expect("admitted")
		seller.expect("joined")

		// Lost while the log is down: the others hear of it when it is true.
		w.desk.set(func() { w.desk.fail = errDisk })
		buyer.ws.Close()
		seller.expectWhere("changed", stateIs("reconnecting"))
		time.Sleep(time.Minute)
		seller.send(message{"type": "chat", "text": "where is he?"})
		seller.expect("chat") // the call goes on
		for _, m := range seller.seen {
			if m["type"] == "left" {
				t.Fatal("told before it was written")
			}
		}
		w.desk.set(func() { w.desk.fail = nil })
		if m := seller.expect("left"); m["reason"] != "lost" {
			t.Fatalf("left: %v", m)
		}
	})
}

// Too many join at once: who has to wait too long is told to come again.
func TestNoTurnToJoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := make(chan error)
		w := newWorld(t, options{pipes: true, config: func(c *Config) { c.Turn = func(context.Context) error { return <-turns } }})
		seller := w.open(nil)
		seller.send(message{"type": "join", "token": w.token(call.RoleSeller)})
		synctest.Wait()
		if len(seller.seen) != 0 {
			t.Errorf("before its turn: %v", seller.seen)
		}
		turns <- nil
		seller.expect("welcome")
		buyer := w.open(nil)
		buyer.send(message{"type": "join", "token": w.token(call.RoleBuyer), "id": 1})
		turns <- sfu.ErrOverloaded
		if m := buyer.fails(codeUnavailable); m["id"] != 1.0 {
			t.Errorf("error: %v", m)
		}
		buyer.closed(1013)
	})
}

// The log took the change and could not say so: nobody stays inside whom no socket stands for.
func TestLogSaysNoAndMeansYes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller := w.join(w.token(call.RoleSeller))
		buyer := w.join(w.token(call.RoleBuyer))
		seller.expect("knock")
		w.desk.set(func() { w.desk.fail, w.desk.failAfter = errDisk, true })
		seller.send(message{"type": "admit", "participant": "buyer"})
		seller.fails(codeUnavailable)
		guest := w.open(nil)
		w.desk.set(func() { w.desk.fail = nil })
		token := w.token(call.RoleGuest)
		w.desk.set(func() { w.desk.fail = errDisk })
		guest.send(message{"type": "join", "token": token})
		guest.fails(codeUnavailable)
		w.desk.set(func() { w.desk.fail = nil })
		buyer.expect("admitted") // as the log says
		seller.expect("joined")
		time.Sleep(5 * time.Second)
		if inside := w.desk.conference(conf).Inside(); !slices.Equal(inside, []string{"buyer", "seller"}) {
			t.Fatalf("inside: %v", inside)
		}
	})
}

func TestSlowLogHoldsUpItsOwnConferenceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		w.conference("conf_2", false)
		other, _ := w.link("conf_2", call.RoleSeller, time.Hour)
		second := w.join(other)
		seller, buyer, _, _ := w.both()
		hang := make(chan struct{})
		w.desk.set(func() { w.desk.hang = hang })
		seller.send(message{"type": "remove", "participant": "buyer"})
		synctest.Wait()
		began := time.Now()
		second.send(message{"type": "chat", "text": "hello"})
		second.expect("chat")
		buyer.send(message{"type": "ping"})
		buyer.expect("pong")
		if d := time.Since(began); d > 0 {
			t.Fatalf("held up for %v", d)
		}
		seller.fails(codeUnavailable) // after DeskTimeout
		if d := time.Since(began); d != 5*time.Second {
			t.Fatalf("gave up after %v", d)
		}
		close(hang)
	})
}

func TestRecordingFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller, buyer, _, _ := w.both()
		room := w.openRoom(seller)
		buyer.send(message{"type": "consent", "accepted": true, "text": "ok"})
		seller.expectWhere("recording", func(m message) bool { return m["state"] == "on" })
		synctest.Wait()
		if !room.isRecorded("buyer") || room.isRecorded("seller") {
			t.Fatalf("recorded: %v", room.recorded)
		}
		w.apply(call.StartFile("a.webm", "buyer", "camera"))
		w.apply(call.FailFile(call.File{Name: "a.webm", Reason: "no space left on device"}))
		m := seller.expectWhere("recording", func(m message) bool { return m["state"] == "failed" })
		if m["message"] == "" || m["participants"].([]any)[0] != "buyer" {
			t.Fatalf("recording: %v", m)
		}
		buyer.expectWhere("recording", func(m message) bool { return m["state"] == "failed" })
		w.apply(call.StartFile("b.webm", "buyer", "camera"))
		seller.expectWhere("recording", func(m message) bool { return m["state"] == "on" })
		w.apply(call.FinishFile(call.File{Name: "b.webm", Participant: "buyer", Source: "camera", SHA256: "00", Reason: "no space left on device"}))
		seller.expectWhere("recording", func(m message) bool { return m["state"] == "failed" })
		w.apply(call.StartFile("d.webm", "buyer", "camera"))
		seller.expectWhere("recording", func(m message) bool { return m["state"] == "on" })
		w.apply(call.FailFile(call.File{Name: "e.webm", Participant: "buyer", Source: "screen", Reason: "not begun"}))
		seller.expectWhere("recording", func(m message) bool { return m["state"] == "failed" })
		w.apply(call.StartFile("f.webm", "buyer", "screen"))
		seller.expectWhere("recording", func(m message) bool { return m["state"] == "on" })
		room.mu.Lock()
		room.refuse = errors.New("no disk")
		room.mu.Unlock()
		seller.send(message{"type": "consent", "accepted": true, "text": "ok"})
		buyer.expectWhere("recording", func(m message) bool { return m["state"] == "failed" && len(m["participants"].([]any)) == 2 })
		buyer.send(message{"type": "consent", "accepted": false, "text": "ok"})
		seller.expectWhere("recording", func(m message) bool { return len(m["participants"].([]any)) == 1 })
		synctest.Wait()
		if room.isRecorded("buyer") {
			t.Fatal("recorded without consent")
		}
	})
}

func TestRoomClosesAndOpensAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller, buyer, _, token := w.both()
		first := w.openRoom(seller)
		buyer.send(message{"type": "consent", "accepted": true, "text": "ok", "id": 1})
		buyer.expect("recording")
		seller.send(message{"type": "leave"})
		seller.bye("left")
		buyer.send(message{"type": "leave"})
		buyer.bye("left")
		<-first.closed
		buyer, welcome := w.joined(message{"token": token})
		if m := welcome["recording"].(message); m["state"] != "on" {
			t.Fatalf("recording: %v", m) // consent is given for the conference
		}
		second := w.openRoom(buyer)
		synctest.Wait()
		if second == first || !second.isRecorded("buyer") {
			t.Fatal("consent was forgotten")
		}
		w.studio.fail.Store(true)
	})
}

func TestRoomCannotBeOpened(t *testing.T) {
	w := newWorld(t, options{})
	w.studio.fail.Store(true)
	seller := w.join(w.token(call.RoleSeller))
	seller.send(message{"type": "offer", "sdp": "o=- 1 2 IN IP4 0\na=fingerprint:sha-256 AA"})
	seller.fails(codeUnavailable)
	seller.sync()
}

func TestDrainAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		w.conference("conf_2", false)
		seller, buyer, _, token := w.both()
		room := w.openRoom(seller)
		w.hub.Drain()
		if !w.hub.Stats().Draining {
			t.Fatal("not draining")
		}
		elsewhere, _ := w.link("conf_2", call.RoleSeller, time.Hour)
		late := w.open(nil)
		late.send(message{"type": "join", "token": elsewhere})
		late.fails(codeUnavailable)
		late.closed(1013)
		buyer.ws.Close()
		seller.expectWhere("changed", stateIs("reconnecting"))
		_, welcome := w.joined(message{"token": token, "resume": w.resumeOf(buyer)}) // calls that run go on
		if welcome["resumed"] != true {
			t.Fatalf("welcome: %v", welcome)
		}
		silent := w.open(nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := w.hub.Close(ctx); err != nil {
			t.Fatal(err)
		}
		<-room.closed
		seller.bye("server_closing")
		seller.closed(1001)
		silent.closed(1001)
		if got := w.desk.conference(conf); len(got.Inside()) != 0 || got.Over() {
			t.Fatalf("inside %v, state %s", got.Inside(), got.State)
		}
		if _, response, err := w.try(nil); err == nil || response.StatusCode != 503 {
			t.Fatalf("after closing: %v", err)
		}
	})
}

func TestCloseGivesUp(t *testing.T) {
	w := newWorld(t, options{})
	w.both()
	hang := make(chan struct{})
	w.desk.set(func() { w.desk.hang = hang })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.hub.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	close(hang)
}
