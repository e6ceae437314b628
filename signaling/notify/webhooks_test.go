package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"showroom/call"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shelf is a log and webhooks in memory.
type shelf struct {
	mu       sync.Mutex
	events   []call.Event
	hooks    map[string]call.Webhook
	attempts []call.Attempt
	appended chan struct{}
	changed  chan struct{}
}

func newShelf() *shelf {
	return &shelf{hooks: map[string]call.Webhook{}, appended: make(chan struct{}), changed: make(chan struct{})}
}

// add appends events of a stream.
func (s *shelf) add(stream string, bodies ...call.Body) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range bodies {
		s.events = append(s.events, call.Event{Seq: uint64(len(s.events) + 1), Stream: stream, At: time.Now().UTC(), Actor: call.System, Body: b})
	}
	close(s.appended)
	s.appended = make(chan struct{})
}

func (s *shelf) Events(_ context.Context, after uint64, limit int) ([]call.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := s.events[min(int(after), len(s.events)):]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

func (s *shelf) StreamEvents(_ context.Context, stream string, after uint64, limit int) (found []call.Event, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Seq > after && (e.Stream == stream || call.LaneOf(e) == stream) && len(found) < limit {
			found = append(found, e)
		}
	}
	return found, nil
}

func (s *shelf) Appended() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.appended
}

func (s *shelf) WebhooksChanged() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *shelf) Webhooks(context.Context) (all []call.Webhook, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.hooks {
		all = append(all, w)
	}
	return all, nil
}

func (s *shelf) Delivered(_ context.Context, w call.Webhook, attempts []call.Attempt) (call.Webhook, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, ok := s.hooks[w.ID]
	if !ok {
		return now, call.ErrNotFound
	}
	if now.Generation == w.Generation {
		now.Progress = w.Progress
	}
	s.attempts = append(s.attempts, attempts...)
	s.hooks[w.ID] = now
	return now, nil
}

// change is what the store's ChangeWebhook does.
func (s *shelf) change(id string, change func(call.Webhook) call.Webhook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := change(s.hooks[id])
	w.Generation++
	s.hooks[id] = w
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *shelf) hook(id string) call.Webhook {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hooks[id]
}

func (s *shelf) subscribe(id, url string, events ...string) {
	w, err := call.AddWebhook(id, call.Endpoint{URL: url, Events: events}, bytes.Repeat([]byte(id[:1]), 32), 0, true, time.Now())
	if err != nil {
		panic(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks[id] = w
	close(s.changed)
	s.changed = make(chan struct{})
}

// crm receives deliveries without a network, as fast as time allows.
type crm struct {
	mu     sync.Mutex
	answer func(d delivery) int // an HTTP status, or 0 for a broken connection
	took   []delivery
	tries  int
}

func (c *crm) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var d struct {
		delivery
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries++
	status := c.answer(d.delivery)
	if status == 0 {
		return nil, fmt.Errorf("connection refused")
	}
	if status < 300 {
		c.took = append(c.took, d.delivery)
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader("thank you")), Request: r}, nil
}

// seqs are the events taken of a stream, in order.
func (c *crm) seqs(stream string) (seqs []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, d := range c.took {
		if stream == "" || d.Stream == stream {
			seqs = append(seqs, d.Seq)
		}
	}
	return seqs
}

func (c *crm) attempts() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tries
}

// day runs the webhooks of a shelf in a bubble of fake time.
func day(t *testing.T, s *shelf, c *crm, during func()) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.appended, s.changed = make(chan struct{}), make(chan struct{}) // of the bubble
		ctx, cancel := context.WithCancel(t.Context())
		w := &Webhooks{Log: s, Hooks: s, Client: &http.Client{Transport: c}, Logger: slog.New(slog.DiscardHandler), Now: time.Now}
		var wg sync.WaitGroup
		wg.Go(func() { w.Run(ctx) })
		during()
		cancel()
		wg.Wait()
	})
}

func wait(d time.Duration) {
	time.Sleep(d) // in the bubble
	synctest.Wait()
}

func up(delivery) int   { return 200 }
func down(delivery) int { return 0 }

// TestDownForAnHour: a receiver that was down for an hour has everything ten minutes later, in order and once.
func TestDownForAnHour(t *testing.T) {
	s, c := newShelf(), &crm{answer: up}
	day(t, s, c, func() {
		s.subscribe("hook_a", "https://crm.example/", "*")
		s.add("conf_1", call.New{}, call.Standby{})
		wait(time.Second)
		c.answer = down
		began := time.Now()
		for i := 0; time.Since(began) < time.Hour; i++ { // a call a minute
			s.add(fmt.Sprint("conf_", i%50), call.New{}, call.Standby{}, call.Ongoing{})
			wait(time.Minute)
		}
		if n := c.attempts(); n > 200 {
			t.Errorf("%d attempts in an hour at a receiver that is down", n)
		}
		c.answer = up
		s.add("conf_after", call.New{})
		wait(10 * time.Minute)
		everything(t, s, c)
		if w := s.hook("hook_a"); w.Failures != 0 || len(w.Lanes) != 0 {
			t.Errorf("afterwards %+v", w.Progress)
		}
	})
}

// everything holds that all events were taken once, those of each stream in their order.
func everything(t *testing.T, s *shelf, c *crm) {
	t.Helper()
	all := c.seqs("")
	last := map[string]uint64{}
	c.mu.Lock()
	for _, d := range c.took {
		if d.Seq <= last[d.Stream] {
			t.Errorf("%s: %d came after %d", d.Stream, d.Seq, last[d.Stream])
		}
		last[d.Stream] = d.Seq
	}
	c.mu.Unlock()
	slices.Sort(all)
	if len(slices.Compact(slices.Clone(all))) != len(s.events) || len(all) != len(s.events) {
		t.Errorf("%d deliveries of %d events", len(all), len(s.events))
	}
}

// TestOneCallInTrouble: an event that a receiver cannot take holds up its own call only, for a day, and until somebody resumes.
func TestOneCallInTrouble(t *testing.T) {
	s, c := newShelf(), &crm{}
	c.answer = func(d delivery) int {
		if d.Stream == "conf_bad" {
			return 500
		}
		return 200
	}
	day(t, s, c, func() {
		s.subscribe("hook_a", "https://crm.example/", "*")
		for i := range 30 {
			s.add("conf_bad", call.New{}, call.Standby{})
			s.add(fmt.Sprint("conf_", i), call.New{}, call.Standby{})
			wait(time.Hour)
		}
		if got := len(c.seqs("")); got != 60 {
			t.Errorf("%d events of the other calls were taken, want 60", got)
		}
		w := s.hook("hook_a")
		if lane := w.Lanes["conf_bad"]; lane.Seq != 1 || !lane.Held || !w.SetAsideAt.IsZero() {
			t.Errorf("the bad call: %+v, set aside at %s", lane, w.SetAsideAt)
		}
		before := c.attempts()
		wait(48 * time.Hour)
		if c.attempts() != before {
			t.Error("a held call was tried again by itself")
		}
		c.answer = up
		s.change("hook_a", func(w call.Webhook) call.Webhook { w.Progress = w.Resume(time.Now()); return w })
		wait(time.Minute)
		everything(t, s, c)
	})
}

// TestSetAside: nothing taken for a day, or 410, ends the deliveries until somebody resumes; then nothing is missing.
func TestSetAside(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		after  time.Duration
	}{"down": {0, 25 * time.Hour}, "gone": {http.StatusGone, time.Second}} {
		t.Run(name, func(t *testing.T) {
			s, r := newShelf(), &crm{answer: func(delivery) int { return c.status }}
			day(t, s, r, func() {
				s.subscribe("hook_a", "https://crm.example/", "*")
				for i := range 100 {
					s.add(fmt.Sprint("conf_", i), call.New{}, call.Standby{})
				}
				wait(c.after)
				w := s.hook("hook_a")
				if w.SetAsideAt.IsZero() || w.SetAside == "" {
					t.Fatalf("not set aside: %+v", w.Progress)
				}
				tries := r.attempts()
				r.answer = up
				s.add("conf_new", call.New{})
				wait(72 * time.Hour)
				if r.attempts() != tries {
					t.Error("a webhook that is set aside was tried")
				}
				s.change("hook_a", func(w call.Webhook) call.Webhook { w.Progress = w.Resume(time.Now()); return w })
				wait(time.Minute)
				everything(t, s, r)
			})
		})
	}
}

// TestRedeliver: from any event on, everything comes again; what is not subscribed to never comes; a removed webhook is left alone.
func TestRedeliver(t *testing.T) {
	s, c := newShelf(), &crm{answer: up}
	day(t, s, c, func() {
		s.subscribe("hook_a", "https://crm.example/", "call.*", "accepted")
		s.add("conf_1", call.New{}, call.Accepted{}, call.Knocked{}, call.Ongoing{}, call.Finished{})
		s.add("sell_1", call.Reserved{Conference: "conf_1"})
		wait(time.Second)
		if got := fmt.Sprint(c.seqs("")); got != "[1 2 4 5]" {
			t.Errorf("delivered %s", got)
		}
		s.change("hook_a", func(w call.Webhook) call.Webhook { w.Progress = w.Redeliver(2, time.Now()); return w })
		wait(time.Second)
		if got := fmt.Sprint(c.seqs("")); got != "[1 2 4 5 4 5]" {
			t.Errorf("delivered again: %s", got)
		}
		s.mu.Lock()
		delete(s.hooks, "hook_a")
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
		wait(time.Second)
		s.add("conf_1", call.New{})
		wait(time.Hour)
		if len(c.seqs("")) != 6 {
			t.Error("a removed webhook was told")
		}
	})
}

// TestRestart: another process goes on where the first one stopped, with what waited.
func TestRestart(t *testing.T) {
	s, c := newShelf(), &crm{answer: up}
	day(t, s, c, func() {
		s.subscribe("hook_a", "https://crm.example/", "*")
		s.add("conf_1", call.New{})
		wait(time.Second)
		c.answer = down
		s.add("conf_2", call.New{}, call.Standby{})
		wait(time.Second)
	})
	c.answer = up
	day(t, s, c, func() {
		wait(10 * time.Minute)
		everything(t, s, c)
	})
}
