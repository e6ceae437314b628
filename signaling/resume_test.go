package signaling

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"showroom/call"
)

// state of the participant in a message.
func stateIs(state string) func(message) bool {
	return func(m message) bool { return m["participant"].(message)["state"] == state }
}

func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller, buyer, _, token := w.both()
		secret := w.resumeOf(buyer)
		buyer.send(message{"type": "state", "audio": true})
		buyer.send(message{"type": "chat", "text": "brb"})
		seller.expectWhere("changed", func(m message) bool { return m["participant"].(message)["audio"] == true })
		buyer.ws.Close()
		seller.expectWhere("changed", stateIs("reconnecting"))
		time.Sleep(29 * time.Second)

		back, welcome := w.joined(message{"token": token, "resume": secret})
		you := welcome["you"].(message)
		if welcome["resumed"] != true || you["state"] != "present" || you["audio"] != true || len(welcome["chat"].([]any)) != 1 {
			t.Fatalf("welcome: %v", welcome)
		}
		seller.expectWhere("changed", stateIs("present"))
		time.Sleep(time.Minute)
		back.send(message{"type": "ping"})
		back.expect("pong")
		if got := w.desk.conference(conf); got.State != call.StateOngoing || len(got.Inside()) != 2 {
			t.Fatalf("state %s, inside %v", got.State, got.Inside())
		}
		for _, m := range seller.seen {
			if m["type"] == "left" {
				t.Fatalf("the seller was told %v", m)
			}
		}
	})
}

// resumeOf is the secret of the welcome that the client has seen.
func (w *world) resumeOf(c *client) string {
	for _, m := range c.seen {
		if m["type"] == "welcome" {
			return m["resume"].(string)
		}
	}
	w.t.Fatal("no welcome")
	return ""
}

func TestLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller, buyer, _, token := w.both()
		secret := w.resumeOf(buyer)
		began := time.Now()
		buyer.ws.Close()
		left := seller.wait("left", time.Minute, func(message) bool { return true })
		if d := time.Since(began); left["reason"] != "lost" || d != 30*time.Second {
			t.Fatalf("%v after %v", left, d)
		}
		if got := w.desk.conference(conf); got.State != call.StateStandby || got.ConnectedSeconds != 30 {
			t.Fatalf("state %s, connected %d s", got.State, got.ConnectedSeconds)
		}
		// Too late to resume, but not to come back: admitted once is admitted.
		_, welcome := w.joined(message{"token": token, "resume": secret})
		if welcome["resumed"] != false || welcome["you"].(message)["state"] != "present" || welcome["resume"] == secret {
			t.Fatalf("welcome: %v", welcome)
		}
		seller.expect("joined")
	})
}

func TestKnockerComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller := w.join(w.token(call.RoleSeller))
		token := w.token(call.RoleBuyer)
		buyer := w.join(token)
		seller.expect("knock")
		buyer.ws.Close()
		seller.expect("knock_gone") // truthful: nobody stands there now
		back, welcome := w.joined(message{"token": token, "resume": w.resumeOf(buyer)})
		if welcome["resumed"] != true || welcome["you"].(message)["state"] != "knocking" {
			t.Fatalf("welcome: %v", welcome)
		}
		seller.expect("knock")
		back.ws.Close()
		seller.expect("knock_gone")
		time.Sleep(31 * time.Second)
		if inside := w.desk.conference(conf).Inside(); !cmp.Equal(inside, []string{"seller"}) {
			t.Fatalf("inside: %v", inside)
		}
		again := w.join(token)
		seller.expect("knock")
		again.ws.Close()
		seller.expect("knock_gone")
		seller.send(message{"type": "admit", "participant": "buyer"}) // crossed the knock_gone on the wire
		if m := seller.expect("joined"); !stateIs("reconnecting")(m) {
			t.Fatalf("joined: %v", m)
		}
		_, welcome = w.joined(message{"token": token})
		if welcome["you"].(message)["state"] != "present" || welcome["resumed"] != false {
			t.Fatalf("welcome: %v", welcome)
		}
	})
}

func TestSecondJoinAndTakeover(t *testing.T) {
	w := newWorld(t, options{})
	seller, buyer, _, token := w.both()
	secret := w.resumeOf(buyer)
	other := w.token(call.RoleBuyer) // another link of the same participant
	for _, m := range []message{{"token": token}, {"token": other}, {"token": token, "resume": "wrong"}, {"token": token, "resume": ""}} {
		second := w.open(nil)
		m["type"] = "join"
		second.send(m)
		second.fails(codeAlreadyJoined)
		second.closed(1008)
	}
	buyer.send(message{"type": "ping"})
	buyer.expect("pong") // unharmed
	_, welcome := w.joined(message{"token": other, "takeover": true})
	if welcome["resumed"] != false || welcome["you"].(message)["state"] != "present" {
		t.Fatalf("welcome: %v", welcome)
	}
	buyer.bye("replaced")
	buyer.closed(1000)
	stale := w.open(nil)
	stale.send(message{"type": "join", "token": token, "resume": secret})
	stale.fails(codeAlreadyJoined)

	// Resume while the old socket looks alive: the client knows better.
	next, _ := w.joined(message{"token": token, "takeover": true})
	back, welcome := w.joined(message{"token": token, "resume": w.resumeOf(next)})
	if welcome["resumed"] != true {
		t.Fatalf("welcome: %v", welcome)
	}
	next.bye("replaced")
	back.send(message{"type": "ping"})
	back.expect("pong")
	seller.sync()
	for _, m := range seller.seen {
		if m["type"] == "left" || m["type"] == "knock_gone" {
			t.Fatalf("the seller was told %v", m)
		}
	}
}

func TestRevoke(t *testing.T) {
	w := newWorld(t, options{})
	seller := w.join(w.token(call.RoleSeller))
	token, link := w.link(conf, call.RoleBuyer, time.Hour)
	buyer := w.join(token)
	seller.expect("knock")
	seller.send(message{"type": "admit", "participant": "buyer"})
	buyer.expect("admitted")
	secret := w.resumeOf(buyer)
	w.apply(call.RevokeLink(link, "key_1"))
	buyer.bye("revoked")
	buyer.closed(1000)
	if m := seller.expect("left"); m["reason"] != "revoked" {
		t.Fatalf("left: %v", m)
	}
	for _, resume := range []string{"", secret} {
		again := w.open(nil)
		again.send(message{"type": "join", "token": token, "resume": resume})
		again.fails(codeTokenRevoked)
	}
	if w.desk.conference(conf).Present(call.RoleBuyer) {
		t.Fatal("still present in the log")
	}
}

func TestLinkExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		first, _ := w.link(conf, call.RoleBuyer, time.Minute)
		buyer := w.join(first)
		began := time.Now()
		m := buyer.wait("bye", 2*time.Minute, func(message) bool { return true })
		if d := time.Since(began); m["reason"] != "expired" || d < time.Minute {
			t.Fatalf("%v after %v", m, d)
		}
		// Who is in the room stays: a call is not cut because a link got old.
		seller := w.join(w.token(call.RoleSeller))
		second, _ := w.link(conf, call.RoleBuyer, time.Minute)
		buyer = w.join(second)
		seller.expect("knock")
		seller.send(message{"type": "admit", "participant": "buyer"})
		buyer.expect("admitted")
		time.Sleep(10 * time.Minute)
		buyer.send(message{"type": "chat", "text": "still here"})
		seller.expect("chat")
		buyer.ws.Close()
		late := w.open(nil)
		late.send(message{"type": "join", "token": second, "resume": w.resumeOf(buyer)})
		late.fails(codeTokenExpired)
	})
}

func TestEndedAndCancelledFromElsewhere(t *testing.T) {
	w := newWorld(t, options{})
	seller, buyer, _, _ := w.both()
	w.apply(call.End("key_1", "the CRM said so"))
	seller.bye("ended")
	buyer.bye("ended")

	w.conference("conf_2", false)
	token, _ := w.link("conf_2", call.RoleBuyer, time.Hour)
	buyer = w.join(token)
	departAndCancel := func(c call.Case, now time.Time) ([]call.Event, error) {
		departed, err := call.Depart("buyer", "left")(c, now)
		if err != nil {
			return nil, err
		}
		for _, e := range departed {
			c = c.Apply(e)
		}
		cancelled, err := call.Cancel("key_1", "")(c, now)
		return append(departed, cancelled...), err
	}
	if _, _, err := w.desk.Apply(t.Context(), "conf_2", departAndCancel); err != nil {
		t.Fatal(err)
	}
	buyer.bye("cancelled")
	late := w.open(nil)
	late.send(message{"type": "join", "token": token})
	late.fails(codeCancelled)
}

func TestEmptyCallIsFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller, buyer, token, _ := w.both()
		seller.send(message{"type": "leave"})
		buyer.send(message{"type": "leave"})
		seller.bye("left")
		buyer.bye("left")
		time.Sleep(20 * time.Second)
		seller = w.join(token) // in time
		time.Sleep(5 * time.Minute)
		if got := w.desk.conference(conf); got.Over() {
			t.Fatalf("state %s", got.State)
		}
		seller.send(message{"type": "leave"})
		seller.bye("left")
		time.Sleep(31 * time.Second)
		if got := w.desk.conference(conf); got.State != call.StateFinished || got.FinishReason != "left" {
			t.Fatalf("state %s %s", got.State, got.FinishReason)
		}
		synctest.Wait()
		if s := w.hub.Stats(); s != (Stats{}) {
			t.Fatalf("stats: %+v", s)
		}
	})
}

func TestNobodyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller := w.join(w.token(call.RoleSeller))
		if s := w.hub.Stats(); s.Sockets != 1 || s.Conferences != 1 {
			t.Fatalf("stats: %+v", s)
		}
		seller.send(message{"type": "leave"})
		seller.bye("left")
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := w.desk.conference(conf); got.State != call.StateScheduled {
			t.Fatalf("state %s", got.State)
		}
		if s := w.hub.Stats(); s != (Stats{}) {
			t.Fatalf("stats: %+v", s)
		}
	})
}

// After a crash the log has people inside whom nobody knows.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true})
		seller, buyer := w.token(call.RoleSeller), w.token(call.RoleBuyer)
		w.join(buyer)
		w.join(seller).send(message{"type": "admit", "participant": "buyer"})
		synctest.Wait()
		restarted := New(w.hub.config)
		defer restarted.Close(t.Context())
		restarted.Watch(conf)
		restarted.Watch("conf_none")
		synctest.Wait()
		if inside := w.desk.conference(conf).Inside(); len(inside) != 0 {
			t.Fatalf("inside: %v", inside)
		}
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if got := w.desk.conference(conf); got.State != call.StateFinished {
			t.Fatalf("state %s", got.State)
		}
		if s := restarted.Stats(); s.Conferences != 0 {
			t.Fatalf("stats: %+v", s)
		}
	})
}
