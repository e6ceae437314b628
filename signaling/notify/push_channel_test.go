package notify

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"showroom/call"
	"showroom/signaling/notify/push"
)

// pockets are people's devices and what services answer.
type pockets struct {
	mu      sync.Mutex
	devices []call.Device
	answers map[string]error // by device
	sent    []string
	dead    map[string]time.Time
}

func (p *pockets) Devices(_ context.Context, owner string) (all []call.Device, err error) {
	for _, d := range p.devices {
		if d.Owner == owner {
			all = append(all, d)
		}
	}
	return all, nil
}

func (p *pockets) RemoveDead(_ context.Context, id string, since time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead[id] = since
	p.devices = slices.DeleteFunc(p.devices, func(d call.Device) bool { return d.ID == id })
	return nil
}

func (p *pockets) send(_ context.Context, d call.Device, _ push.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, d.ID)
	return p.answers[d.ID]
}

func newPockets(ids ...string) *pockets {
	p := &pockets{answers: map[string]error{}, dead: map[string]time.Time{}}
	for _, id := range ids {
		p.devices = append(p.devices, call.Device{ID: id, Owner: "sell_1", Platform: call.PlatformFCM, Address: call.Address{Token: "secret-" + id}})
	}
	return p
}

var pushNoon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func (p *pockets) channel(log *strings.Builder) *Push {
	return NewPush(p, p.send, slog.New(slog.NewTextHandler(log, nil)), func() time.Time { return pushNoon })
}

var knock = Message{ID: "conf_1.waiting_1", Kind: call.KindWaiting, Conference: "conf_1", To: Recipient{Role: call.RoleSeller, ID: "sell_1"}, Subject: "Bruno is here", Until: pushNoon.Add(time.Hour)}

// TestPushTriesAgainOnlyWhoDidNotTakeIt: nobody rings twice because somebody else's service was busy.
func TestPushTriesAgainOnlyWhoDidNotTakeIt(t *testing.T) {
	p := newPockets("dev_a", "dev_b", "dev_c")
	p.answers["dev_b"] = &push.Error{Verdict: push.Later, Service: "fcm", Status: 503, Reason: "UNAVAILABLE"}
	p.answers["dev_c"] = &push.Error{Verdict: push.Gone, Service: "fcm", Status: 404, Reason: "UNREGISTERED", Since: pushNoon.Add(-time.Minute)}
	var log strings.Builder
	c := p.channel(&log)
	err := c.Send(t.Context(), knock)
	if err == nil || isPermanent(err) || errors.Is(err, ErrNoAddress) || err.Error() != "1 of 2 devices are to be tried again: fcm answered 503: UNAVAILABLE" {
		t.Errorf("first try: %v", err)
	}
	if since := p.dead["dev_c"]; !since.Equal(pushNoon.Add(-time.Minute)) {
		t.Errorf("dead: %v", p.dead)
	}
	p.sent, p.answers["dev_b"] = nil, nil
	if err := c.Send(t.Context(), knock); err != nil || !slices.Equal(p.sent, []string{"dev_b"}) {
		t.Errorf("second try: %v to %v", err, p.sent)
	}
	if len(c.taken) != 0 {
		t.Errorf("kept after the end: %v", c.taken)
	}
	if strings.Contains(log.String(), "secret-") {
		t.Errorf("an address is in the log: %s", &log)
	}
}

func TestPushOutcomes(t *testing.T) {
	refused := &push.Error{Verdict: push.Refused, Service: "fcm", Status: 403, Reason: "SENDER_ID_MISMATCH"}
	gone := &push.Error{Verdict: push.Gone, Service: "fcm", Status: 404, Reason: "UNREGISTERED"}
	for name, tt := range map[string]struct {
		answers []error
		want    func(error) bool
	}{
		"nobody":         {nil, func(err error) bool { return errors.Is(err, ErrNoAddress) }},
		"one of one":     {[]error{nil}, func(err error) bool { return err == nil }},
		"all gone":       {[]error{gone, gone}, func(err error) bool { return errors.Is(err, ErrNoAddress) }},
		"all refused":    {[]error{refused, refused}, isPermanent},
		"one refused":    {[]error{refused, nil}, func(err error) bool { return err == nil }},
		"refused, gone":  {[]error{refused, gone}, func(err error) bool { return err != nil }},
		"gone, and one":  {[]error{gone, nil}, func(err error) bool { return err == nil }},
		"not even tried": {[]error{errors.New("no network"), nil}, func(err error) bool { return err != nil && !isPermanent(err) }},
		"later, refused": {[]error{refused, &push.Error{Verdict: push.Later, Reason: "busy"}}, func(err error) bool { return err != nil && !isPermanent(err) }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPockets([]string{"dev_a", "dev_b"}[:len(tt.answers)]...)
			for i, a := range tt.answers {
				p.answers[p.devices[i].ID] = a
			}
			if err := p.channel(new(strings.Builder)).Send(t.Context(), knock); !tt.want(err) {
				t.Errorf("%v", err)
			}
		})
	}
	p := newPockets("dev_a")
	colleague := knock
	colleague.To.Role = call.RoleColleague
	if err := p.channel(new(strings.Builder)).Send(t.Context(), colleague); !errors.Is(err, ErrNoAddress) || len(p.sent) > 0 {
		t.Errorf("a colleague's message goes to the seller's phone: %v %v", err, p.sent)
	}
}
