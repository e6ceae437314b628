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
	ErrStorageFull = errors.New("the server's disk is full")
)

// Filter chooses conferences; an empty field chooses all.
type Filter struct {
	Seller string
	State  State
}

// Key is an API key as it is kept: without its secret.
type Key struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Scope     string    `json:"scope"`
	CreatedAt time.Time `json:"created_at"`
}
