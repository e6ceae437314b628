package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"showroom/call"
)

const (
	sendsAtOnce   = 8
	urgentSends   = 2 // of them, that are kept for what cannot wait
	sendTimeout   = 15 * time.Second
	firstSendWait = 5 * time.Second // after a failure; doubled with each
	lastSendWait  = 10 * time.Minute
	excerptReason = 200 // bytes of what a channel says
)

// address is a message on a channel.
type address struct{ conference, message, channel string }

// errand is a delivery that is to be made. Outbox.mu guards all of it.
type errand struct {
	urgent  bool
	until   time.Time // of the message
	due     time.Time
	running bool
	tries   int // that failed
	err     error
}

// Try is how a delivery that is not settled stands.
type Try struct {
	Channel  string
	Failures int
	Err      error     // of the last try
	Next     time.Time // zero while one is under way
}

// Tries are the unsettled deliveries of a message that have failed at least once.
func (o *Outbox) Tries(conference, message string) (tries []Try) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, c := range o.channels {
		e := o.errands[address{conference, message, c.Name()}]
		if e == nil || e.tries == 0 {
			continue
		}
		t := Try{Channel: c.Name(), Failures: e.tries, Err: e.err}
		if !e.running {
			t.Next = e.due
		}
		tries = append(tries, t)
	}
	return tries
}

// Waiting is how many deliveries are to be made, and how many of them failed the last time.
func (o *Outbox) Waiting() (all, failing int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.errands {
		if e.err != nil {
			failing++
		}
	}
	return len(o.errands), failing
}

// send makes the deliveries that the log asks for until ctx is done, and returns when none is under way.
func (o *Outbox) send(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	done := make(chan struct{}, 1)
	after, loaded := uint64(0), false
	for ctx.Err() == nil {
		appended := o.store.Appended()
		var err error
		if !loaded {
			after, err = o.load(ctx)
			loaded = err == nil
		} else {
			after, err = o.read(ctx, after)
		}
		wait := o.start(ctx, &wg, done)
		if err != nil {
			wait = retryStore
			if ctx.Err() == nil {
				o.log.Error("read messages", "err", err)
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-appended:
		case <-done:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// load takes up what the last process left, and says where the log goes on.
func (o *Outbox) load(ctx context.Context) (head uint64, err error) {
	if head, err = o.store.Head(ctx); err != nil {
		return 0, err
	}
	ids, err := o.store.OpenMessages(ctx)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		c, err := o.store.Case(ctx, id)
		if err != nil {
			return 0, err
		}
		for _, m := range c.Conference.Open() {
			for _, d := range m.Deliveries {
				if d.State == call.DeliveryQueued {
					o.add(address{id, m.ID, d.Channel}, m.Kind, m.Until)
				}
			}
		}
	}
	return head, nil
}

// read takes up what is new in the log.
func (o *Outbox) read(ctx context.Context, after uint64) (uint64, error) {
	for {
		events, err := o.store.Events(ctx, after, batch)
		if err != nil || len(events) == 0 {
			return after, err
		}
		for _, e := range events {
			after = e.Seq
			if q, ok := e.Body.(call.Queued); ok {
				for _, channel := range q.Channels {
					o.add(address{e.Stream, q.Message, channel}, q.Kind, q.Until)
				}
			}
		}
	}
}

func (o *Outbox) add(a address, kind call.Kind, until time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.errands[a] == nil {
		o.errands[a] = &errand{urgent: kind == call.KindWaiting, until: until, due: o.now()}
	}
}

// start begins what is due, as far as there is room, and says when to look again.
func (o *Outbox) start(ctx context.Context, wg *sync.WaitGroup, done chan<- struct{}) (wait time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now, running := o.now(), 0
	var due []address
	wait = longestWait
	for a, e := range o.errands {
		switch left := e.due.Sub(now); {
		case e.running:
			running++
		case left <= 0:
			due = append(due, a)
		default:
			wait = min(wait, left)
		}
	}
	slices.SortFunc(due, func(x, y address) int {
		a, b := o.errands[x], o.errands[y]
		if a.urgent != b.urgent {
			if a.urgent {
				return -1
			}
			return 1
		}
		return cmp.Or(a.due.Compare(b.due), strings.Compare(x.conference, y.conference), strings.Compare(x.message, y.message))
	})
	for _, a := range due {
		e, limit := o.errands[a], sendsAtOnce
		if !e.urgent {
			limit -= urgentSends
		}
		if running >= limit {
			break
		}
		running++
		e.running = true
		failure := e.err
		wg.Go(func() {
			o.put(a, o.serve(ctx, a, failure))
			select {
			case done <- struct{}{}:
			default:
			}
		})
	}
	return wait
}

// put takes note of a try: an errand without an error is done with.
func (o *Outbox) put(a address, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e := o.errands[a]
	if err == nil {
		delete(o.errands, a)
		return
	}
	wait := lastSendWait
	if e.tries < 10 {
		wait = min(firstSendWait<<e.tries, lastSendWait)
	}
	now := o.now()
	e.running, e.err, e.due = false, err, now.Add(wait-time.Duration(rand.Int64N(int64(wait)/5)))
	if e.until.After(now) && e.due.After(e.until) {
		e.due = e.until
	}
	e.tries++
}

// serve makes one try and has the log say what became of it, unless it is to be made again. What has begun when ctx ends is finished.
func (o *Outbox) serve(ctx context.Context, a address, failure error) error {
	sending := context.WithoutCancel(ctx)
	c, err := o.store.Case(sending, a.conference)
	if errors.Is(err, call.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	m, known := c.Conference.Messages[a.message]
	if !known || !slices.ContainsFunc(m.Deliveries, func(d call.Delivery) bool { return d.Channel == a.channel && d.State == call.DeliveryQueued }) {
		return nil
	}
	outcome, err := o.try(sending, c, m, a, failure)
	if err != nil {
		o.log.Warn("message not sent", "call", a.conference, "message", a.message, "channel", a.channel, "err", err)
		return err
	}
	for { // not to be sent again because it could not be written down
		_, _, err := o.store.Apply(sending, a.conference, call.Settle(a.message, a.channel, outcome))
		switch {
		case err == nil:
			o.log.Info(outcome.Type(), "call", a.conference, "message", a.message, "channel", a.channel, "reason", reasonIn(outcome))
			return nil
		case errors.Is(err, call.ErrNotFound): // erased meanwhile
			return nil
		}
		o.log.Error("outcome of a message", "call", a.conference, "message", a.message, "channel", a.channel, "outcome", outcome.Type(), "err", err)
		select {
		case <-time.After(retryStore):
		case <-ctx.Done():
			return err
		}
	}
}

// try is what became of a message on a channel; an error is one after which it may be tried again.
func (o *Outbox) try(ctx context.Context, c call.Case, m call.Message, a address, failure error) (call.Body, error) {
	failed := func(reason string) (call.Body, error) {
		return call.Unsent{Message: m.ID, Channel: a.channel, Reason: reason}, nil
	}
	i := slices.IndexFunc(o.channels, func(c Channel) bool { return c.Name() == a.channel })
	switch {
	case i < 0:
		return failed("this server has the channel no longer")
	case !c.Conference.Stands(m):
		return call.Skipped{Message: m.ID, Channel: a.channel, Reason: call.ReasonOvertaken}, nil
	case !o.now().Before(m.Until) && failure != nil:
		return failed(failure.Error())
	case !o.now().Before(m.Until):
		return failed("the server was not running while it was worth sending")
	}
	message, err := o.writer.Write(c, m)
	if err != nil {
		return failed(err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	err = o.channels[i].Send(ctx, message)
	reason := withoutAddresses(err, message.To)
	switch {
	case err == nil:
		return call.Sent{Message: m.ID, Channel: a.channel}, nil
	case errors.Is(err, ErrNoAddress):
		return call.Skipped{Message: m.ID, Channel: a.channel, Reason: reason}, nil
	case isPermanent(err):
		return failed(reason)
	}
	return nil, errors.New(reason)
}

func reasonIn(outcome call.Body) string {
	switch o := outcome.(type) {
	case call.Skipped:
		return o.Reason
	case call.Unsent:
		return o.Reason
	}
	return ""
}

// withoutAddresses is the text of an error without the recipient's addresses, which the log must not keep.
func withoutAddresses(err error, to Recipient) string {
	text := fmt.Sprint(err)
	for _, secret := range []string{to.Email, to.Phone} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return strings.ToValidUTF8(text[:min(len(text), excerptReason)], "")
}
