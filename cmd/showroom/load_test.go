package main

import (
	"os"
	"testing"
	"time"

	"showroom/cmd/showroom/load"
)

// TestLoad measures the whole program with the product's own tool, briefly: everybody gets in and everything asked for is reported.
func TestLoad(t *testing.T) {
	p := start(t, "demo")
	r, err := load.Run(t.Context(), load.Options{
		URL: p.url, Key: p.key, Scenarios: []string{"calls", "viewers", "churn"}, Calls: 1, Viewers: 2, Duration: time.Second, VideoKbps: 300, PID: os.Getpid(),
		Saturate: "viewers", Most: 1, Step: time.Second, MaxDelay: time.Minute, JoinRate: 1, Churn: 8,
	}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if r.FailedInTotal != 0 || len(r.Scenarios) != 2 {
		t.Errorf("%d peers failed in %d scenarios, want none in two: %+v", r.FailedInTotal, len(r.Scenarios), r)
	}
	for _, f := range r.Scenarios {
		if f.ForwardedPackets == 0 || f.JoinMillis.Values == 0 || f.Process == nil || f.Process.ResidentBytes == 0 {
			t.Errorf("%s reports nothing: %+v", f.Scenario, f)
		}
	}
	if c := r.Churn; c == nil || c.Joins != 8 || c.JoinMillis.Values != 4 || c.Flat == nil || c.Samples[0].Goroutines <= 0 {
		t.Errorf("churn: %+v", c)
	}
}
