package load

import (
	"errors"
	"testing"
	"time"
)

func TestNextSize(t *testing.T) {
	for _, test := range []struct {
		size int
		busy float64
		want int
	}{{40, 3, 80}, {40, 29, 80}, {40, 30, 56}, {40, 60, 46}, {1, 90, 2}, {1, -1, 2}, {100, -1, 140}} {
		if got := nextSize(test.size, test.busy); got != test.want {
			t.Errorf("after %d at %.0f %%: %d, want %d", test.size, test.busy, got, test.want)
		}
	}
}

func TestPacketsPerSecond(t *testing.T) {
	for kbps, want := range map[int]float64{30: 50 + 30, 600: 50 + 30*3, 1500: 50 + 30*6} {
		if got := packetsPerSecond(kbps); got != want {
			t.Errorf("%d kbit/s: %v packets, want %v", kbps, got, want)
		}
	}
}

func TestLimit(t *testing.T) {
	s := &scenario{options: Options{MaxDelay: 50 * time.Millisecond, VideoKbps: 1500}}
	p := newTestPeer()
	p.stream(1)
	p.stream(2)
	s.peers = []*peer{p}
	for want, test := range map[string]struct {
		f    Figures
		busy float64
	}{
		"":            {f: Figures{PacketsPerSecond: 230}, busy: 90},
		limitTool:     {f: Figures{PacketsPerSecond: 230, NotSent: 1}, busy: 99},
		limitLoss:     {f: Figures{PacketsPerSecond: 230, LostPercent: 0.2}},
		limitDelay:    {f: Figures{PacketsPerSecond: 230, DelayMicros: Quantiles{P99: 51_000}}},
		limitDelivery: {f: Figures{PacketsPerSecond: 200}},
		limitRefused:  {f: Figures{PacketsPerSecond: 200, Failures: []Failure{{"error: unavailable", 1}}}},
		limitCPU:      {f: Figures{PacketsPerSecond: 230}, busy: 98},
	} {
		if got := s.limit(test.f, test.busy); got != want {
			t.Errorf("%+v: %q, want %q", test, got, want)
		}
		if want != "" && limitText[want] == "" {
			t.Errorf("no words for %s", want)
		}
	}
}

func TestAtOnce(t *testing.T) {
	wrong, done := errors.New("wrong"), 0
	work := []func() error{func() error { done++; return nil }, func() error { return wrong }, func() error { done++; return nil }}
	if err := atOnce(1, work); !errors.Is(err, wrong) || done != 1 {
		t.Errorf("%v, %d done", err, done)
	}
	if err := atOnce(3, work[:1]); err != nil || done != 2 {
		t.Errorf("%v, %d done", err, done)
	}
}
