package store

import (
	"context"
	"errors"
	"fmt"

	"showroom/call"
)

// Case returns a conference with its seller and buyer.
func (s *Store) Case(ctx context.Context, conference string) (c call.Case, err error) {
	err = s.view(ctx, func(t tx) (err error) {
		c, err = t.loadCase(conference)
		return err
	})
	return c, err
}

// Conference returns a conference, or call.ErrNotFound.
func (s *Store) Conference(ctx context.Context, id string) (call.Conference, error) {
	return read[call.Conference](ctx, s, tableConference, id)
}

// Seller returns a seller, or call.ErrNotFound.
func (s *Store) Seller(ctx context.Context, id string) (call.Seller, error) {
	return read[call.Seller](ctx, s, tableSeller, id)
}

// Buyer returns a buyer, or call.ErrNotFound.
func (s *Store) Buyer(ctx context.Context, id string) (call.Buyer, error) {
	return read[call.Buyer](ctx, s, tableBuyer, id)
}

func read[T any](ctx context.Context, s *Store, table, id string) (v T, err error) {
	err = s.view(ctx, func(t tx) (err error) {
		v, err = object[T](t, table, id)
		return err
	})
	return v, err
}

func (t tx) loadCase(conference string) (c call.Case, err error) {
	if c.Conference, err = object[call.Conference](t, tableConference, conference); err != nil {
		return c, err
	}
	if c.Seller, err = object[call.Seller](t, tableSeller, c.Conference.Seller); err != nil {
		return c, missing(conference, "seller "+c.Conference.Seller, err)
	}
	if c.Buyer, err = object[call.Buyer](t, tableBuyer, c.Conference.Buyer); err != nil {
		return c, missing(conference, "buyer "+c.Conference.Buyer, err)
	}
	return c, nil
}

// missing is a damage of the data, which must not look like an unknown conference.
func missing(conference, what string, err error) error {
	if errors.Is(err, call.ErrNotFound) {
		return fmt.Errorf("conference %s: its %s is not in the store", conference, what)
	}
	return fmt.Errorf("conference %s: its %s: %w", conference, what, err)
}

// putViews writes what of a case has changed, and moves the conference in its lists.
func (t tx) putViews(before, after call.Case) error {
	if after.Conference.Version != before.Conference.Version {
		if err := t.putConference(before.Conference, after.Conference); err != nil {
			return err
		}
	}
	if s := after.Seller; s.Version != before.Seller.Version {
		if err := t.putSeller(before.Seller, s); err != nil {
			return err
		}
	}
	if b := after.Buyer; b.Version != before.Buyer.Version {
		return t.putBuyer(before.Buyer, b)
	}
	return nil
}

func (t tx) putConference(before, after call.Conference) error {
	if err := t.save(idKey(tableConference, after.ID), after); err != nil {
		return err
	}
	return t.replaceKeys(conferenceKeys(before), conferenceKeys(after))
}

func (t tx) putSeller(before, after call.Seller) error {
	if err := t.save(idKey(tableSeller, after.ID), after); err != nil {
		return err
	}
	return t.replaceKeys(sellerKeys(before), sellerKeys(after))
}

func (t tx) putBuyer(before, after call.Buyer) error {
	if err := t.save(idKey(tableBuyer, after.ID), after); err != nil {
		return err
	}
	return t.replaceKeys(buyerKeys(before), buyerKeys(after))
}
