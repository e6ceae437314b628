package sfu

import (
	"testing"
	"time"
)

func TestLimiter(t *testing.T) {
	c := Config{}.withDefaults()
	var l limiter
	bytes := uint64(0)
	second := func(rate, estimate uint64, loss float64) float64 {
		bytes += rate / 8
		l.measure(bytes, time.Second)
		l.update(estimate, loss, l.rate, &c)
		return l.limit
	}
	for i := range uint64(20) { // a still picture: the estimate is low, but rises
		if got := second(40_000, 60_000+i*100, 0); got != 5_000_000 {
			t.Fatalf("a publisher with little to send is limited to %.0f", got)
		}
	}
	for range 5 { // and then a lot, of which the estimate knows nothing yet
		if got := second(1_500_000, 100_000, 0); got != 5_000_000 {
			t.Fatalf("a publisher that has more to send is limited to %.0f", got)
		}
	}
	second(1_500_000, 1_600_000, 0)
	if got := second(1_500_000, 900_000, 0); got != 900_000 {
		t.Errorf("the estimate fell to 900,000, the limit is %.0f", got)
	}
	if got := second(900_000, 950_000, 0); got < 950_000 || got > 1_200_000 {
		t.Errorf("after the overuse the limit is %.0f", got)
	}
	if got := second(900_000, 0, 0.3); got != 765_000 {
		t.Errorf("with 30 %% loss of 900,000 the limit is %.0f", got)
	}
	if got := second(900_000, 1, 0); got != 100_000 {
		t.Errorf("with an estimate of 1 the limit is %.0f", got)
	}
	for n := 1; ; n++ {
		if second(100_000, 0, 0) == 5_000_000 {
			break
		}
		if n > 30 {
			t.Fatalf("after %d s without congestion the limit is %.0f", n, l.limit)
		}
	}
}

// TestLimiterShares wants one estimate for two slots to be shared as they use it.
func TestLimiterShares(t *testing.T) {
	c := Config{}.withDefaults()
	a, b := limiter{rate: 900_000, estimate: 2_000_000}, limiter{rate: 300_000, estimate: 2_000_000}
	for _, l := range []*limiter{&a, &b} {
		l.update(800_000, 0, 1_200_000, &c)
	}
	if a.limit != 600_000 || b.limit != 200_000 {
		t.Errorf("800,000 is shared as %.0f and %.0f", a.limit, b.limit)
	}
}
