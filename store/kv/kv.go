// Package kv is the seam between Showroom and where it keeps its state: one
// sorted map from bytes to bytes, read and changed in transactions. Bolt keeps
// it in a file, for one process.
//
// Keys sort as bytes.Compare sorts them. Nothing here starts a goroutine, and
// a DB may be used from many. Its one lock is the writer's place: held from
// the start of Update to its commit, so a function given to View or Update
// must not call View, Update or Close of the same DB, nor wait for a goroutine
// that does.
package kv

import (
	"context"
	"errors"
	"fmt"
	"iter"
)

// Limits hold for every implementation: PostgreSQL indexes no longer key.
const (
	MaxKey   = 1 << 10 // bytes
	MaxValue = 1 << 20 // bytes
)

var (
	// ErrNotFound: no value is stored under the key.
	ErrNotFound = errors.New("key not found")
	// ErrKey: the key is empty or longer than MaxKey.
	ErrKey = errors.New("key is empty or too long")
	// ErrValue: the value is longer than MaxValue.
	ErrValue = errors.New("value is too long")
	// ErrReadOnly: Put or Delete in a View.
	ErrReadOnly = errors.New("transaction is read-only")
	// ErrFull: the disk has no room for the commit. Nothing was changed, reads
	// go on, and a later Update succeeds once there is room again.
	ErrFull = errors.New("storage is full")
	// ErrLocked: another process holds the data.
	ErrLocked = errors.New("in use by another process")
	// ErrClosed: the DB was closed.
	ErrClosed = errors.New("store is closed")
)

// DB is a sorted map in a durable place.
type DB interface {
	// View runs fn on a snapshot: it sees all of every commit before it began
	// and nothing of later ones. Keep it short: an old snapshot holds space.
	View(ctx context.Context, fn func(Tx) error) error

	// Update runs fn alone among writers, and at most once. Updates that had to
	// wait may share a commit, and see what those before them changed. When it returns
	// nil, all that fn changed is on stable storage. When fn returns an error
	// or panics, or ctx is over when fn returns, nothing was changed; fn's
	// error is returned as it is. While another Update runs it waits, for as
	// long as ctx allows.
	//
	// An error of the commit itself, ErrFull apart, leaves open whether the
	// change was kept: read before repeating it.
	Update(ctx context.Context, fn func(Tx) error) error

	// Close waits for running transactions.
	Close() error
}

// Tx is a transaction, valid until the function it was given to returns, and
// used by one goroutine at a time. It keeps no slice it is given, and what it
// returns is the caller's own.
type Tx interface {
	// Get returns the value of key or ErrNotFound.
	Get(key []byte) ([]byte, error)
	// Put sets the value of key.
	Put(key, value []byte) error
	// Delete removes key; removing what is not there is no error.
	Delete(key []byte) error
	// Scan yields the items of r in order. After an error it yields no more.
	// Putting and deleting while a scan runs is allowed; whether the scan sees
	// a key put ahead of it is open.
	Scan(r Range) iter.Seq2[Item, error]
}

// Item is one key and its value.
type Item struct{ Key, Value []byte }

// Range is the keys From ≤ key < To; a nil end is open.
type Range struct {
	From, To []byte
	Reverse  bool // from the last key to the first
}

// Prefix returns the range of all keys that begin with p.
func Prefix(p []byte) Range {
	to := append([]byte(nil), p...)
	for i := len(to) - 1; i >= 0; i-- {
		if to[i] < 0xff {
			to[i]++
			return Range{From: p, To: to[:i+1]}
		}
	}
	return Range{From: p} // nothing but 0xff: no key sorts after them all
}

func checkKey(key []byte) error {
	if len(key) == 0 || len(key) > MaxKey {
		return fmt.Errorf("%w: %d bytes, 1 to %d allowed", ErrKey, len(key), MaxKey)
	}
	return nil
}

func checkValue(value []byte) error {
	if len(value) > MaxValue {
		return fmt.Errorf("%w: %d bytes, at most %d allowed", ErrValue, len(value), MaxValue)
	}
	return nil
}
