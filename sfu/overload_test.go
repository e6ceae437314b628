package sfu

import (
	"errors"
	"log/slog"
	"testing"
	"time"
)

// crowd is an overload with so many peers.
func crowd(n int) *overload {
	o := &overload{log: slog.New(slog.DiscardHandler)}
	for range n {
		o.peers = append(o.peers, testPeer())
	}
	return o
}

// levels are what is shed of each peer, in the order they joined: nothing, video, all.
func (o *overload) levels() string {
	var b []byte
	for _, p := range o.peers {
		b = append(b, ".va"[p.shedding.Load()])
	}
	return string(b)
}

// TestShedding goes from trouble to peace: video before audio, who came last first, and back again one by one.
func TestShedding(t *testing.T) {
	o := crowd(4)
	now := time.Now()
	for _, want := range []string{"...v", "..vv", ".vvv", "vvvv", "vvva", "vvaa", "vaaa", "aaaa", "aaaa"} {
		now = now.Add(watchInterval)
		o.step(now, true)
		if got := o.levels(); got != want {
			t.Fatalf("shed %s, want %s", got, want)
		}
	}
	if err := o.admit(testPeer(), now); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a new peer in trouble: %v", err)
	}
	seen := []string{o.levels()}
	for range 60 * 10 {
		now = now.Add(watchInterval)
		o.step(now, false)
		if got := o.levels(); seen[len(seen)-1] != got {
			seen = append(seen, got)
		}
	}
	if len(seen) != 9 || seen[1] != "vaaa" || seen[8] != "...." {
		t.Errorf("taken back as %v", seen)
	}
	if err := o.admit(testPeer(), now); err != nil {
		t.Errorf("a new peer in peace: %v", err)
	}
}

// TestSheddingManyAtOnce sheds a share at a time, not one after the other.
func TestSheddingManyAtOnce(t *testing.T) {
	o := crowd(100)
	steps := 0
	for now := time.Now(); o.level < 100; steps++ {
		now = now.Add(watchInterval)
		o.step(now, true)
	}
	if steps > 40 {
		t.Errorf("all video was shed after %d steps", steps)
	}
}

// TestSheddingManyComeBack takes a share back at a time: after one bad second nobody of a hundred is without video for minutes.
func TestSheddingManyComeBack(t *testing.T) {
	o := crowd(100)
	now := time.Now()
	for range 8 {
		now = now.Add(watchInterval)
		o.step(now, true)
	}
	for end := now.Add(time.Minute); o.level > 0; {
		if now = now.Add(watchInterval); now.After(end) {
			t.Fatalf("%d of 100 are still shed after a minute", o.level)
		}
		o.step(now, false)
	}
}

// TestSheddingDoesNotSwing waits longer each time that taking back was too early.
func TestSheddingDoesNotSwing(t *testing.T) {
	o := crowd(10)
	now := time.Now()
	changes := 0
	for range 5 * 60 * 10 { // five minutes
		now = now.Add(watchInterval)
		before := o.level
		o.step(now, o.level < 3) // seven can be carried
		if o.level != before {
			changes++
		}
	}
	if changes > 30 {
		t.Errorf("the load was changed %d times in five minutes", changes)
	}
}

// TestShedPeersLeave keeps the count true.
func TestShedPeersLeave(t *testing.T) {
	o := crowd(3)
	for range 3 {
		o.step(time.Now(), true)
	}
	for len(o.peers) > 0 {
		o.forget(o.peers[0])
	}
	if o.level != 0 || o.reduced() != 0 {
		t.Errorf("level %d with nobody left", o.level)
	}
	o.forget(testPeer())
}

// TestShedPacket carries no video of a peer that is shed, goes on authenticating now and then, and begins again
// without asking for what was not looked at.
func TestShedPacket(t *testing.T) {
	e := testRig(t, 1)
	slot := (*e.track.slots.Load())[0]
	at := time.Now()
	e.packet.Payload[0], e.packet.Payload[1] = 0x10, 0 // a VP8 keyframe begins
	sent := func() uint64 { return slot.peer.forwardedPackets.Load() }
	send := func() {
		at = at.Add(time.Millisecond)
		e.send(at)
	}
	send()
	before := sent()
	shed := func(level int, until time.Time) {
		o := &e.publisher.engine.overload
		o.mu.Lock()
		defer o.mu.Unlock()
		o.level, o.trouble = level, until
		o.apply()
	}
	shed(1, time.Now().Add(time.Hour))
	for range 70_000 { // SRTP's numbers go round
		send()
	}
	if n := sent() - before; n != 0 {
		t.Errorf("%d packets of a shed peer were forwarded", n)
	}
	shed(0, time.Time{})
	send()
	send()
	if n := sent() - before; n != 2 {
		t.Errorf("%d packets were forwarded after, want 2", n)
	}
	if n := len(e.publisher.receiver.live[0].missing.list); n > 0 {
		t.Errorf("%d packets are asked for that were shed", n)
	}
	c := e.publisher.counts()
	if c.Lost != 0 || c.Shed < 69_000 || e.publisher.receiver.forged != 0 {
		t.Errorf("lost %d, shed %d, forged %d", c.Lost, c.Shed, e.publisher.receiver.forged)
	}
}
