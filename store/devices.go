package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

// RegisterDevice keeps a device of a seller or a buyer, whose id it names, and says whether it is new to them. The device of that address that
// somebody else has is theirs no longer. An owner who does not exist is call.ErrNotFound.
func (s *Store) RegisterDevice(ctx context.Context, actor string, d call.Device) (kept call.Device, made bool, err error) {
	var told bool
	err = s.update(ctx, func(t tx) error {
		c, err := t.owner(d.Owner)
		if err == nil && c.Buyer.Erasure.Ordered() {
			err = call.ErrErased
		}
		if err != nil {
			return err
		}
		old, err := t.deviceAt(d.Address)
		if err != nil {
			return err
		}
		if old.ID != "" && old.Owner != d.Owner {
			if err := t.removeDevice(old, actor, call.RemovedAsMoved, s.clock()); err != nil {
				return err
			}
			old = call.Device{}
		}
		if made = old.ID == ""; made {
			d.ID = NewID("dev_")
			if err := t.makeRoom(d.Owner, s.clock()); err != nil {
				return err
			}
		}
		var events []call.Event
		kept, events = d.Register(old, actor, s.clock())
		told = len(events) > 0
		if err := t.appendOf(kept.Owner, events); err != nil {
			return err
		}
		return t.putDevice(kept)
	})
	return kept, made, s.toldOf(told, "register device", err)
}

// toldOf rings the bell after a change that the log tells of, and names what failed.
func (s *Store) toldOf(told bool, what string, err error) error {
	if told && (err == nil || commitOpen(err)) {
		s.appended.tell()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Devices are those of a seller or a buyer, the oldest first. An owner who does not exist is call.ErrNotFound.
func (s *Store) Devices(ctx context.Context, owner string) (all []call.Device, err error) {
	err = s.view(ctx, func(t tx) error {
		if _, err := t.owner(owner); err != nil {
			return err
		}
		all, err = t.devices(owner)
		return err
	})
	return all, err
}

func (t tx) devices(owner string) (all []call.Device, err error) {
	list := devicesPrefix(owner)
	for item, err := range t.Scan(kv.Prefix(list)) {
		if err != nil {
			return nil, err
		}
		d, err := object[call.Device](t, tableDevice, string(item.Key[len(list)+timeSize:]))
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// RemoveDevice forgets a device of an owner; another's is call.ErrNotFound.
func (s *Store) RemoveDevice(ctx context.Context, owner, id, actor string) error {
	return s.dropDevice(ctx, id, func(t tx, d call.Device) error {
		if d.Owner != owner {
			return call.ErrNotFound
		}
		return t.removeDevice(d, actor, call.RemovedByRequest, s.clock())
	})
}

// RemoveDead forgets a device that its push service says is gone, unless it was registered after that. One that is not there any more is no error.
func (s *Store) RemoveDead(ctx context.Context, id string, since time.Time) error {
	err := s.dropDevice(ctx, id, func(t tx, d call.Device) error {
		if d.SeenAt.After(since) {
			return errNothing
		}
		return t.removeDevice(d, call.System, call.RemovedAsDead, s.clock())
	})
	if errors.Is(err, call.ErrNotFound) {
		return nil
	}
	return err
}

func (s *Store) dropDevice(ctx context.Context, id string, drop func(tx, call.Device) error) error {
	told := false
	err := s.update(ctx, func(t tx) error {
		d, err := object[call.Device](t, tableDevice, id)
		if err != nil {
			return err
		}
		err = drop(t, d)
		told = err == nil
		return err
	})
	return s.toldOf(told, "remove device", err)
}

// makeRoom lets the device that was not seen longest go when its owner has too many.
func (t tx) makeRoom(owner string, now time.Time) error {
	all, err := t.devices(owner)
	if err != nil || len(all) < call.MaxDevices {
		return err
	}
	oldest := all[0]
	for _, d := range all {
		if d.SeenAt.Before(oldest.SeenAt) {
			oldest = d
		}
	}
	return t.removeDevice(oldest, call.System, call.RemovedAsOldest, now)
}

// removeDevice drops a device, and has the log say so.
func (t tx) removeDevice(d call.Device, actor, reason string, now time.Time) error {
	if err := t.appendOf(d.Owner, []call.Event{d.Removed(actor, reason, now)}); err != nil {
		return err
	}
	return t.dropDeviceKeys(d)
}

// forgetDevices drops all devices of somebody whose data is erased.
func (s *Store) forgetDevices(ctx context.Context, owner string) error {
	return s.update(ctx, func(t tx) error {
		all, err := t.devices(owner)
		if err != nil {
			return err
		}
		if len(all) == 0 {
			return errNothing
		}
		for _, d := range all {
			if err := t.dropDeviceKeys(d); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t tx) dropDeviceKeys(d call.Device) error {
	return errors.Join(t.Delete(idKey(tableDevice, d.ID)), t.Delete(digestKey(listAddresses, addressOf(d.Address))), t.Delete(agedID(devicesPrefix(d.Owner), d.At, d.ID)))
}

func (t tx) putDevice(d call.Device) error {
	if err := t.save(idKey(tableDevice, d.ID), d); err != nil {
		return err
	}
	if err := t.Put(digestKey(listAddresses, addressOf(d.Address)), []byte(d.ID)); err != nil {
		return err
	}
	return t.Put(agedID(devicesPrefix(d.Owner), d.At, d.ID), nil)
}

// deviceAt is the device that has an address, none if nobody has it.
func (t tx) deviceAt(a call.Address) (d call.Device, err error) {
	id, err := t.Get(digestKey(listAddresses, addressOf(a)))
	if errors.Is(err, kv.ErrNotFound) {
		return d, nil
	}
	if err != nil {
		return d, err
	}
	return object[call.Device](t, tableDevice, string(id))
}

// addressOf is what no two devices share: the token, apart from that of another environment.
func addressOf(a call.Address) string { return fmt.Sprintf("%t %t %s", a.FID, a.Sandbox, a.Token) }

// appendOf appends events to the stream of a seller or a buyer.
func (t tx) appendOf(owner string, events []call.Event) error {
	c, err := t.owner(owner)
	if err != nil {
		return err
	}
	_, _, err = t.append(c, events)
	return err
}

// owner is the case of a seller or a buyer alone.
func (t tx) owner(id string) (c call.Case, err error) {
	if c.Seller, err = object[call.Seller](t, tableSeller, id); errors.Is(err, call.ErrNotFound) {
		c.Buyer, err = object[call.Buyer](t, tableBuyer, id)
	}
	return c, err
}

// devicesPrefix is what the keys of an owner's devices begin with.
func devicesPrefix(owner string) []byte { return []byte(listDevices + owner + "\x00") }
