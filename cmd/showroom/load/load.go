package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
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
	x := &run{options: o, tell: tell, stage: &stage{api: api, record: o.Record, length: o.longest()}}
	if err := api.call(ctx, http.MethodGet, "/me", nil, nil); err != nil {
		return r, err
	}
	local, err := localAddress(o.URL)
	if err != nil {
		return r, err
	}
	x.place = &place{local: local}
	if x.crew, err = newCrew(); err != nil {
		return r, err
	}
	defer x.crew.close()
	var note string
	if x.server, note, err = serverProcess(o); err != nil {
		return r, err
	}
	if note != "" {
		r.Notes = append(r.Notes, note)
		tell("%s", note)
	}
	if x.server != nil {
		r.PID = x.server.pid
		idle, err := x.server.memory()
		if err != nil {
			return r, err
		}
		r.IdleResident, r.IdleAnonymous = idle.resident, idle.anonymous
	}
	if err := x.play(ctx, &r); err != nil {
		return r, err
	}
	r.conclude()
	return r, nil
}

// run is what the scenarios of one run share.
type run struct {
	options Options
	stage   *stage
	crew    *crew
	place   *place
	server  *process // nil: not measured
	tell    func(string, ...any)
}

func (x *run) scenario(name string) *scenario {
	return &scenario{
		name: name, options: x.options, stage: x.stage, crew: x.crew, place: x.place, server: x.server, tell: x.tell, failed: map[string]int{},
	}
}

// play runs the scenarios that were chosen, one after the other.
func (x *run) play(ctx context.Context, r *Report) error {
	for _, play := range []struct {
		word string
		run  func(context.Context, *Report) error
	}{
		{scenarioCalls, x.calls}, {scenarioViewers, x.viewers}, {scenarioSaturation, x.saturation}, {scenarioJoins, x.joins}, {scenarioChurn, x.churn},
	} {
		if x.options.plays(play.word) {
			if err := play.run(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *run) calls(ctx context.Context, r *Report) error {
	s := x.scenario(plural(x.options.Calls, "call", "calls") + " 1:1")
	return s.report(ctx, r, s.calls)
}

func (x *run) viewers(ctx context.Context, r *Report) error {
	s := x.scenario("1 → " + plural(x.options.Viewers, "viewer", "viewers"))
	return s.report(ctx, r, s.broadcast)
}

// report plays the scenario and adds its figures.
func (s *scenario) report(ctx context.Context, r *Report, fill func(context.Context) error) error {
	s.tell("%s: joining", s.name)
	f, err := s.run(ctx, fill)
	if err != nil {
		return err
	}
	r.Scenarios = append(r.Scenarios, f)
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
	if r.Joins != nil {
		r.FailedInTotal += total(r.Joins.Failures)
		if b := r.Joins.Burst; b != nil {
			r.FailedInTotal += total(b.Failures)
			for _, f := range []*Figures{b.Before, b.During} {
				if f != nil {
					r.finish(f)
				}
			}
		}
	}
	if r.Churn != nil {
		r.FailedInTotal += total(r.Churn.Failures)
	}
	for i := range r.Scenarios {
		r.FailedInTotal += total(r.Scenarios[i].Failures)
		r.finish(&r.Scenarios[i])
	}
	if s := r.Saturation; s != nil {
		for i := range s.Steps {
			r.finish(&s.Steps[i])
		}
		for _, f := range []*Figures{s.Best, s.Half} {
			if f != nil {
				r.finish(f)
			}
		}
	}
}

// finish fills in what follows from the figures and the rest.
func (r *Report) finish(f *Figures) {
	if f.Process != nil && f.Participants > 0 {
		f.Process.ResidentPerParticipant = (f.Process.ResidentBytes - r.IdleResident) / int64(f.Participants)
		f.Process.AnonymousPerParticipant = (f.Process.AnonymousBytes - r.IdleAnonymous) / int64(f.Participants)
	}
	if f.NotSent > 0 || f.ToolDropped > 0 {
		note := fmt.Sprintf("%s: this tool was too late for %d frames and audio packets, and to read %d packets: the machine was full, and the figures are of less than was asked for.",
			f.Scenario, f.NotSent, f.ToolDropped)
		if !slices.Contains(r.Notes, note) { // the best step is among the steps
			r.Notes = append(r.Notes, note)
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
