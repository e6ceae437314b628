// Package push hands messages to the push services of devices: Firebase Cloud Messaging (HTTP v1), Apple's APNs (HTTP/2) and Web Push (RFC 8030).
//
// A service gets each message under a key by which a repetition takes the place of what it repeats, so a try whose answer was lost can be made again.
// Addresses of devices, credentials and what a message says never are in an error.
//
// The package starts no goroutine. Its locks guard a cached token or the pauses that services asked for; only the fetching of an access token, by a
// library, happens under one.
package push

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"

	"showroom/call"
)

// Message is what a device is told.
type Message struct {
	ID     string // the same at each try
	Kind   string // the app's word for it
	Urgent bool   // it is about now
	Ring   bool   // an incoming call: the app rings by itself, so the service shows nothing
	Title  string
	Body   string
	URL    string // what opens; to browsers only, as other services read along
	Tag    string // a message of the same tag takes the place of an older one
	Data   map[string]string
	Until  time.Time // it is worth nothing any more; a ring ends
}

// Service hands one message to the push service of a device. What is not nil is an [*Error].
type Service interface {
	Send(ctx context.Context, d call.Device, m Message) error
}

// Verdict says what an error means for what comes next.
type Verdict int

// The verdicts.
const (
	Later   Verdict = iota // try again, after a while
	Refused                // this message to this device never works
	Gone                   // the device is no more: remove it
)

// Error is why a message was not taken.
type Error struct {
	Verdict Verdict
	Service string
	Status  int           // HTTP; 0: no answer
	Reason  string        // the service's word, or what happened
	After   time.Duration // how long the service wants to be left alone, with [Later]; 0: it did not say
	Scope   string        // whom After is about: everybody with the same scope
	Since   time.Time     // when the device went, with [Gone]; zero: it is not known
}

func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: %s", e.Service, e.Reason)
	}
	return fmt.Sprintf("%s answered %d: %s", e.Service, e.Status, e.Reason)
}

const (
	requestTimeout = 10 * time.Second
	maxAnswer      = 16 << 10 // bytes
	longestTTL     = 28 * 24 * time.Hour
)

// ttl is how long a service may keep a message, in whole seconds.
func (m Message) ttl(now time.Time) time.Duration {
	return min(max(m.Until.Sub(now).Truncate(time.Second), 0), longestTTL)
}

// collapse is a name for the message's tag that fits every service: 32 characters (RFC 8030, section 5.4; APNs allows 64).
func (m Message) collapse() string {
	sum := sha256.Sum256([]byte(m.Tag))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}

// fields are the app's data: what kind of message it is, its id, and what else there is.
func (m Message) fields() map[string]string {
	all := map[string]string{"kind": m.Kind, "id": m.ID}
	for k, v := range m.Data {
		all[k] = v
	}
	return all
}
