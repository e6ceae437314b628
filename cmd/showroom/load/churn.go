package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	joinsOfLink  = 20 // of one link at once, as docs/protocol.md allows
	churnAtOnce  = 8  // calls
	churnSamples = 10
	churnPause   = time.Second     // of one who was refused
	churnRest    = 3 * time.Second // from the end of the conferences until the last sample, at most
)

// churnRooms is how many conferences a churn needs.
func churnRooms(joins int) int { return max(1, (joins+2*joinsOfLink-1)/(2*joinsOfLink)) }

// Churn is what is left of many who came and went.
type Churn struct {
	Joins      int           `json:"joins"`
	PerSecond  float64       `json:"per_second"`
	Failures   []Failure     `json:"failures,omitempty"`
	Flat       *bool         `json:"flat"`    // what was measured did not grow; null: nothing could be
	Growth     []string      `json:"growth"`  // what did
	Samples    []ChurnSample `json:"samples"` // before the first, as it goes, and after the last
	JoinMillis Quantiles     `json:"join_ms"`
}

// ChurnSample is what the server holds at a moment. −1: not known.
type ChurnSample struct {
	Joins      int   `json:"joins"`
	Present    bool  `json:"present"` // somebody is in a call
	Goroutines int   `json:"goroutines"`
	Files      int   `json:"files"` // descriptors
	Resident   int64 `json:"resident_bytes"`
	Anonymous  int64 `json:"anonymous_bytes"` // without mapped files, such as the database
}

// churn has calls begin and end.
func (x *run) churn(ctx context.Context, r *Report) error {
	s := x.scenario(fmt.Sprintf("churn of %d", x.options.Churn))
	found := &Churn{}
	if err := s.play(ctx, func(ctx context.Context) error { return s.comeAndGo(ctx, found) }); err != nil {
		return err
	}
	r.Churn = found
	return nil
}

func (s *scenario) comeAndGo(ctx context.Context, found *Churn) error {
	rooms, err := s.prepare(ctx, churnRooms(s.options.Churn))
	if err != nil {
		return err
	}
	look := func(joins int, present bool) {
		sample := s.look(ctx, joins, present)
		found.Samples = append(found.Samples, sample)
		s.tell("%s: %s", s.name, sample)
	}
	look(0, false)
	var (
		mu    sync.Mutex
		took  histogram
		begin = time.Now()
	)
	rounds := (s.options.Churn + 1) / 2
	var work []func() error
	for i := range rounds {
		work = append(work, func() error {
			d := s.visitBoth(ctx, rooms[i%len(rooms)])
			mu.Lock()
			defer mu.Unlock()
			found.Joins += 2
			if d > 0 {
				took.add(d)
			}
			if found.Joins/2%max(1, rounds/churnSamples) == 0 {
				look(found.Joins, true)
			}
			return ctx.Err()
		})
	}
	if err := atOnce(min(churnAtOnce, len(rooms)), work); err != nil {
		return err
	}
	found.PerSecond = float64(found.Joins) / time.Since(begin).Seconds()
	s.stage.clear(ctx) // a conference that is not over has a goroutine
	if err := pause(ctx, min(churnRest, s.options.Duration)); err != nil {
		return err
	}
	look(found.Joins, false)
	found.Failures, found.JoinMillis = sorted(s.failures()), quantiles(&took, time.Millisecond)
	found.judge()
	return nil
}

// visitBoth is a call that ends as soon as both have media. It gives the time of the buyer's join; 0: there was none.
func (s *scenario) visitBoth(ctx context.Context, t tokens) time.Duration {
	var both []*peer
	seller := s.join(ctx, settings{token: t.seller, name: "seller", publishes: true})
	if seller != nil {
		both = append(both, seller)
	}
	if s.wait(ctx, seller) {
		if buyer := s.join(ctx, settings{token: t.buyer, name: "buyer", publishes: true}); buyer != nil {
			both = append(both, buyer)
			s.await(ctx, buyer, seller, joinTimeout)
			s.await(ctx, seller, buyer, joinTimeout)
		}
	}
	var took time.Duration
	for _, p := range both {
		if err := p.failure(); err != nil {
			s.mu.Lock()
			s.failed[err.Error()]++
			s.mu.Unlock()
		} else if p != seller {
			took = p.joinTime()
		}
	}
	s.leave(both)
	if took == 0 {
		_ = pause(ctx, churnPause) // the caller looks whether ctx is over
	}
	return took
}

// look at the server.
func (s *scenario) look(ctx context.Context, joins int, present bool) ChurnSample {
	sample := ChurnSample{Joins: joins, Present: present, Goroutines: -1, Files: -1, Resident: -1, Anonymous: -1}
	if n, err := s.stage.api.goroutines(ctx); err == nil {
		sample.Goroutines = n
	}
	if s.server == nil {
		return sample
	}
	if n, err := s.server.files(); err == nil {
		sample.Files = n
	}
	if n, err := s.server.resident(); err == nil {
		sample.Resident = n
	}
	if n, err := s.server.anonymous(); err == nil {
		sample.Anonymous = n
	}
	return sample
}

func (s ChurnSample) String() string {
	text := fmt.Sprintf("%d joins", s.Joins)
	for _, n := range []struct {
		value float64
		form  string
	}{{float64(s.Goroutines), "%.0f goroutines"}, {float64(s.Files), "%.0f files"}, {float64(s.Anonymous) / (1 << 20), "%.1f MiB"}} {
		if n.value >= 0 {
			text += ", " + fmt.Sprintf(n.form, n.value)
		}
	}
	return text
}

// judge says what grew. Goroutines and files must be back where they were, but for a few that a server keeps in reserve.
// Memory comes to rest only after the first joins and is given back late: it must not be much more at the end than early on.
func (c *Churn) judge() {
	before, early, after := c.Samples[0], c.Samples[min(len(c.Samples)-1, 1+churnSamples/5)], c.Samples[len(c.Samples)-1]
	known := false
	grew := func(name string, then, now, most int64) {
		if then < 0 || now < 0 {
			return
		}
		known = true
		if now > most {
			c.Growth = append(c.Growth, fmt.Sprintf("%s: %d, then %d", name, then, now))
		}
	}
	const few = 20
	c.Growth = []string{}
	grew("goroutines", int64(before.Goroutines), int64(after.Goroutines), int64(before.Goroutines)+few)
	grew("files", int64(before.Files), int64(after.Files), int64(before.Files)+few)
	grew("anonymous_bytes", early.Anonymous, after.Anonymous, early.Anonymous+early.Anonymous/5+8<<20)
	if known {
		flat := len(c.Growth) == 0
		c.Flat = &flat
	}
}

var errNoMetric = errors.New("not told")

// goroutines reads the server's own figure at /metrics, if it has one.
func (a *api) goroutines(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(a.base, "/api/v1")+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+a.key)
	response, err := a.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, errNoMetric
	}
	const most = 8 << 20 // bytes of metrics
	return metric(io.LimitReader(response.Body, most), "go_goroutines")
}

// metric reads one without labels out of Prometheus' text format.
func metric(r io.Reader, name string) (int, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 || fields[0] != name {
			continue
		}
		n, err := strconv.ParseFloat(fields[1], 64)
		if err != nil || n < 0 || n > 1e9 {
			return 0, fmt.Errorf("metric %s: %q is no number", name, fields[1])
		}
		return int(n), nil
	}
	return 0, errNoMetric
}
