package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"showroom/call"
	"showroom/signaling/notify"
	"showroom/signaling/notify/push"
	"showroom/signaling/rest"
)

const keptCaptures = 1000

// captures are the last messages that a sandbox did not send.
type captures struct {
	now func() time.Time

	mu   sync.Mutex
	n    uint64
	kept []rest.Captured
}

func (c *captures) add(m rest.Captured) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	m.N, m.At = c.n, c.now().UTC()
	c.kept = append(c.kept, m)
	c.kept = c.kept[max(0, len(c.kept)-keptCaptures):]
}

// list are up to limit messages after one.
func (c *captures) list(after uint64, limit int) (some []rest.Captured) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.kept {
		if m.N > after && len(some) < limit {
			some = append(some, m)
		}
	}
	return some
}

// capturedMail is the channel of e-mail in a sandbox.
type capturedMail struct{ *captures }

func (capturedMail) Name() string { return "email" }

func (c capturedMail) Send(_ context.Context, m notify.Message) error {
	if m.To.Email == "" {
		return fmt.Errorf("%w: no e-mail address", notify.ErrNoAddress)
	}
	c.add(rest.Captured{Channel: "email", Message: m.ID, Kind: string(m.Kind), Conference: m.Conference, To: m.To.Email, Subject: m.Subject,
		Text: m.Text, HTML: m.HTML, URL: m.URL, Calendar: string(m.Calendar), Until: &m.Until})
	return nil
}

// capturedPush is every push service in a sandbox.
type capturedPush struct{ *captures }

func (c capturedPush) Send(_ context.Context, d call.Device, m push.Message) error {
	captured := rest.Captured{Channel: "push", Message: m.ID, Kind: m.Kind, Conference: m.Data["conference"], To: d.ID, Platform: string(d.Platform), Subject: m.Title, Text: m.Body, Until: &m.Until}
	if d.Platform == call.PlatformWebPush { // the others are not told
		captured.URL = m.URL
	}
	c.add(captured)
	return nil
}
