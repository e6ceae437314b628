package signaling

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
)

func level(l call.Level) func(message) bool {
	return func(m message) bool { return m["level"] == string(l) }
}

func TestMinutesRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true, minutes: 7})
		seller, buyer, token, _ := w.both()
		began := time.Now()
		m := seller.wait("minutes", time.Hour, level(call.LevelLow))
		if d := time.Since(began); m["remaining_seconds"] != 300.0 || d < 2*time.Minute || d > 2*time.Minute+time.Second {
			t.Fatalf("low: %v after %v", m, d)
		}
		m = seller.wait("minutes", time.Hour, level(call.LevelLast))
		if d := time.Since(began); m["remaining_seconds"] != 60.0 || d < 6*time.Minute || d > 6*time.Minute+time.Second {
			t.Fatalf("last: %v after %v", m, d)
		}
		seller.bye2("minutes_exhausted", time.Hour)
		if d := time.Since(began); d < 7*time.Minute || d > 7*time.Minute+time.Second {
			t.Fatalf("ended after %v", d)
		}
		buyer.bye2("minutes_exhausted", time.Second)
		buyer.closed(1000)
		var levels []string
		for _, m := range buyer.seen {
			if m["type"] == "minutes" {
				levels = append(levels, m["level"].(string))
			}
		}
		if !slices.Equal(levels, []string{"last", "out"}) {
			t.Fatalf("the buyer was told %v", levels)
		}
		told := 0
		for _, m := range seller.seen {
			if m["type"] == "minutes" {
				told++
			}
		}
		if told < 40 || told > 50 {
			t.Errorf("the seller's page was told %d times in 7 minutes, want every 10 s", told)
		}
		got := w.desk.conference(conf)
		if got.FinishReason != "minutes_exhausted" || got.ConnectedSeconds != 420 {
			t.Fatalf("%s after %d s", got.FinishReason, got.ConnectedSeconds)
		}
		late := w.open(nil)
		late.send(message{"type": "join", "token": token})
		late.fails(codeOver)

		// Another conference of the same seller cannot begin; each is told in words for them.
		w.conference("conf_2", false)
		for role, code := range map[call.Role]Code{call.RoleSeller: codeNoMinutes, call.RoleBuyer: codeSellerUnavail} {
			token, _ := w.link("conf_2", role, time.Hour)
			c := w.open(nil)
			c.send(message{"type": "join", "token": token})
			c.fails(code)
		}
	})
}

func (c *client) bye2(reason string, d time.Duration) {
	c.t.Helper()
	if m := c.wait("bye", d, func(message) bool { return true }); m["reason"] != reason {
		c.t.Fatalf("bye: %v", m)
	}
}

func TestTopUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true, minutes: 2})
		seller, _, _, _ := w.both()
		seller.wait("minutes", time.Hour, level(call.LevelLast))
		w.change(func(p *call.Profile) { p.MonthlyMinutes = 100 })
		if m := seller.wait("minutes", time.Second, level(call.LevelOK)); m["remaining_seconds"].(float64) < 5000 {
			t.Fatalf("minutes: %v", m)
		}
		time.Sleep(10 * time.Minute)
		if w.desk.conference(conf).Over() {
			t.Fatal("ended nevertheless")
		}
	})
}

// change changes the seller's settings, as the API would.
func (w *world) change(with func(*call.Profile)) {
	w.t.Helper()
	w.desk.mu.Lock()
	s := w.desk.sellers["sell_1"]
	profile := s.Profile
	with(&profile)
	events, err := s.Change("key_crm", profile, time.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	events = w.desk.append(events)
	w.desk.mu.Unlock()
	w.hub.Notice(events[0])
}

func TestTwoCallsShareTheMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true, minutes: 4})
		w.conference("conf_2", false)
		token, _ := w.link("conf_2", call.RoleSeller, time.Hour)
		waiting := w.join(token) // alone in the second conference while the first one runs
		first, _, _, _ := w.both()
		began := time.Now()
		m := waiting.wait("minutes", time.Hour, level(call.LevelLast))
		if d := time.Since(began); m["remaining_seconds"].(float64) > 60 || d > 3*time.Minute+time.Second {
			t.Fatalf("%v after %v", m, d)
		}
		first.bye2("minutes_exhausted", time.Hour)
		if d := time.Since(began); d > 4*time.Minute+time.Second {
			t.Fatalf("ended after %v", d)
		}
	})
}

// While the log is down nothing more is reserved, so the room's credit is not moved.
func TestCreditEndsWithTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true, minutes: 10})
		seller, buyer, _, _ := w.both()
		room := w.openRoom(seller)
		if d := time.Until(room.credit()); d != call.BlockLength {
			t.Fatalf("credit of %v", d)
		}
		time.Sleep(time.Minute)
		if d := time.Until(room.credit()); d < 4*time.Second || d > call.BlockLength {
			t.Fatalf("a minute later, credit of %v", d)
		}
		w.desk.set(func() { w.desk.fail = errDisk })
		time.Sleep(time.Minute)
		if d := time.Until(room.credit()); d > -45*time.Second {
			t.Fatalf("the log is down for a minute, credit of %v", d)
		}
		seller.send(message{"type": "ping"})
		seller.expect("pong")
		w.desk.set(func() { w.desk.fail = nil })
		time.Sleep(2 * time.Second)
		if d := time.Until(room.credit()); d < 10*time.Second {
			t.Fatalf("the log is back, credit of %v", d)
		}
		buyer.send(message{"type": "leave"})
		buyer.bye("left")
		synctest.Wait()
		if !room.credit().IsZero() {
			t.Fatal("a limit while no minutes run")
		}
	})
}

// openRoom makes the hub open a room that carries nothing.
func (w *world) openRoom(c *client) *fakeRoom {
	w.t.Helper()
	c.send(message{"type": "offer", "sdp": "o=- 1 2 IN IP4 0\na=fingerprint:sha-256 AA"})
	c.fails(codeUnavailable)
	return <-w.studio.rooms
}
