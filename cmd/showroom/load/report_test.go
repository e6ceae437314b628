package load

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReportText(t *testing.T) {
	r := Report{
		URL: "http://localhost:8080", Cores: 2, VideoKbps: 1500, PID: 77, IdleResident: 20 << 20, IdleAnonymous: 6 << 20, SRTPProfile: "AES-128-GCM",
		Notes: []string{"A note."},
		Scenarios: []Figures{
			{
				Scenario: "10 calls 1:1", Participants: 20, PacketsPerSecond: 4600.4, MegabitPerSecond: 31.72,
				Process:    &ProcessFigures{CPUMicrosPerPacket: 12.34, CPUPercent: 5.6, ResidentBytes: 40 << 20, AnonymousBytes: 16 << 20},
				JoinMillis: Quantiles{24, 59, 10}, DelayMicros: Quantiles{476, 1234, 1e6}, Lost: 1, LostPercent: 0.0012, Recovered: 3,
				KeyframesAsked: 2, NotSent: 5, ToolCPUPercent: 12,
			},
			{Scenario: "1 → 40 viewers", Failures: []Failure{{"room is full", 9}, {"late", 1}}},
		},
	}
	best := Figures{Scenario: "800 viewers", Participants: 820, PacketsPerSecond: 180_000}
	half := Figures{Scenario: "half of it", Participants: 410, PacketsPerSecond: 90_000}
	broke := Figures{Scenario: "920 viewers", Participants: 943, PacketsPerSecond: 190_000, LostPercent: 2}
	r.Saturation = &Saturation{Of: "viewers", Limit: limitLoss, Best: &best, Half: &half, Steps: []Figures{best, broke}}
	r.Joins = &Joins{PerSecond: 10, Joins: 200, JoinMillis: Quantiles{12, 30, 100}, Burst: &Burst{
		Joins: 500, Served: 480, Seconds: 2.5, JoinMillis: Quantiles{300, 900, 480},
		Refused: []Failure{{"error: too_many", 15}}, Failures: []Failure{{"late", 5}}, Before: &half, During: &broke,
	}}
	r.Churn = &Churn{Joins: 200, PerSecond: 90, JoinMillis: Quantiles{10, 20, 100}, Samples: []ChurnSample{
		{Goroutines: -1, Files: 12, Resident: 30 << 20, Anonymous: 20 << 20}, {Joins: 200, Goroutines: -1, Files: 60, Resident: 31 << 20, Anonymous: 21 << 20},
	}}
	r.Churn.judge()
	r.conclude()
	var out bytes.Buffer
	if err := r.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/report.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Error(diff)
	}
	if r.FailedInTotal != 15 || r.Scenarios[0].Process.ResidentPerParticipant != 1<<20 {
		t.Errorf("%+v", r)
	}
}

func TestSortedFailures(t *testing.T) {
	got := sorted(map[string]int{"b": 1, "a": 1, "c": 7})
	want := []Failure{{"c", 7}, {"a", 1}, {"b", 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestProgressLine(t *testing.T) {
	f := Figures{Participants: 3, PacketsPerSecond: 99.6}
	if got := f.line(); got != "3 peers, 100 packets/s" {
		t.Errorf("got %q", got)
	}
	f.Process, f.Lost = &ProcessFigures{CPUPercent: 7, CPUMicrosPerPacket: 1.25}, 2
	if got := f.line(); !strings.HasSuffix(got, ", server 7 % of a core, 1.2 µs a packet, 2 lost") {
		t.Errorf("got %q", got)
	}
}
