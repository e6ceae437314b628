package signaling

import (
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
)

// TestTimeLimit: a conference ends when it took as long as the seller lets one, with warnings before, and the room forwards to that second and
// no further. A longer limit in the running call holds at once.
func TestTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true, minutes: 1000})
		w.change(func(p *call.Profile) { p.ConferenceMinutes = 60 })
		seller, buyer, _, _ := w.both()
		room := w.openRoom(seller)
		began := time.Now()
		after := func(l call.Level, want time.Duration) {
			t.Helper()
			m := seller.wait("minutes", 2*time.Hour, level(l))
			if d := time.Since(began); d < want || d > want+time.Second || m["limit"] != "conference" {
				t.Fatalf("%s: %v after %v, want %v", l, m, d, want)
			}
		}
		after(call.LevelMost, 48*time.Minute)
		after(call.LevelLow, 55*time.Minute)
		after(call.LevelLast, 59*time.Minute)
		time.Sleep(58 * time.Second) // the last block runs
		if end := room.credit(); !end.Equal(began.Add(time.Hour)) {
			t.Fatalf("forwards until %v, want %v", end.Sub(began), time.Hour)
		}
		w.change(func(p *call.Profile) { p.ConferenceMinutes = 70 })
		after(call.LevelMost, 59*time.Minute+58*time.Second)
		if end := room.credit(); !end.After(began.Add(time.Hour)) {
			t.Fatalf("forwards until %v", end.Sub(began))
		}
		after(call.LevelLast, 69*time.Minute)
		seller.bye2("time_limit", time.Hour)
		if d := time.Since(began); d < 70*time.Minute || d > 70*time.Minute+time.Second {
			t.Fatalf("ended after %v", d)
		}
		buyer.bye2("time_limit", time.Second)
		if c := w.desk.conference(conf); c.FinishReason != call.ReasonLimit || c.ConnectedSeconds != 4200 {
			t.Fatalf("%s after %d s", c.FinishReason, c.ConnectedSeconds)
		}
	})
}

// TestTimeIsUpBeforeItEnds: who comes back to a conference that has taken as long as it may by now is told so.
func TestTimeIsUpBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, options{pipes: true, minutes: 1000})
		seller, buyer, _, token := w.both()
		time.Sleep(10 * time.Minute)
		buyer.send(message{"type": "leave"})
		buyer.bye("left")
		w.change(func(p *call.Profile) { p.ConferenceMinutes = 5 })
		again := w.open(nil)
		again.send(message{"type": "join", "token": token})
		again.fails(codeTimeLimit)
		seller.send(message{"type": "ping"})
		seller.expect("pong")
	})
}
