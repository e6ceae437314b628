package push

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"showroom/call"
)

// Sender sends to devices of all platforms that are configured, and leaves services alone for as long as they ask.
type Sender struct {
	services map[call.Platform]Service
	now      func() time.Time

	mu     sync.Mutex
	pauses map[string]time.Time // by scope
}

// NewSender makes a sender of services by platform.
func NewSender(services map[call.Platform]Service, now func() time.Time) *Sender {
	return &Sender{services: services, now: now, pauses: map[string]time.Time{}}
}

// Serves says whether a platform is configured.
func (s *Sender) Serves(p call.Platform) bool { return s.services[p] != nil }

const maxPauses = 10000 // a scope is a service, or a device of one

// Send hands over one message; what is not nil is an [*Error].
func (s *Sender) Send(ctx context.Context, d call.Device, m Message) error {
	service := s.services[d.Platform]
	if service == nil {
		return &Error{Verdict: Refused, Service: string(d.Platform), Reason: "not configured on this server"}
	}
	if wait := s.pause(d); wait > 0 {
		return &Error{Verdict: Later, Service: string(d.Platform), Reason: fmt.Sprintf("asked to be left alone for another %s", wait.Round(time.Second)), After: wait}
	}
	err := service.Send(ctx, d, m)
	var e *Error
	if errors.As(err, &e) && e.After > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.pauses) >= maxPauses {
			clear(s.pauses)
		}
		s.pauses[e.Scope] = s.now().Add(e.After)
	}
	return err
}

// pause is how long a device's service wants to be left alone.
func (s *Sender) pause(d call.Device) (wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, scope := range []string{serviceScope(d), deviceScope(d)} {
		until, asked := s.pauses[scope]
		if left := until.Sub(s.now()); left > 0 {
			wait = max(wait, left)
		} else if asked {
			delete(s.pauses, scope)
		}
	}
	return wait
}

func deviceScope(d call.Device) string { return "device " + d.ID }

// serviceScope names the service of a device: for a browser the host of its vendor.
func serviceScope(d call.Device) string {
	switch d.Platform {
	case call.PlatformWebPush:
		return "webpush " + hostOf(d.Token)
	case call.PlatformAPNsVoIP:
		return string(call.PlatformAPNs)
	}
	return string(d.Platform)
}

// Targets are those of a person's devices that a message is for. A ring goes to the calls' token of an iPhone where there is one, everything else
// to the alerts': iOS ends apps that take a push for calls and show none.
func Targets(all []call.Device, m Message) (some []call.Device) {
	voip := false
	for _, d := range all {
		voip = voip || d.Platform == call.PlatformAPNsVoIP
	}
	for _, d := range all {
		if d.Platform == call.PlatformAPNsVoIP && !m.Ring || d.Platform == call.PlatformAPNs && m.Ring && voip {
			continue
		}
		some = append(some, d)
	}
	return some
}
