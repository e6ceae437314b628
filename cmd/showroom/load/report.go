package load

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Report is what a run found. Percentages of CPU are of one core.
type Report struct {
	URL           string    `json:"url"`
	Started       time.Time `json:"started"`
	Cores         int       `json:"cores"`
	VideoKbps     int       `json:"video_kbps"`
	Recorded      bool      `json:"recorded"`
	PID           int       `json:"pid,omitempty"`
	IdleResident  int64     `json:"idle_resident_bytes,omitempty"` // before the first participant
	Notes         []string  `json:"notes,omitempty"`
	Scenarios     []Figures `json:"scenarios"`
	SRTPProfile   string    `json:"srtp_profile"`
	FailedInTotal int       `json:"failed"` // peers, in all scenarios
}

// Figures of one scenario.
type Figures struct {
	Scenario             string          `json:"scenario"`
	Participants         int             `json:"participants"`
	Seconds              float64         `json:"seconds"`
	ForwardedPackets     uint64          `json:"forwarded_packets"`
	PacketsPerSecond     float64         `json:"packets_per_second"`
	MegabitPerSecond     float64         `json:"megabit_per_second"` // of RTP, forwarded
	Process              *ProcessFigures `json:"process,omitempty"`
	JoinMillis           Quantiles       `json:"join_ms"`  // socket open to first forwarded packet
	DelayMicros          Quantiles       `json:"delay_us"` // from one client's send to the other's decryption
	Lost                 uint64          `json:"lost"`
	LostPercent          float64         `json:"lost_percent"`
	Recovered            uint64          `json:"recovered"` // lost at first, and came again
	Retransmitted        uint64          `json:"retransmitted"`
	RetransmissionsAsked uint64          `json:"retransmissions_asked"`
	KeyframesAsked       uint64          `json:"keyframes_asked"`
	NotSent              uint64          `json:"not_sent"` // frames and audio packets for which this tool was too late
	ToolCPUPercent       float64         `json:"tool_cpu_percent"`
	Failures             []Failure       `json:"failures,omitempty"`
}

// ProcessFigures are of the server's process.
type ProcessFigures struct {
	CPUMicrosPerPacket     float64 `json:"cpu_us_per_packet"`
	CPUPercent             float64 `json:"cpu_percent"`
	ResidentBytes          int64   `json:"resident_bytes"`
	ResidentPerParticipant int64   `json:"resident_bytes_per_participant"` // beyond idle
}

// Quantiles of a number of values.
type Quantiles struct {
	P50    float64 `json:"p50"`
	P99    float64 `json:"p99"`
	Values uint64  `json:"values"`
}

// Failure is why peers did not stay in the call.
type Failure struct {
	Reason string `json:"reason"`
	Peers  int    `json:"peers"`
}

func sorted(reasons map[string]int) []Failure {
	var all []Failure
	for reason, n := range reasons {
		all = append(all, Failure{reason, n})
	}
	slices.SortFunc(all, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(b.Peers, a.Peers), strings.Compare(a.Reason, b.Reason))
	})
	return all
}

// line is for progress.
func (f Figures) line() string {
	text := fmt.Sprintf("%d peers, %.0f packets/s", f.Participants, f.PacketsPerSecond)
	if f.Process != nil {
		text += fmt.Sprintf(", server %.0f %% of a core, %.1f µs a packet", f.Process.CPUPercent, f.Process.CPUMicrosPerPacket)
	}
	if f.Lost > 0 {
		text += fmt.Sprintf(", %d lost", f.Lost)
	}
	return text
}

// WriteJSON writes the report for programs.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// WriteText writes the report for people.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s, %s, %d cores; %d kbit/s of VP8 and Opus, %s, recording %s\n\n",
		r.URL, r.process(), r.Cores, r.VideoKbps, r.SRTPProfile, map[bool]string{true: "on", false: "off"}[r.Recorded])
	for _, row := range rows {
		fmt.Fprintf(&b, "%-36s", row.name)
		for _, f := range r.Scenarios {
			fmt.Fprintf(&b, " %20s", row.cell(f))
		}
		b.WriteByte('\n')
	}
	for _, f := range r.Scenarios {
		for _, failure := range f.Failures {
			fmt.Fprintf(&b, "\n%s: %d failed: %s", f.Scenario, failure.Peers, failure.Reason)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\n%s", note)
	}
	b.WriteByte('\n')
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

func (r Report) process() string {
	if r.PID == 0 {
		return "process not measured"
	}
	return fmt.Sprintf("process %d, idle at %.1f MiB", r.PID, float64(r.IdleResident)/(1<<20))
}

// rows of the table.
var rows = []struct {
	name string
	cell func(Figures) string
}{
	{"", func(f Figures) string { return f.Scenario }},
	{"participants", func(f Figures) string { return fmt.Sprint(f.Participants) }},
	{"forwarded packets/s", func(f Figures) string { return fmt.Sprintf("%.0f", f.PacketsPerSecond) }},
	{"forwarded Mbit/s", func(f Figures) string { return fmt.Sprintf("%.1f", f.MegabitPerSecond) }},
	{"server CPU, µs a forwarded packet", ofProcess(func(p *ProcessFigures) string { return fmt.Sprintf("%.1f", p.CPUMicrosPerPacket) })},
	{"server CPU, % of one core", ofProcess(func(p *ProcessFigures) string { return fmt.Sprintf("%.0f", p.CPUPercent) })},
	{"memory, KiB a participant", ofProcess(func(p *ProcessFigures) string { return fmt.Sprintf("%.0f", float64(p.ResidentPerParticipant)/1024) })},
	{"join to first packet, ms, p50 / p99", func(f Figures) string { return f.JoinMillis.String() }},
	{"delay, µs, p50 / p99", func(f Figures) string { return f.DelayMicros.String() }},
	{"lost, %", func(f Figures) string { return fmt.Sprintf("%.3f", f.LostPercent) }},
	{"recovered by retransmission", func(f Figures) string { return fmt.Sprint(f.Recovered) }},
	{"keyframes asked of publishers", func(f Figures) string { return fmt.Sprint(f.KeyframesAsked) }},
	{"this tool's CPU, % of one core", func(f Figures) string { return fmt.Sprintf("%.0f", f.ToolCPUPercent) }},
	{"failed peers", func(f Figures) string { return fmt.Sprint(f.failed()) }},
}

func ofProcess(cell func(*ProcessFigures) string) func(Figures) string {
	return func(f Figures) string {
		if f.Process == nil {
			return "–"
		}
		return cell(f.Process)
	}
}

func (f Figures) failed() (n int) {
	for _, failure := range f.Failures {
		n += failure.Peers
	}
	return n
}

func (q Quantiles) String() string {
	if q.Values == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f / %.0f", q.P50, q.P99)
}
