package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"showroom/call"
	"showroom/signaling/notify/push"
)

// Devices keeps where people can be pushed messages to.
type Devices interface {
	Devices(ctx context.Context, owner string) ([]call.Device, error)
	// RemoveDead forgets a device that was gone at a time, unless it was registered after that.
	RemoveDead(ctx context.Context, id string, since time.Time) error
}

// Push is the [Channel] to people's apps and browsers. A message is sent when every device of the recipient's has taken it, or never will.
type Push struct {
	devices Devices
	send    func(ctx context.Context, d call.Device, m push.Message) error
	log     *slog.Logger
	now     func() time.Time

	mu    sync.Mutex
	taken map[string]part // by message
}

// part is what is done of a message that not all devices have taken. It is not kept over a restart: then who took it already gets it again, in place
// of the first.
type part struct {
	until   time.Time
	devices map[string]bool
}

// NewPush makes a channel that sends by send, such as [push.Sender.Send].
func NewPush(devices Devices, send func(context.Context, call.Device, push.Message) error, log *slog.Logger, now func() time.Time) *Push {
	return &Push{devices: devices, send: send, log: log, now: now, taken: map[string]part{}}
}

// Name implements [Channel].
func (*Push) Name() string { return "push" }

// Send implements [Channel].
func (p *Push) Send(ctx context.Context, m Message) error {
	if m.To.Role == call.RoleColleague {
		return fmt.Errorf("%w: a colleague has no devices here", ErrNoAddress)
	}
	all, err := p.devices.Devices(ctx, m.To.ID)
	if err != nil && !errors.Is(err, call.ErrNotFound) { // erased
		return err
	}
	pushed := pushMessage(m)
	targets := push.Targets(all, pushed)
	done := p.partOf(m)
	var failures []*push.Error
	var wg sync.WaitGroup
	var mu sync.Mutex // guards what the devices' goroutines share
	for _, d := range slices.DeleteFunc(slices.Clone(targets), func(d call.Device) bool { return done[d.ID] }) {
		wg.Go(func() {
			err := p.one(ctx, d, pushed)
			mu.Lock()
			defer mu.Unlock()
			var e *push.Error
			switch {
			case err == nil:
				done[d.ID] = true
			case errors.As(err, &e):
				failures = append(failures, e)
			default: // nothing was sent
				failures = append(failures, &push.Error{Verdict: push.Later, Reason: err.Error()})
			}
		})
	}
	wg.Wait()
	err = verdictOf(len(targets), failures)
	p.keep(m, done, err != nil && !errors.Is(err, ErrNoAddress) && !isPermanent(err))
	return err
}

// one sends to one device and forgets it if it is gone.
func (p *Push) one(ctx context.Context, d call.Device, m push.Message) error {
	asked := p.now()
	err := p.send(ctx, d, m)
	var e *push.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	p.log.Warn("push not taken", "message", m.ID, "device", d, "err", e)
	if e.Verdict != push.Gone {
		return e
	}
	since := e.Since
	if since.IsZero() {
		since = asked
	}
	if err := p.devices.RemoveDead(ctx, d.ID, since); err != nil {
		p.log.Error("a device that is gone is still kept", "device", d, "err", err)
	}
	return e
}

// verdictOf is what the devices' answers make of the whole.
func verdictOf(devices int, failures []*push.Error) error {
	gone, later, words := 0, 0, map[string]bool{}
	for _, e := range failures {
		switch e.Verdict {
		case push.Gone:
			gone++
			continue
		case push.Later:
			later++
		}
		words[e.Error()] = true
	}
	switch reasons := strings.Join(slices.Sorted(maps.Keys(words)), "; "); {
	case devices == gone:
		return fmt.Errorf("%w: no device is registered", ErrNoAddress)
	case later > 0:
		return fmt.Errorf("%d of %d devices are to be tried again: %s", later, devices-gone, reasons)
	case len(failures) == devices:
		return Permanent(errors.New(reasons))
	}
	return nil // whoever refused it is in the log
}

// partOf are the devices that have taken a message, a copy.
func (p *Push) partOf(m Message) map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := maps.Clone(p.taken[m.ID].devices)
	if done == nil {
		done = map[string]bool{}
	}
	return done
}

// keep remembers who has taken a message that is to be tried again.
func (p *Push) keep(m Message, done map[string]bool, again bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.taken, func(_ string, old part) bool { return p.now().After(old.until) })
	if !again {
		delete(p.taken, m.ID)
		return
	}
	p.taken[m.ID] = part{m.Until, done}
}

// pushMessage is a message as devices are told it. What is about the same thing takes the other's place.
func pushMessage(m Message) push.Message {
	urgent := m.Kind == call.KindWaiting
	return push.Message{ID: m.ID, Kind: string(m.Kind), Urgent: urgent, Title: m.Subject, Body: m.Short, URL: m.URL, Until: m.Until,
		Tag: m.Conference + " " + string(m.Kind), Data: map[string]string{"conference": m.Conference}}
}
