package load

import (
	"fmt"
	"strings"
)

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
	{"the same without mapped files", ofProcess(func(p *ProcessFigures) string { return fmt.Sprintf("%.0f", float64(p.AnonymousPerParticipant)/1024) })},
	{"join to first packet, ms, p50 / p99", func(f Figures) string { return f.JoinMillis.String() }},
	{"delay, µs, p50 / p99", func(f Figures) string { return f.DelayMicros.String() }},
	{"lost, %", func(f Figures) string { return fmt.Sprintf("%.3f", f.LostPercent) }},
	{"recovered by retransmission", func(f Figures) string { return fmt.Sprint(f.Recovered) }},
	{"keyframes asked of publishers", func(f Figures) string { return fmt.Sprint(f.KeyframesAsked) }},
	{"damaged, of 1/16 looked into", func(f Figures) string { return fmt.Sprint(f.Damaged) }},
	{"this tool's CPU, % of one core", func(f Figures) string { return fmt.Sprintf("%.0f", f.ToolCPUPercent) }},
	{"this tool's CPU, µs a packet", func(f Figures) string { return fmt.Sprintf("%.1f", f.ToolMicrosPerPacket) }},
	{"failed peers", func(f Figures) string { return fmt.Sprint(total(f.Failures)) }},
}

func ofProcess(cell func(*ProcessFigures) string) func(Figures) string {
	return func(f Figures) string {
		if f.Process == nil {
			return "–"
		}
		return cell(f.Process)
	}
}

// table has a column for each of the figures, and says what failed.
func table(b *strings.Builder, all []Figures) {
	for _, row := range rows {
		fmt.Fprintf(b, "%-36s", row.name)
		for _, f := range all {
			fmt.Fprintf(b, " %20s", row.cell(f))
		}
		b.WriteByte('\n')
	}
	for _, f := range all {
		failures(b, f.Scenario, f.Failures)
	}
}

func failures(b *strings.Builder, what string, all []Failure) {
	for _, failure := range all {
		fmt.Fprintf(b, "%s: %d failed: %s\n", what, failure.Peers, failure.Reason)
	}
}

// write tells of the best step and of half of it.
func (s *Saturation) write(b *strings.Builder) {
	if s == nil {
		return
	}
	if s.Best == nil {
		fmt.Fprintf(b, "\nsaturation by %s: already at %s %s\n", s.Of, s.Steps[0].Scenario, limitText[s.Limit])
		table(b, s.Steps[:1])
		return
	}
	fmt.Fprintf(b, "\nsaturation by %s: %.0f packets/s at the most; after %d steps %s\n", s.Of, s.Best.PacketsPerSecond, len(s.Steps), limitText[s.Limit])
	columns := []Figures{*s.Best}
	if s.Half != nil {
		columns = append(columns, *s.Half)
	}
	if last := s.Steps[len(s.Steps)-1]; last.Participants != s.Best.Participants {
		columns = append(columns, last)
	}
	table(b, columns)
}

func (j *Joins) write(b *strings.Builder) {
	if j == nil {
		return
	}
	fmt.Fprintf(b, "\n%d joins a second, %d in all: %s ms to the first packet, p50 / p99\n", j.PerSecond, j.Joins, j.JoinMillis)
	failures(b, "joins", j.Failures)
	burst := j.Burst
	if burst == nil {
		return
	}
	fmt.Fprintf(b, "\n%d joins in one second: %d served (%s ms, p50 / p99), %d refused, %d alone, %d failed; all was decided after %.1f s\n",
		burst.Joins, burst.Served, burst.JoinMillis, total(burst.Refused), burst.Alone, total(burst.Failures), burst.Seconds)
	for _, no := range burst.Refused {
		fmt.Fprintf(b, "refused %d: %s\n", no.Peers, no.Reason)
	}
	failures(b, "burst", burst.Failures)
	if burst.Before != nil && burst.During != nil {
		table(b, []Figures{*burst.Before, *burst.During})
	}
}

func (c *Churn) write(b *strings.Builder) {
	if c == nil {
		return
	}
	verdict := "not known whether it is flat: the server's process is not measured"
	if c.Flat != nil && *c.Flat {
		verdict = "flat"
	} else if c.Flat != nil {
		verdict = "it grew: " + strings.Join(c.Growth, "; ")
	}
	fmt.Fprintf(b, "\n%d joins and leaves, %.0f a second, %s ms to the first packet (p50 / p99): %s\n", c.Joins, c.PerSecond, c.JoinMillis, verdict)
	failures(b, "churn", c.Failures)
	fmt.Fprintf(b, "%10s %12s %10s %14s %15s\n", "joins", "goroutines", "files", "resident, MiB", "anonymous, MiB")
	for _, s := range c.Samples {
		fmt.Fprintf(b, "%10d %12s %10s %14s %15s\n", s.Joins, known(int64(s.Goroutines), 1, "%.0f"), known(int64(s.Files), 1, "%.0f"),
			known(s.Resident, 1<<20, "%.1f"), known(s.Anonymous, 1<<20, "%.1f"))
	}
}

// known is the value, if it is.
func known(n int64, unit float64, form string) string {
	if n < 0 {
		return "–"
	}
	return fmt.Sprintf(form, float64(n)/unit)
}
