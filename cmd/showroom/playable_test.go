package main

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestPlayableAfterHangUp takes the time from the end of a call until both files can be played whole, of two calls or as many as
// SHOWROOM_HANGUPS says.
func TestPlayableAfterHangUp(t *testing.T) {
	t.Parallel()
	count, err := strconv.Atoi(cmp.Or(os.Getenv("SHOWROOM_HANGUPS"), "2"))
	if err != nil {
		t.Fatalf("SHOWROOM_HANGUPS: %v", err)
	}
	p := start(t, "demo")
	var took []time.Duration
	for range count {
		c := p.schedule()
		seller, buyer := p.call(c)
		seller.gets(time.Second)
		began := time.Now()
		seller.send("end", nil)
		for p.recordingState(c.ID) != "ready" {
			time.Sleep(time.Millisecond) // there is no event to wait for on the far side of HTTP
			if time.Since(began) > within {
				t.Fatalf("the recording is %s", p.recordingState(c.ID))
			}
		}
		took = append(took, time.Since(began))
		for _, n := range []*native{seller, buyer} {
			n.close()
		}
		if files := p.recording(c.ID); len(files) != 2 {
			t.Errorf("%d files can be played", len(files))
		}
	}
	slices.Sort(took)
	at := func(q float64) time.Duration { return took[int(q*float64(len(took)-1))].Round(time.Millisecond) }
	t.Logf("%d calls: playable after p50 %v, p99 %v, at worst %v", count, at(0.5), at(0.99), at(1))
}
