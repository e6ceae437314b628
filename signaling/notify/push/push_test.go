package push

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"showroom/call"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// waitingMessage tells a seller that the buyer is here.
func waitingMessage(until time.Time) Message {
	return Message{ID: "conf_1.waiting_1", Kind: "waiting", Urgent: true, Title: "Bruno is here", Body: "Fiat Pulse 2025", URL: "https://calls.example/join#secret",
		Tag: "conf_1 waiting", Data: map[string]string{"conference": "conf_1"}, Until: until}
}

func ring(until time.Time) Message {
	return Message{ID: "call_1.ring", Kind: "call", Ring: true, Title: "Ana", Body: "Showroom", Tag: "call_1", Data: map[string]string{"call": "call_1"}, Until: until}
}

// wants holds an error against a verdict and words it must and must not have.
func wants(t *testing.T, err error, v Verdict, word string, secrets ...string) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is not an *Error", err)
	}
	if e.Verdict != v || !strings.Contains(e.Error(), word) {
		t.Errorf("verdict %d, %q; want %d and %q", e.Verdict, e, v, word)
	}
	for _, s := range secrets {
		if strings.Contains(e.Error(), s) {
			t.Errorf("the error tells %q: %s", s, e)
		}
	}
	return e
}

type serviceFunc func(d call.Device) error

func (f serviceFunc) Send(_ context.Context, d call.Device, _ Message) error { return f(d) }

// TestSenderLeavesAlone: who said Retry-After is not asked before, and others are.
func TestSenderLeavesAlone(t *testing.T) {
	now, asked := noon, 0
	busy := serviceFunc(func(d call.Device) error {
		asked++
		return &Error{Verdict: Later, Service: "webpush", Status: 429, Reason: "busy", After: time.Minute, Scope: serviceScope(d)}
	})
	s := NewSender(map[call.Platform]Service{call.PlatformWebPush: busy}, func() time.Time { return now })
	a := call.Device{ID: "dev_a", Platform: call.PlatformWebPush, Address: call.Address{Token: "https://one.example/a"}}
	b := call.Device{ID: "dev_b", Platform: call.PlatformWebPush, Address: call.Address{Token: "https://one.example/b"}}
	c := call.Device{ID: "dev_c", Platform: call.PlatformWebPush, Address: call.Address{Token: "https://two.example/c"}}
	wants(t, s.Send(t.Context(), a, Message{}), Later, "busy")
	e := wants(t, s.Send(t.Context(), b, Message{}), Later, "left alone", "one.example")
	if e.After != time.Minute || asked != 1 {
		t.Errorf("wait %s, asked %d times", e.After, asked)
	}
	if s.Send(t.Context(), c, Message{}); asked != 2 {
		t.Errorf("another host was asked %d times", asked-1)
	}
	now = now.Add(time.Minute)
	if s.Send(t.Context(), b, Message{}); asked != 3 {
		t.Error("after the pause it was not asked")
	}
	wants(t, s.Send(t.Context(), call.Device{Platform: call.PlatformFCM}, Message{}), Refused, "not configured")
}

func TestTargets(t *testing.T) {
	all := []call.Device{{ID: "f", Platform: call.PlatformFCM}, {ID: "a", Platform: call.PlatformAPNs}, {ID: "v", Platform: call.PlatformAPNsVoIP}, {ID: "w", Platform: call.PlatformWebPush}}
	ids := func(ds []call.Device) (s string) {
		for _, d := range ds {
			s += d.ID
		}
		return s
	}
	for _, tt := range []struct {
		all  []call.Device
		ring bool
		want string
	}{{all, true, "fvw"}, {all, false, "faw"}, {all[:2], true, "fa"}, {nil, true, ""}} {
		if got := ids(Targets(tt.all, Message{Ring: tt.ring})); got != tt.want {
			t.Errorf("ring %v of %s goes to %s, want %s", tt.ring, ids(tt.all), got, tt.want)
		}
	}
}
