package rest

import (
	"context"
	"errors"
	"time"

	"showroom/call"
)

// own is the store as the key of one seller sees it: what belongs to others is not there.
type own struct {
	Store
	seller string
}

func (w own) Schedule(ctx context.Context, seller, buyer string, rule call.Rule) (call.Case, error) {
	if seller != w.seller {
		return call.Case{}, call.Invalid("seller", "there is no such seller")
	}
	if _, err := w.Buyer(ctx, buyer); errors.Is(err, call.ErrNotFound) {
		return call.Case{}, call.Invalid("buyer", "there is no such buyer")
	} else if err != nil {
		return call.Case{}, err
	}
	return w.Store.Schedule(ctx, seller, buyer, rule)
}

func (w own) Apply(ctx context.Context, conference string, rule call.Rule) (call.Case, []call.Event, error) {
	return w.Store.Apply(ctx, conference, func(c call.Case, now time.Time) ([]call.Event, error) {
		if c.Conference.Seller != w.seller {
			return nil, call.ErrNotFound
		}
		return rule(c, now)
	})
}

func (w own) Case(ctx context.Context, conference string) (call.Case, error) {
	c, err := w.Store.Case(ctx, conference)
	if err == nil && c.Conference.Seller != w.seller {
		return call.Case{}, call.ErrNotFound
	}
	return c, err
}

func (w own) Conferences(ctx context.Context, f call.Filter, after string, limit int) ([]call.Conference, string, error) {
	if f.Seller != "" && f.Seller != w.seller {
		return nil, "", nil
	}
	f.Seller = w.seller
	return w.Store.Conferences(ctx, f, after, limit)
}

func (w own) Recordings(ctx context.Context, f call.RecordingFilter, after string, limit int) ([]call.Conference, string, error) {
	if f.Seller != "" && f.Seller != w.seller {
		return nil, "", nil
	}
	f.Seller = w.seller
	return w.Store.Recordings(ctx, f, after, limit)
}

func (w own) Accesses(ctx context.Context, conference string, before uint64, limit int) ([]call.Event, error) {
	if _, err := w.Case(ctx, conference); err != nil {
		return nil, err
	}
	return w.Store.Accesses(ctx, conference, before, limit)
}

func (w own) Messages(ctx context.Context, _, after string, limit int) ([]call.Placed, string, error) {
	return w.Store.Messages(ctx, w.seller, after, limit)
}

func (w own) StreamEvents(ctx context.Context, stream string, after uint64, limit int) ([]call.Event, error) {
	if _, err := w.Case(ctx, stream); err != nil && stream != w.seller {
		return nil, err
	}
	return w.Store.StreamEvents(ctx, stream, after, limit)
}

func (w own) Seller(ctx context.Context, id string) (call.Seller, error) {
	if id != w.seller {
		return call.Seller{}, call.ErrNotFound
	}
	return w.Store.Seller(ctx, id)
}

// Sellers is the one.
func (w own) Sellers(ctx context.Context, _ call.PeopleFilter, _ string, _ int) ([]call.Seller, string, error) {
	s, err := w.Store.Seller(ctx, w.seller)
	return []call.Seller{s}, "", err
}

func (w own) RegisterBuyer(ctx context.Context, actor string, c call.Contact) (call.Buyer, error) {
	if c.Seller != "" && c.Seller != w.seller {
		return call.Buyer{}, call.Invalid("seller", "there is no such seller")
	}
	c.Seller = w.seller
	return w.Store.RegisterBuyer(ctx, actor, c)
}

func (w own) Buyer(ctx context.Context, id string) (call.Buyer, error) {
	b, err := w.Store.Buyer(ctx, id)
	if err == nil && b.Seller != w.seller {
		return call.Buyer{}, call.ErrNotFound
	}
	return b, err
}

func (w own) ChangeBuyer(ctx context.Context, id, actor string, change func(call.Buyer) (call.Contact, error)) (call.Buyer, error) {
	return w.Store.ChangeBuyer(ctx, id, actor, func(b call.Buyer) (call.Contact, error) {
		if b.Seller != w.seller {
			return call.Contact{}, call.ErrNotFound
		}
		return change(b)
	})
}

func (w own) RegisterDevice(ctx context.Context, actor string, d call.Device) (call.Device, bool, error) {
	if err := w.mine(ctx, d.Owner); err != nil {
		return call.Device{}, false, err
	}
	return w.Store.RegisterDevice(ctx, actor, d)
}

func (w own) Devices(ctx context.Context, owner string) ([]call.Device, error) {
	if err := w.mine(ctx, owner); err != nil {
		return nil, err
	}
	return w.Store.Devices(ctx, owner)
}

func (w own) RemoveDevice(ctx context.Context, owner, id, actor string) error {
	if err := w.mine(ctx, owner); err != nil {
		return err
	}
	return w.Store.RemoveDevice(ctx, owner, id, actor)
}

// mine says whether somebody is the seller, or a buyer of the seller's.
func (w own) mine(ctx context.Context, owner string) error {
	if owner == w.seller {
		return nil
	}
	_, err := w.Buyer(ctx, owner)
	return err
}
