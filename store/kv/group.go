package kv

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// group is a transaction that several Updates share. To sync the file takes
// longer than what most of them do, so each one leaves its changes in the open
// group and asks for the token again: when it comes back, all who were waiting
// have done their part, and one commit is for them all. Who is alone gets the
// token back at once.
type group struct {
	tx      *bbolt.Tx
	members int           // whose changes are in it
	over    chan struct{} // closed after the commit …
	err     error         // … with this
}

// Update implements DB.
func (b *Bolt) Update(ctx context.Context, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case b.writer <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	g, err := b.enter(ctx, fn)
	if err != nil {
		return err
	}
	select {
	case <-g.over:
	case b.writer <- struct{}{}:
		b.commit(g)
		<-b.writer
	}
	return g.err
}

// enter runs fn in the open group, or in a new one, and gives up the token.
func (b *Bolt) enter(ctx context.Context, fn func(Tx) error) (*group, error) {
	defer func() { <-b.writer }()
	if err := ctx.Err(); err != nil { // select chooses at random if both are ready
		return nil, err
	}
	g := b.group
	if g == nil {
		tx, err := b.db.Begin(true)
		if err != nil {
			return nil, fmt.Errorf("begin update: %w", mapped(err))
		}
		g = &group{tx: tx, over: make(chan struct{})}
		b.group = g
	}
	t := &boltTx{bucket: g.tx.Bucket(bucket), keep: true}
	entered := false
	defer func() { // also when fn panics
		if !entered {
			b.leave(g, t)
		}
	}()
	if err := fn(t); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g.members++
	entered = true
	return g, nil
}

// leave takes back what t changed. The token is held.
func (b *Bolt) leave(g *group, t *boltTx) {
	if g.members > 0 {
		if err := t.undo(); err != nil {
			b.end(g, fmt.Errorf("take back another update: %w", mapped(err)))
		}
		return
	}
	b.end(g, errNobody)
}

// errNobody ends a group in which nothing was changed.
var errNobody = errors.New("no changes")

// commit ends the group, if it is still open. The token is held.
func (b *Bolt) commit(g *group) {
	if b.group == g {
		b.end(g, nil)
	}
}

// end commits the group, or drops it because of err, and tells its members.
func (b *Bolt) end(g *group, err error) {
	if err == nil {
		if err = g.tx.Commit(); err != nil {
			err = fmt.Errorf("commit: %w", mapped(err))
		}
	}
	_ = g.tx.Rollback() // after a commit it does nothing
	b.group, g.err = nil, err
	close(g.over)
}
