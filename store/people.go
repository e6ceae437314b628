package store

import (
	"context"
	"time"

	"showroom/call"
)

// RegisterSeller opens the stream of a new seller.
func (s *Store) RegisterSeller(ctx context.Context, actor string, p call.Profile) (call.Seller, error) {
	after, _, err := s.change(ctx, registeringSeller(actor, p))
	return after.Seller, err
}

func registeringSeller(actor string, p call.Profile) decision {
	id := NewID("sell_")
	return func(_ tx, now time.Time) (call.Case, []call.Event, error) {
		events, err := call.Register(id, actor, p, now)
		return call.Case{Seller: call.Seller{ID: id}}, events, err
	}
}

// ChangeSeller replaces a seller's settings by what change makes of the seller. change runs alone among writers: keep it quick.
func (s *Store) ChangeSeller(ctx context.Context, id, actor string, change func(call.Seller) (call.Profile, error)) (call.Seller, error) {
	after, _, err := s.change(ctx, func(t tx, now time.Time) (call.Case, []call.Event, error) {
		seller, err := object[call.Seller](t, tableSeller, id)
		if err != nil {
			return call.Case{}, nil, err
		}
		p, err := change(seller)
		if err != nil {
			return call.Case{}, nil, err
		}
		events, err := seller.Change(actor, p, now)
		return call.Case{Seller: seller}, events, err
	})
	return after.Seller, err
}

// RegisterBuyer opens the stream of a new buyer.
func (s *Store) RegisterBuyer(ctx context.Context, actor string, c call.Contact) (call.Buyer, error) {
	after, _, err := s.change(ctx, registeringBuyer(actor, c))
	return after.Buyer, err
}

func registeringBuyer(actor string, c call.Contact) decision {
	id := NewID("buy_")
	return func(t tx, now time.Time) (call.Case, []call.Event, error) {
		if c.Seller != "" {
			if _, err := object[call.Seller](t, tableSeller, c.Seller); err != nil {
				return call.Case{}, nil, unknown("seller", err)
			}
		}
		events, err := call.RegisterBuyer(id, actor, c, now)
		return call.Case{Buyer: call.Buyer{ID: id}}, events, err
	}
}

// buyerEvents appends what follows from a buyer.
func (s *Store) buyerEvents(ctx context.Context, id string, rule func(call.Buyer, time.Time) ([]call.Event, error)) (call.Buyer, error) {
	after, _, err := s.change(ctx, func(t tx, now time.Time) (call.Case, []call.Event, error) {
		buyer, err := object[call.Buyer](t, tableBuyer, id)
		if err != nil {
			return call.Case{}, nil, err
		}
		events, err := rule(buyer, now)
		return call.Case{Buyer: buyer}, events, err
	})
	return after.Buyer, err
}

// ChangeBuyer replaces what is said of a buyer by what change makes of it. change runs alone among writers: keep it quick.
func (s *Store) ChangeBuyer(ctx context.Context, id, actor string, change func(call.Buyer) (call.Contact, error)) (call.Buyer, error) {
	return s.buyerEvents(ctx, id, func(b call.Buyer, now time.Time) ([]call.Event, error) {
		c, err := change(b)
		if err != nil {
			return nil, err
		}
		return b.Change(actor, c, now)
	})
}
