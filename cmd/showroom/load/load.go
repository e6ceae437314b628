package load

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"time"
)

// toolGC is this process's garbage collection target, percent: it has memory to spare and the server wants the cores.
const toolGC = 400

// Run measures a server and prints what it found to out: progress and a table, or JSON alone. Peers that fail are part of
// the report; the error says that there is none.
func Run(ctx context.Context, o Options, out io.Writer) (Report, error) {
	if err := o.check(); err != nil {
		return Report{}, err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(toolGC))
	r, err := measure(ctx, o, teller(o, out))
	if err != nil {
		return r, fmt.Errorf("load: %w", err)
	}
	if o.JSON {
		return r, r.WriteJSON(out)
	}
	return r, r.WriteText(out)
}

// teller prints progress, with the time since the start.
func teller(o Options, out io.Writer) func(string, ...any) {
	start := time.Now()
	return func(format string, args ...any) {
		if !o.JSON {
			fmt.Fprintf(out, "%4.0fs  %s\n", time.Since(start).Seconds(), fmt.Sprintf(format, args...))
		}
	}
}

func measure(ctx context.Context, o Options, tell func(string, ...any)) (Report, error) {
	r := Report{URL: o.URL, Started: time.Now().UTC(), Cores: runtime.NumCPU(), VideoKbps: o.VideoKbps, Recorded: o.Record, SRTPProfile: "AES-128-GCM"}
	api := newAPI(o.URL, o.Key)
	defer api.close()
	joins := o.Ramp * time.Duration(max(2*o.Calls, o.Viewers))
	stage := &stage{api: api, record: o.Record, length: o.Duration + 2*joins}
	if err := stage.open(ctx, o.Calls); err != nil {
		return r, err
	}
	local, err := localAddress(o.URL)
	if err != nil {
		return r, err
	}
	server, note, err := serverProcess(o)
	if err != nil {
		return r, err
	}
	if note != "" {
		r.Notes = append(r.Notes, note)
		tell("%s", note)
	}
	if server != nil {
		r.PID = server.pid
		if r.IdleResident, err = server.resident(); err != nil {
			return r, err
		}
	}
	if err := r.play(ctx, o, stage, local, server, tell); err != nil {
		return r, err
	}
	r.conclude()
	return r, nil
}

// play runs the scenarios one after the other.
func (r *Report) play(ctx context.Context, o Options, stage *stage, local net.IP, server *process, tell func(string, ...any)) error {
	for _, play := range []struct {
		name string
		size int
		fill func(*scenario, context.Context) error
	}{
		{plural(o.Calls, "call", "calls") + " 1:1", o.Calls, (*scenario).calls},
		{"1 → " + plural(o.Viewers, "viewer", "viewers"), o.Viewers, (*scenario).broadcast},
	} {
		if play.size == 0 {
			continue
		}
		tell("%s: joining", play.name)
		s := &scenario{name: play.name, options: o, stage: stage, local: local, server: server, tell: tell, failed: map[string]int{}}
		f, err := s.run(ctx, func(ctx context.Context) error { return play.fill(s, ctx) })
		if err != nil {
			return err
		}
		r.Scenarios = append(r.Scenarios, f)
	}
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// conclude fills in what follows from the rest.
func (r *Report) conclude() {
	for _, f := range r.Scenarios {
		r.FailedInTotal += f.failed()
		if f.Process != nil && f.Participants > 0 {
			f.Process.ResidentPerParticipant = (f.Process.ResidentBytes - r.IdleResident) / int64(f.Participants)
		}
		if f.NotSent > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf(
				"%s: this tool was too late for %d frames and audio packets: the machine was full, and the figures are of less than was asked for.", f.Scenario, f.NotSent))
		}
	}
}

// serverProcess finds the process to measure; nil and a note if there is none to be seen from here.
func serverProcess(o Options) (*process, string, error) {
	const proc, without = "/proc", "The server's CPU and memory are not measured: "
	if o.PID != 0 {
		p := newProcess(proc, o.PID)
		if _, err := p.cpu(); err != nil {
			return nil, "", fmt.Errorf("--pid: %w", err)
		}
		return p, "", nil
	}
	port, local, err := portOf(o.URL)
	if err != nil {
		return nil, "", err
	}
	if !local {
		return nil, without + "it is another machine. Run this there, or beside it with --pid.", nil
	}
	pid, err := findListener(proc, port)
	if err != nil {
		return nil, without + err.Error(), nil
	}
	return newProcess(proc, pid), "", nil
}
