package load

import (
	"context"
	"fmt"
	"maps"
	"net"
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
	local   net.IP
	server  *process // nil: not measured
	tell    func(format string, args ...any)

	mu      sync.Mutex
	peers   []*peer
	joiners []*peer        // came when the other side was publishing: their joins are timed
	failed  map[string]int // reasons of those that are no peers
}

// live are the peers so far.
func (s *scenario) live() []*peer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peers // only appended to
}

// run plays the scenario and measures it. fill joins the peers.
func (s *scenario) run(ctx context.Context, fill func(context.Context) error) (Figures, error) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { reporter(s.live, stop) })
	defer func() {
		cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), joinTimeout)
		defer cancel()
		s.stage.clear(cleanup)
		close(stop)
		wg.Wait()
		for _, p := range s.live() {
			wg.Go(func() { _ = p.close() }) // its socket may be closed already
		}
		wg.Wait()
	}()
	if err := fill(ctx); err != nil {
		return Figures{}, err
	}
	if err := s.settle(ctx); err != nil {
		return Figures{}, err
	}
	before, err := s.sample(true, nil)
	if err != nil {
		return Figures{}, err
	}
	if err := s.watch(ctx, before); err != nil {
		return Figures{}, err
	}
	delays := &histogram{}
	after, err := s.sample(false, delays)
	if err != nil {
		return Figures{}, err
	}
	return s.figures(before, after, delays), nil
}

// calls joins the peers of 1:1 calls. A buyer comes once the seller publishes.
func (s *scenario) calls(ctx context.Context) error {
	n := s.options.Calls
	for i := range n {
		t, err := s.stage.conference(ctx, fmt.Sprintf("Load test, call %d of %d", i+1, n), 0)
		if err != nil {
			return err
		}
		phase := float64(i) / float64(n)
		seller := s.join(ctx, settings{token: t.seller, name: fmt.Sprintf("seller %d", i+1), publishes: true, phase: phase})
		if !s.wait(ctx, seller) {
			continue
		}
		buyer := s.join(ctx, settings{token: t.buyer, name: fmt.Sprintf("buyer %d", i+1), publishes: true, phase: phase + 0.5/float64(n)})
		s.joined(buyer)
		if err := s.pause(ctx, s.options.Ramp); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// broadcast joins one publisher and its viewers, the first of whom is the buyer.
func (s *scenario) broadcast(ctx context.Context) error {
	n := s.options.Viewers
	t, err := s.stage.conference(ctx, fmt.Sprintf("Load test, %d viewers", n), n-1)
	if err != nil {
		return err
	}
	seller := s.join(ctx, settings{token: t.seller, name: "seller", publishes: true})
	if !s.wait(ctx, seller) {
		return ctx.Err()
	}
	for i, token := range slices.Concat([]string{t.buyer}, t.guests) {
		s.joined(s.join(ctx, settings{token: token, name: fmt.Sprintf("viewer %d", i+1)}))
		if err := s.pause(ctx, s.options.Ramp); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// join adds a peer; nil if its socket could not be opened.
func (s *scenario) join(ctx context.Context, with settings) *peer {
	with.url, with.local, with.kbps = s.options.URL, s.local, s.options.VideoKbps
	with.consents = s.options.Record
	p, err := join(ctx, with)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed[err.Error()]++
		return nil
	}
	s.peers = append(s.peers, p)
	return p
}

func (s *scenario) joined(p *peer) {
	if p != nil {
		s.joiners = append(s.joiners, p)
	}
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

func (s *scenario) pause(ctx context.Context, d time.Duration) error {
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
	for _, p := range s.joiners {
		select {
		case <-p.flowing:
		case <-p.ended:
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			for _, p := range s.joiners {
				if p.first.Load() == 0 {
					p.fail(fmt.Errorf("media: no packet came within %v", joinTimeout))
				}
			}
			deadline = nil
		}
	}
	if !slices.ContainsFunc(s.joiners, func(p *peer) bool { return p.failure() == nil }) {
		return fmt.Errorf("%s: nobody got into a call: %s", s.name, s.reasons())
	}
	return s.pause(ctx, warmUp)
}

// watch lets the time of measuring pass and tells how it goes.
func (s *scenario) watch(ctx context.Context, before sample) error {
	end := time.After(s.options.Duration)
	ticker := time.NewTicker(max(time.Second, s.options.Duration/5))
	defer ticker.Stop()
	for {
		select {
		case <-end:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			now, err := s.sample(false, nil)
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
