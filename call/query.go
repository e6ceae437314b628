package call

import (
	"errors"
	"time"
)

// What whoever keeps the log answers to the edge, which does not know the store.
var (
	ErrNotFound    = errors.New("there is nothing of that id")
	ErrExists      = errors.New("this id is taken")
	ErrReused      = errors.New("the idempotency key was used for another request")
	ErrLastKey     = errors.New("this is the last key that can make keys")
	ErrStorageFull = errors.New("the server's disk is full")
)

// Filter chooses conferences; an empty field chooses all.
type Filter struct {
	Seller string
	Buyer  string
	State  State
	Span   // of the planned start
}

// RecordingFilter chooses conferences that were recorded; an empty field chooses all.
type RecordingFilter struct {
	Seller string
	Buyer  string
	State  RecordingState
	Span   // of the beginning of the recording
}

// Span is the times From ≤ t < To; a zero end is open.
type Span struct{ From, To time.Time }

// PeopleFilter chooses sellers or buyers; an empty field chooses all.
type PeopleFilter struct {
	Seller string // whose buyers
	Text   string // that begins a name, a word of it, an address, a telephone number or a reference; then the order is the alphabet's
	Span          // of the registration; not together with Text
}

// EventFilter chooses events; an empty field chooses all.
type EventFilter struct {
	Seller string
	Buyer  string
	Types  []string
}

// Key is an API key as it is kept: without its secrets.
type Key struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Scope        string    `json:"scope"`
	Seller       string    `json:"seller,omitempty"` // the only one it may act for
	CreatedAt    time.Time `json:"created_at"`
	CreatedBy    string    `json:"created_by,omitempty"` // a key's id; empty: the command line
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	RotatedAt    time.Time `json:"rotated_at,omitzero"`
	RevokedAt    time.Time `json:"revoked_at,omitzero"`
	LastUsedAt   time.Time `json:"last_used_at,omitzero"` // a minute late at most
	LastUsedFrom string    `json:"last_used_from,omitempty"`
}

// Holds says whether the key opens anything at a time.
func (k Key) Holds(now time.Time) bool {
	return k.RevokedAt.IsZero() && (k.ExpiresAt.IsZero() || now.Before(k.ExpiresAt))
}
