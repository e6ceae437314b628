package store

import (
	"context"
	"time"

	"showroom/call"
)

// RegisterSeller opens the stream of a new seller.
func (s *Store) RegisterSeller(ctx context.Context, p call.Profile) (call.Seller, error) {
	id := NewID("sell_")
	after, _, err := s.change(ctx, func(_ tx, now time.Time) (call.Case, []call.Event, error) {
		events, err := call.Register(id, p, now)
		return call.Case{Seller: call.Seller{ID: id}}, events, err
	})
	return after.Seller, err
}

// ChangeSeller replaces a seller's settings by what change makes of them. change runs alone among writers: keep it quick.
func (s *Store) ChangeSeller(ctx context.Context, id string, change func(call.Profile) (call.Profile, error)) (call.Seller, error) {
	after, _, err := s.change(ctx, func(t tx, now time.Time) (call.Case, []call.Event, error) {
		seller, err := object[call.Seller](t, tableSeller, id)
		if err != nil {
			return call.Case{}, nil, err
		}
		p, err := change(seller.Profile)
		if err != nil {
			return call.Case{}, nil, err
		}
		events, err := seller.Change(p, now)
		return call.Case{Seller: seller}, events, err
	})
	return after.Seller, err
}

// RegisterBuyer opens the stream of a new buyer.
func (s *Store) RegisterBuyer(ctx context.Context, c call.Contact) (call.Buyer, error) {
	id := NewID("buy_")
	after, _, err := s.change(ctx, func(_ tx, now time.Time) (call.Case, []call.Event, error) {
		events, err := call.RegisterBuyer(id, c, now)
		return call.Case{Buyer: call.Buyer{ID: id}}, events, err
	})
	return after.Buyer, err
}
