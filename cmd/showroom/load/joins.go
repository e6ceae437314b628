package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	joinStay    = 3 * time.Second  // how long those who joined stay, at most
	burstWithin = time.Second      // all of a burst come
	burstEnd    = 20 * time.Second // who has no media then has failed
	prepared    = 4                // conferences made at once
)

// Joins is how long joining takes: at a steady rate, and when very many come at once.
type Joins struct {
	PerSecond  int       `json:"per_second"`
	Joins      int       `json:"joins"`   // buyers and sellers
	JoinMillis Quantiles `json:"join_ms"` // of the buyers, to whom somebody publishes
	Failures   []Failure `json:"failures,omitempty"`
	Burst      *Burst    `json:"burst,omitempty"`
}

// Burst is many joins within one second, while calls run.
type Burst struct {
	Joins      int       `json:"joins"`
	Served     int       `json:"served"`  // got media
	Alone      int       `json:"alone"`   // got in, but who was to come did not
	Refused    []Failure `json:"refused"` // by the server's code
	Failures   []Failure `json:"failures,omitempty"`
	Seconds    float64   `json:"seconds"` // from the first socket to the last who was served or refused
	JoinMillis Quantiles `json:"join_ms"` // of those served; both of a call come at once, so each waits for the slower
	Before     *Figures  `json:"before"`  // of the running calls; null if there were none
	During     *Figures  `json:"during"`
}

// joins plays both.
func (x *run) joins(ctx context.Context, r *Report) error {
	found := &Joins{PerSecond: x.options.JoinRate}
	s := x.scenario(plural(x.options.JoinRate, "join", "joins") + " a second")
	if err := s.play(ctx, func(ctx context.Context) error { return s.steadily(ctx, found) }); err != nil {
		return err
	}
	r.Joins = found
	if x.options.Burst < 2 {
		return nil
	}
	running := x.scenario("calls beside the burst")
	return running.play(ctx, func(ctx context.Context) error {
		if x.options.Calls > 0 {
			x.tell("burst: %s join first", plural(x.options.Calls, "call", "calls"))
			if err := running.calls(ctx); err != nil {
				return err
			}
			if err := running.settle(ctx); err != nil {
				return err
			}
		}
		crowd := x.scenario("burst")
		return crowd.play(ctx, func(ctx context.Context) error {
			var err error
			found.Burst, err = crowd.burst(ctx, running)
			return err
		})
	})
}

// prepare makes conferences.
func (s *scenario) prepare(ctx context.Context, n int) ([]tokens, error) {
	all := make([]tokens, n)
	var work []func() error
	for i := range all {
		work = append(work, func() (err error) {
			all[i], err = s.stage.conference(ctx, fmt.Sprintf("Load test, %s, call %d", s.name, i+1), 0)
			return err
		})
	}
	return all, atOnce(prepared, work)
}

// steadily joins sellers and buyers in turn. Each sends sound only and stays for a while.
func (s *scenario) steadily(ctx context.Context, found *Joins) error {
	every := time.Second / time.Duration(s.options.JoinRate)
	calls, err := s.prepare(ctx, max(1, int(s.options.Duration/every/2)))
	if err != nil {
		return err
	}
	s.tell("%s: %d calls begin", s.name, len(calls))
	var wg sync.WaitGroup
	defer wg.Wait()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var joins histogram
	var mu sync.Mutex
	for i := range 2 * len(calls) {
		t := calls[i/2]
		wg.Go(func() {
			s.visit(ctx, t, i%2 == 1, func(d time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				joins.add(d)
			})
		})
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	wg.Wait()
	found.Joins, found.JoinMillis, found.Failures = 2*len(calls), quantiles(&joins, time.Millisecond), sorted(s.failures())
	s.tell("%s: %s ms to the first packet, p50 / p99", s.name, found.JoinMillis)
	return ctx.Err()
}

// visit is one who joins, gets media, stays and leaves. Buyers tell how long it took.
func (s *scenario) visit(ctx context.Context, t tokens, buyer bool, took func(time.Duration)) {
	with := settings{token: t.seller, name: "seller", publishes: true, soundOnly: true}
	if buyer {
		with.token, with.name = t.buyer, "buyer"
	}
	p := s.join(ctx, with)
	if p == nil {
		return
	}
	s.await(ctx, p, nil, joinTimeout)
	if d := p.joinTime(); buyer && d > 0 {
		took(d)
	}
	if pause(ctx, min(joinStay, s.options.Duration)) == nil && p.failure() == nil {
		s.leave([]*peer{p})
	}
}

// await media; who gets none within the time has failed. Nobody waits for an other who has failed.
func (s *scenario) await(ctx context.Context, p, other *peer, within time.Duration) {
	var alone <-chan struct{}
	if other != nil {
		alone = other.ended
	}
	select {
	case <-p.flowing:
	case <-p.ended:
	case <-alone:
	case <-ctx.Done():
	case <-time.After(within):
		p.fail(fmt.Errorf("media: no packet came within %v", within))
	}
}

// burst has many join within a second, and looks at the running calls meanwhile.
func (s *scenario) burst(ctx context.Context, running *scenario) (*Burst, error) {
	s.tell("burst: conferences for %d are made", s.options.Burst)
	calls, err := s.prepare(ctx, s.options.Burst/2)
	if err != nil {
		return nil, err
	}
	b := &Burst{Joins: 2 * len(calls)}
	var before sample
	if s.options.Calls > 0 {
		f, err := running.measure(ctx, max(time.Second, s.options.Step))
		if err != nil {
			return nil, err
		}
		f.Scenario = "calls before"
		b.Before = &f
		if before, err = running.sample(); err != nil {
			return nil, err
		}
	}
	s.tell("burst: %d join", b.Joins)
	begin := time.Now()
	ended := s.flood(ctx, calls)
	b.Seconds = ended.Sub(begin).Seconds()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.options.Calls > 0 {
		if err := pause(ctx, time.Second); err != nil { // what was lost is seen when the next packet comes
			return nil, err
		}
		f, err := running.since(before)
		if err != nil {
			return nil, err
		}
		f.Scenario = "calls meanwhile"
		b.During = &f
	}
	s.judge(b)
	s.tell("burst: %d of %d were served in %.1f s, %d refused, %d alone, %d failed", b.Served, b.Joins, b.Seconds, total(b.Refused), b.Alone, total(b.Failures))
	return b, nil
}

// flood joins everybody within a second and gives the time at which it was decided of the last one.
func (s *scenario) flood(ctx context.Context, calls []tokens) time.Time {
	var wg sync.WaitGroup
	begin := time.Now()
	for i, t := range calls {
		if pause(ctx, time.Until(begin.Add(burstWithin*time.Duration(i)/time.Duration(len(calls))))) != nil {
			break
		}
		wg.Go(func() { s.meet(ctx, t) })
	}
	wg.Wait()
	return time.Now()
}

// meet is a seller and a buyer who come in the same moment.
func (s *scenario) meet(ctx context.Context, t tokens) {
	var seller, buyer *peer
	var wg sync.WaitGroup
	with := func(token string) settings {
		return settings{token: token, name: "one of the burst", publishes: true, soundOnly: true}
	}
	wg.Go(func() { seller = s.join(ctx, with(t.seller)) })
	buyer = s.join(ctx, with(t.buyer))
	wg.Wait()
	for _, of := range [][2]*peer{{seller, buyer}, {buyer, seller}} {
		if of[0] != nil && of[1] != nil {
			s.await(ctx, of[0], of[1], burstEnd)
		}
	}
}

// judge sorts those of a burst: served, refused by the server's word, failed.
func (s *scenario) judge(b *Burst) {
	var joins histogram
	no, failed := map[string]int{}, maps.Clone(s.failed) // nobody joins now
	for _, p := range s.live() {
		word, err := new(refused), p.failure()
		switch {
		case errors.As(err, &word):
			no[word.how+": "+word.code]++
		case err != nil:
			failed[err.Error()]++
		case p.joinTime() == 0:
			b.Alone++
		default:
			b.Served++
			joins.add(p.joinTime())
		}
	}
	for reason := range failed {
		if slices.ContainsFunc(politeReasons, func(polite string) bool { return polite == reason }) {
			no[reason] += failed[reason]
			delete(failed, reason)
		}
	}
	b.Refused, b.Failures, b.JoinMillis = sorted(no), sorted(failed), quantiles(&joins, time.Millisecond)
}

// politeReasons are answers to the opening of a socket that tell a client to come back.
var politeReasons = []string{
	"socket: the server answered: 429 Too Many Requests", "socket: the server answered: 503 Service Unavailable",
}

func total(all []Failure) (n int) {
	for _, f := range all {
		n += f.Peers
	}
	return n
}
