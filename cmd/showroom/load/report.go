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
	URL           string      `json:"url"`
	Started       time.Time   `json:"started"`
	Cores         int         `json:"cores"`
	VideoKbps     int         `json:"video_kbps"`
	Recorded      bool        `json:"recorded"`
	PID           int         `json:"pid,omitempty"`
	IdleResident  int64       `json:"idle_resident_bytes,omitempty"` // before the first participant
	IdleAnonymous int64       `json:"idle_anonymous_bytes,omitempty"`
	Notes         []string    `json:"notes,omitempty"`
	Scenarios     []Figures   `json:"scenarios"`
	Saturation    *Saturation `json:"saturation,omitempty"`
	Joins         *Joins      `json:"joins,omitempty"`
	Churn         *Churn      `json:"churn,omitempty"`
	SRTPProfile   string      `json:"srtp_profile"`
	FailedInTotal int         `json:"failed"` // peers, in all scenarios
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
	Damaged              uint64          `json:"damaged"`  // of the sample that is decrypted: not what was sent
	ToolCPUPercent       float64         `json:"tool_cpu_percent"`
	ToolMicrosPerPacket  float64         `json:"tool_us_per_packet"`
	ToolDropped          uint64          `json:"tool_dropped"` // forwarded, but this tool was too late to read them; counted as lost, too
	Failures             []Failure       `json:"failures,omitempty"`
}

// ProcessFigures are of the server's process.
type ProcessFigures struct {
	CPUMicrosPerPacket      float64 `json:"cpu_us_per_packet"`
	CPUPercent              float64 `json:"cpu_percent"`
	ResidentBytes           int64   `json:"resident_bytes"`
	ResidentPerParticipant  int64   `json:"resident_bytes_per_participant"` // beyond idle
	AnonymousBytes          int64   `json:"anonymous_bytes"`                // without mapped files: program and database
	AnonymousPerParticipant int64   `json:"anonymous_bytes_per_participant"`
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
	if len(r.Scenarios) > 0 {
		table(&b, r.Scenarios)
	}
	r.Saturation.write(&b)
	r.Joins.write(&b)
	r.Churn.write(&b)
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

func (q Quantiles) String() string {
	if q.Values == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f / %.0f", q.P50, q.P99)
}
