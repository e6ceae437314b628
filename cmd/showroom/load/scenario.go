package load

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	joinTimeout = 15 * time.Second // from the last join until media is there
	warmUp      = time.Second      // the keyframes of the joins are over
)

// scenario is a set of peers that are measured together.
type scenario struct {
	name    string
	options Options
	stage   *stage
	crew    *crew
	place   *place
	server  *process // nil: not measured
	tell    func(format string, args ...any)
	delays  delays

	mu      sync.Mutex
	peers   []*peer        // never changed, but replaced
	joiners []*peer        // came when the other side was publishing: their joins are timed
	failed  map[string]int // reasons of those that are no peers
}

// live are the peers of now.
func (s *scenario) live() []*peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers
}

// play lets act join peers, and has them all leave afterwards.
func (s *scenario) play(ctx context.Context, act func(context.Context) error) error {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { reporter(s.live, stop) })
	defer func() {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), joinTimeout)
		defer cancel()
		s.stage.clear(cleanup)
		close(stop)
		wg.Wait()
		s.leave(s.live())
	}()
	return act(ctx)
}

// leave has peers go, all at once.
func (s *scenario) leave(peers []*peer) {
	s.mu.Lock()
	s.peers = slices.DeleteFunc(slices.Clone(s.peers), func(p *peer) bool { return slices.Contains(peers, p) })
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range peers {
		wg.Go(func() { _ = p.close() }) // its socket may be closed already
	}
	wg.Wait()
}

// run plays the scenario and measures it. fill joins the peers.
func (s *scenario) run(ctx context.Context, fill func(context.Context) error) (f Figures, err error) {
	err = s.play(ctx, func(ctx context.Context) error {
		if err := fill(ctx); err != nil {
			return err
		}
		if err := s.settle(ctx); err != nil {
			return err
		}
		f, err = s.measure(ctx, s.options.Duration)
		return err
	})
	return f, err
}

// measure what happens from now on.
func (s *scenario) measure(ctx context.Context, length time.Duration) (Figures, error) {
	s.delays.forget()
	before, err := s.sample()
	if err != nil {
		return Figures{}, err
	}
	if err := s.watch(ctx, before, length); err != nil {
		return Figures{}, err
	}
	return s.since(before)
}

// since measures from a sample on.
func (s *scenario) since(before sample) (Figures, error) {
	after, err := s.sample()
	if err != nil {
		return Figures{}, err
	}
	return s.figures(before, after, s.delays.forget()), nil
}

// calls joins the peers of 1:1 calls.
func (s *scenario) calls(ctx context.Context) error {
	n := s.options.Calls
	for i := range n {
		if err := s.call(ctx, fmt.Sprintf("call %d of %d", i+1, n), (float64(i)+0.5)/float64(n)); err != nil {
			return err
		}
		if err := pause(ctx, s.options.Ramp); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// call joins the two of one. The buyer comes once the seller publishes.
func (s *scenario) call(ctx context.Context, name string, phase float64) error {
	t, err := s.stage.conference(ctx, "Load test, "+name, 0)
	if err != nil {
		return err
	}
	seller := s.join(ctx, settings{token: t.seller, name: "seller of " + name, publishes: true, phase: phase})
	if s.wait(ctx, seller) {
		s.joined(s.join(ctx, settings{token: t.buyer, name: "buyer of " + name, publishes: true, phase: math.Mod(phase+0.5, 1)}))
	}
	return ctx.Err()
}

// broadcast joins one publisher and its viewers, the first of whom is the buyer.
func (s *scenario) broadcast(ctx context.Context) error {
	return s.room(ctx, s.options.Viewers)
}

// room is one publisher and its viewers.
func (s *scenario) room(ctx context.Context, viewers int) error {
	t, err := s.stage.conference(ctx, fmt.Sprintf("Load test, %d viewers", viewers), viewers-1)
	if err != nil {
		return err
	}
	seller := s.join(ctx, settings{token: t.seller, name: "seller", publishes: true, phase: rand.Float64()})
	if !s.wait(ctx, seller) {
		return ctx.Err()
	}
	for i, token := range slices.Concat([]string{t.buyer}, t.guests) {
		s.joined(s.join(ctx, settings{token: token, name: fmt.Sprintf("viewer %d", i+1)}))
		if err := pause(ctx, s.options.Ramp); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// join adds a peer; nil if its socket could not be opened.
func (s *scenario) join(ctx context.Context, with settings) *peer {
	with.url, with.local, with.kbps = s.options.URL, s.place.next(), s.options.VideoKbps
	with.consents = s.options.Record
	p, err := join(ctx, s.crew, with, &s.delays)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed[err.Error()]++
		return nil
	}
	s.peers = append(slices.Clip(s.peers), p)
	return p
}

// joined has a peer's join timed.
func (s *scenario) joined(p *peer) {
	if p == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joiners = append(s.joiners, p)
}

// timed are those whose joins are timed.
func (s *scenario) timed() []*peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.joiners)
}

// wait until a publisher can be seen; false if it never will.
func (s *scenario) wait(ctx context.Context, p *peer) bool {
	if p == nil {
		return false
	}
	select {
	case <-p.connected:
		return true
	case <-p.ended:
	case <-time.After(joinTimeout):
		p.fail(fmt.Errorf("media: not connected after %v", joinTimeout))
	case <-ctx.Done():
	}
	return false
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle waits until media reaches everybody who joined. Who gets none has failed.
func (s *scenario) settle(ctx context.Context) error {
	deadline := time.After(joinTimeout)
	joiners := s.timed()
	for _, p := range joiners {
		select {
		case <-p.flowing:
		case <-p.ended:
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			for _, p := range joiners {
				if p.first.Load() == 0 {
					p.fail(fmt.Errorf("media: no packet came within %v", joinTimeout))
				}
			}
			deadline = nil
		}
	}
	if !slices.ContainsFunc(joiners, func(p *peer) bool { return p.failure() == nil }) {
		return fmt.Errorf("%s: nobody got into a call: %s", s.name, s.reasons())
	}
	return pause(ctx, warmUp)
}

// watch lets the time of measuring pass and tells how it goes.
func (s *scenario) watch(ctx context.Context, before sample, length time.Duration) error {
	end := time.After(length)
	ticker := time.NewTicker(max(time.Second, length/5))
	defer ticker.Stop()
	for {
		select {
		case <-end:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			now, err := s.sample()
			if err != nil {
				return err
			}
			s.tell("%s: %s", s.name, s.figures(before, now, &histogram{}).line())
		}
	}
}

// failures counts the reasons of all who failed.
func (s *scenario) failures() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	reasons := maps.Clone(s.failed)
	for _, p := range s.peers {
		if err := p.failure(); err != nil {
			reasons[err.Error()]++
		}
	}
	return reasons
}

func (s *scenario) reasons() string {
	var all []string
	for _, f := range sorted(s.failures()) {
		all = append(all, fmt.Sprintf("%s (%d×)", f.Reason, f.Peers))
	}
	return strings.Join(all, "; ")
}

// present are the peers that are in the call.
func (s *scenario) present() (n int) {
	for _, p := range s.live() {
		if p.failure() == nil {
			n++
		}
	}
	return n
}
