package notify

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"log/slog"
	"sync"
	"time"

	"showroom/call"
)

// Timers keeps when conferences are to be looked at.
type Timers interface {
	// Remind applies a rule and sets the conference's timer to what next says, in one transaction.
	Remind(ctx context.Context, conference string, rule call.Rule, next func(call.Case, time.Time) time.Time) (call.Case, error)
	// Timers are those behind one, the first first.
	Timers(ctx context.Context, after call.Timer, limit int) ([]call.Timer, error)
	TimersChanged() <-chan struct{}
	// Upcoming are the conferences of a seller that start after a time and have not taken place.
	Upcoming(ctx context.Context, seller string, after time.Time) ([]string, error)
}

// Messages keeps the messages of conferences.
type Messages interface {
	// OpenMessages are the conferences that have some which are to go out.
	OpenMessages(ctx context.Context) ([]string, error)
	Case(ctx context.Context, conference string) (call.Case, error)
	Apply(ctx context.Context, conference string, rule call.Rule) (call.Case, []call.Event, error)
	Head(ctx context.Context) (uint64, error)
}

// Store is what an [Outbox] needs of the store.
type Store interface {
	call.Source
	Timers
	Messages
}

// Outbox has people told what concerns them: it follows the log and the clock, queues what a rule of package call says is due, and sends what is queued.
type Outbox struct {
	store    Store
	channels []Channel
	policy   call.Policy
	writer   *Writer
	newLink  func() string
	log      *slog.Logger
	now      func() time.Time

	mu      sync.Mutex
	errands map[address]*errand
}

// NewOutbox makes an outbox that sends nothing before [Outbox.Run]. The policy's channels are those given. newLink makes ids of access links.
func NewOutbox(s Store, channels []Channel, p call.Policy, w *Writer, newLink func() string, log *slog.Logger, now func() time.Time) *Outbox {
	p.Channels = []string{}
	for _, c := range channels {
		p.Channels = append(p.Channels, c.Name())
	}
	return &Outbox{store: s, channels: channels, policy: p, writer: w, newLink: newLink, log: log, now: now, errands: map[address]*errand{}}
}

// Channels are the names of the channels.
func (o *Outbox) Channels() []string { return o.policy.Channels }

const (
	cursorName   = "messages"
	policyName   = "messages_policy" // a cursor that is no place in the log: the policy by which timers are set
	timersAtOnce = 100
	longestWait  = time.Minute   // for a timer: the machine's clock may be set meanwhile
	longestCall  = 8 * time.Hour // a conference that started before is no upcoming one
)

// Run tells people until ctx is done. What is being sent then is sent to its end.
func (o *Outbox) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	follower := &call.Follower{Name: cursorName, Source: o.store, Handle: o.handle, Log: o.log}
	wg.Go(func() { _ = follower.Run(ctx) }) // it ends with ctx
	wg.Go(func() {
		if follower.Insist(ctx, "change of the policy", func() error { return o.adopt(ctx) }) == nil {
			o.wakeUp(ctx)
		}
	})
	o.send(ctx)
}

// CaughtUp says whether what happened so far was looked at for what to tell.
func (o *Outbox) CaughtUp(ctx context.Context) (bool, error) {
	head, err := o.store.Head(ctx)
	if err != nil {
		return false, err
	}
	seen, err := o.store.Cursor(ctx, cursorName)
	return seen >= head, err
}

// handle looks at a conference whose event may give reason to tell somebody.
func (o *Outbox) handle(ctx context.Context, e call.Event) error {
	switch e.Body.(type) {
	case call.Scheduled, call.Rescheduled, call.Changed, call.Accepted, call.Declined, call.Cancelled, call.NoShow, call.WaitingForSeller:
		return o.decide(ctx, e.Stream)
	case call.SellerChanged:
		ids, err := o.store.Upcoming(ctx, e.Stream, o.now().Add(-longestCall))
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := o.decide(ctx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// decide queues what is due for a conference, and sets its timer.
func (o *Outbox) decide(ctx context.Context, conference string) error {
	_, err := o.store.Remind(ctx, conference, call.Notify(o.policy, o.newLink), func(c call.Case, now time.Time) time.Time { return c.NextNotice(o.policy, now) })
	if errors.Is(err, call.ErrNotFound) { // erased
		return nil
	}
	return err
}

// wakeUp looks at each conference at its time.
func (o *Outbox) wakeUp(ctx context.Context) {
	for ctx.Err() == nil {
		changed := o.store.TimersChanged()
		wait, err := o.ring(ctx)
		if err != nil {
			wait = retryStore
			if ctx.Err() == nil {
				o.log.Error("timers of messages", "err", err)
			}
		}
		select {
		case <-changed:
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// ring looks at the conferences whose time has come, and says how long until the next.
func (o *Outbox) ring(ctx context.Context) (wait time.Duration, err error) {
	timers, err := o.store.Timers(ctx, call.Timer{}, timersAtOnce)
	if err != nil {
		return 0, err
	}
	for _, t := range timers {
		if wait := t.At.Sub(o.now()); wait > 0 {
			return min(wait, longestWait), nil
		}
		if err := o.decide(ctx, t.Conference); err != nil {
			return 0, err
		}
	}
	if len(timers) < timersAtOnce {
		return longestWait, nil
	}
	return 0, nil
}

// adopt sets all timers anew when the policy is another one than that of the last process.
func (o *Outbox) adopt(ctx context.Context) error {
	text, err := json.Marshal(o.policy)
	if err != nil {
		return err
	}
	sum := fnv.New64a()
	_, _ = sum.Write(text) // never fails
	old, err := o.store.Cursor(ctx, policyName)
	if err != nil || old == sum.Sum64() {
		return err
	}
	for last := (call.Timer{}); ; {
		timers, err := o.store.Timers(ctx, last, timersAtOnce)
		if err != nil {
			return err
		}
		for _, last = range timers {
			if err := o.decide(ctx, last.Conference); err != nil {
				return err
			}
		}
		if len(timers) < timersAtOnce {
			return o.store.SetCursor(ctx, policyName, sum.Sum64())
		}
	}
}
