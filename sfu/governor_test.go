package sfu

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestGovernor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := make(chan time.Duration, 1000)
		var sent []time.Duration
		drain := func() {
			synctest.Wait()
			for sent = nil; len(requests) > 0; {
				sent = append(sent, <-requests)
			}
		}
		start := time.Now()
		g := newGovernor(func() { requests <- time.Since(start) })
		defer g.stop()
		for range 100 { // unanswered: one goes out, the rest waits for its answer
			g.request()
		}
		time.Sleep(30 * time.Millisecond)
		g.arrived() // and is answered
		g.request() // a joiner waits until a browser would listen, and no longer
		time.Sleep(290 * time.Millisecond)
		g.arrived()
		g.request() // the third waits for the rate, too
		if drain(); len(sent) != 2 || sent[1] != keyframeSpacing {
			t.Fatalf("sent at %v", sent)
		}
		time.Sleep(400 * time.Millisecond) // deferred, not lost
		if drain(); len(sent) != 1 || sent[0] < 499*time.Millisecond || sent[0] > 700*time.Millisecond {
			t.Fatalf("sent at %v", sent)
		}
		g.arrived()
		for range 6000 { // a storm of a minute that is always answered
			g.request()
			time.Sleep(10 * time.Millisecond)
			g.arrived()
		}
		if drain(); len(sent) > 122 || len(sent) < 110 {
			t.Fatalf("%d requests in a minute", len(sent))
		}
		g.request()
		drain()
		g.stop()
		g.request()
		time.Sleep(time.Minute)
		if drain(); len(sent) > 0 {
			t.Fatal("a stopped governor sends")
		}
	})
}

func TestGovernorRepeatsWhenUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int32
		g := newGovernor(func() { n.Add(1) })
		defer g.stop()
		g.request() // somebody has no picture, and says so once
		for _, c := range []struct {
			after time.Duration
			want  int32
		}{{499 * time.Millisecond, 1}, {2 * time.Millisecond, 2}, {990 * time.Millisecond, 2}, {20 * time.Millisecond, 3}, {time.Minute, 18}} {
			time.Sleep(c.after)
			synctest.Wait()
			if n.Load() != c.want {
				t.Fatalf("%d requests, want %d after %v more", n.Load(), c.want, c.after)
			}
		}
		g.request()
		synctest.Wait()
		sent := n.Load()
		g.arrived()
		time.Sleep(time.Minute)
		synctest.Wait()
		if n.Load() != sent {
			t.Fatalf("%d requests after the answer", n.Load()-sent)
		}
	})
}
