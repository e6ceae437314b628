package store

import (
	"context"
	"time"

	"showroom/call"
)

// Bulk is many changes in one transaction: all of them are kept, or none.
type Bulk struct {
	t   tx
	now time.Time
}

// Bulk runs fn alone among writers, for filling a store: one commit for many changes, each as the method of [Store] of that name makes it.
// It holds up everybody else who writes, so keep it to some thousand changes.
func (s *Store) Bulk(ctx context.Context, fn func(*Bulk) error) error {
	err := s.update(ctx, func(t tx) error { return fn(&Bulk{t, s.clock()}) })
	if err == nil || commitOpen(err) {
		s.appended.tell()
	}
	return err
}

// change appends what decide decides.
func (b *Bulk) change(decide decision) (after call.Case, appended []call.Event, err error) {
	return b.t.change(decide, b.now)
}

// At lets what follows happen at a time.
func (b *Bulk) At(now time.Time) { b.now = now.UTC().Round(0) }

// Schedule is [Store.Schedule].
func (b *Bulk) Schedule(seller, buyer string, rule call.Rule) (call.Case, error) {
	after, _, err := b.change(scheduling(seller, buyer, rule))
	return after, err
}

// Apply is [Store.Apply].
func (b *Bulk) Apply(conference string, rule call.Rule) (call.Case, []call.Event, error) {
	return b.change(applying(conference, rule))
}

// RegisterSeller is [Store.RegisterSeller].
func (b *Bulk) RegisterSeller(actor string, p call.Profile) (call.Seller, error) {
	after, _, err := b.change(registeringSeller(actor, p))
	return after.Seller, err
}

// RegisterBuyer is [Store.RegisterBuyer].
func (b *Bulk) RegisterBuyer(actor string, c call.Contact) (call.Buyer, error) {
	after, _, err := b.change(registeringBuyer(actor, c))
	return after.Buyer, err
}
