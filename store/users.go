package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

const maxUsers = 10_000 // disabled ones included

// userRecord is a user with the digest of the password and of the link that sets one.
type userRecord struct {
	call.User
	Password string  `json:"password,omitempty"` // as package password writes it
	Link     linkRef `json:"link,omitzero"`
}

// linkRef is a one-time link; the newest is the only one.
type linkRef struct {
	Digest []byte    `json:"digest"`
	Until  time.Time `json:"until"`
}

// AddUser makes a user, who has no password yet. An e-mail address that another has is call.ErrExists.
func (s *Store) AddUser(ctx context.Context, u call.User) (made call.User, err error) {
	if u, err = u.Check(); err != nil {
		return made, err
	}
	err = s.update(ctx, func(t tx) error {
		if u.Seller != "" {
			if _, err := object[call.Seller](t, tableSeller, u.Seller); err != nil {
				return unknown("seller", err)
			}
		}
		n := 0
		for _, err := range t.Scan(kv.Prefix([]byte(tableUser))) {
			if n++; err != nil || n >= maxUsers {
				return errOr(err, call.ErrTooMany)
			}
		}
		made = call.User{ID: NewID("user_"), Email: u.Email, Name: u.Name, Role: u.Role, Seller: u.Seller, CreatedAt: s.clock(), CreatedBy: u.CreatedBy}
		return t.putUser(call.User{}, userRecord{User: made})
	})
	return made, err
}

// User returns a user, or call.ErrNotFound.
func (s *Store) User(ctx context.Context, id string) (call.User, error) {
	return read[call.User](ctx, s, tableUser, id)
}

// Users returns up to limit users by their e-mail addresses, and the cursor of those behind them: empty when there are none. A cursor
// that is no user is a call.InvalidError of the field after.
func (s *Store) Users(ctx context.Context, after string, limit int) (all []call.User, next string, err error) {
	err = s.view(ctx, func(t tx) error {
		r := kv.Prefix([]byte(listUsers))
		if after != "" {
			last, err := object[call.User](t, tableUser, after)
			if errors.Is(err, call.ErrNotFound) {
				return call.Invalid("after", `not a cursor of this list; take it from "next" of the page before`)
			}
			if err != nil {
				return err
			}
			r.From = append(userKey(last.Email), 0)
		}
		for item, err := range t.Scan(r) {
			if err != nil {
				return err
			}
			if len(all) == limit {
				next = all[limit-1].ID
				return nil
			}
			u, err := object[call.User](t, tableUser, string(item.Value))
			if err != nil {
				return fmt.Errorf("user %s: %w", item.Value, err)
			}
			all = append(all, u)
		}
		return nil
	})
	return all, next, err
}

// Account is the user of an e-mail address with the digest of their password, which is empty when none was set, or call.ErrNotFound.
func (s *Store) Account(ctx context.Context, email string) (u call.User, digest string, err error) {
	err = s.view(ctx, func(t tx) error {
		key := userKey(strings.ToLower(strings.TrimSpace(email)))
		if len(key) > kv.MaxKey {
			return call.ErrNotFound
		}
		id, err := t.Get(key)
		if errors.Is(err, kv.ErrNotFound) {
			return call.ErrNotFound
		}
		if err != nil {
			return err
		}
		r, err := t.userRecord(string(id))
		u, digest = r.User, r.Password
		return err
	})
	return u, digest, err
}

// ChangeUser replaces name, e-mail address and whether a user is disabled by what change makes of them. Disabling ends all sessions and the link.
func (s *Store) ChangeUser(ctx context.Context, id string, change func(call.User) (call.User, error)) (u call.User, err error) {
	return s.withUser(ctx, id, func(t tx, r *userRecord) error {
		to, err := change(r.User)
		if err != nil {
			return err
		}
		if to, err = to.Check(); err != nil {
			return err
		}
		r.Email, r.Name = to.Email, to.Name
		switch {
		case to.DisabledAt.IsZero():
			r.DisabledAt = time.Time{}
		case r.DisabledAt.IsZero():
			r.DisabledAt = s.clock()
			return errors.Join(t.dropLink(r), t.endSessions(id, ""))
		}
		return nil
	})
}

// InviteUser makes a link's secret with which a user sets a password, once and until then. It is returned and nowhere kept; an older one is worthless.
func (s *Store) InviteUser(ctx context.Context, id string, until time.Time) (secret string, err error) {
	secret = NewID("")
	_, err = s.withUser(ctx, id, func(t tx, r *userRecord) error {
		if !r.DisabledAt.IsZero() {
			return call.ErrDisabled
		}
		if err := t.dropLink(r); err != nil {
			return err
		}
		r.Link = linkRef{Digest: digestOf(secret), Until: until}
		return t.Put(append([]byte(tableInvite), r.Link.Digest...), []byte(id))
	})
	return secret, err
}

// InvitedUser is the user whom a link's secret lets set a password, or call.ErrNotFound.
func (s *Store) InvitedUser(ctx context.Context, secret string) (u call.User, err error) {
	err = s.view(ctx, func(t tx) error {
		r, err := t.invited(secret, s.clock())
		u = r.User
		return err
	})
	return u, err
}

// AcceptInvite sets the password of whom the secret is for, and makes it worthless. All sessions end.
func (s *Store) AcceptInvite(ctx context.Context, secret, digest string) (u call.User, err error) {
	err = s.update(ctx, func(t tx) error {
		r, err := t.invited(secret, s.clock())
		if err != nil {
			return err
		}
		if err := errors.Join(t.dropLink(&r), t.endSessions(r.ID, "")); err != nil {
			return err
		}
		r.Password, r.PasswordAt = digest, s.clock()
		u = r.User
		return t.putUser(r.User, r)
	})
	return u, err
}

// SetPassword replaces the password that has the digest old. All sessions but one end. If it was changed meanwhile: call.ErrNotFound.
func (s *Store) SetPassword(ctx context.Context, id, old, digest, keep string) error {
	_, err := s.withUser(ctx, id, func(t tx, r *userRecord) error {
		if r.Password != old {
			return call.ErrNotFound
		}
		r.Password, r.PasswordAt = digest, s.clock()
		return errors.Join(t.dropLink(r), t.endSessions(id, keep))
	})
	return err
}

func (s *Store) withUser(ctx context.Context, id string, change func(tx, *userRecord) error) (u call.User, err error) {
	err = s.update(ctx, func(t tx) error {
		r, err := t.userRecord(id)
		if err != nil {
			return err
		}
		before := r.User
		if err := change(t, &r); err != nil {
			return err
		}
		u = r.User
		return t.putUser(before, r)
	})
	return u, err
}

func (t tx) userRecord(id string) (userRecord, error) { return object[userRecord](t, tableUser, id) }

// invited is whose secret it is, while it holds.
func (t tx) invited(secret string, now time.Time) (r userRecord, err error) {
	digest := digestOf(secret)
	id, err := t.Get(append([]byte(tableInvite), digest...))
	if errors.Is(err, kv.ErrNotFound) {
		return r, call.ErrNotFound
	}
	if err != nil {
		return r, err
	}
	r, err = t.userRecord(string(id))
	if err == nil && (!bytes.Equal(r.Link.Digest, digest) || !now.Before(r.Link.Until)) {
		err = call.ErrNotFound
	}
	return r, err
}

func (t tx) dropLink(r *userRecord) error {
	digest := r.Link.Digest
	r.Link = linkRef{}
	return t.Delete(append([]byte(tableInvite), digest...))
}

func (t tx) putUser(before call.User, r userRecord) error {
	if before.Email != r.Email {
		switch _, err := t.Get(userKey(r.Email)); {
		case err == nil:
			return fmt.Errorf("%w: %w", call.Invalid("email", "another user has this e-mail address"), call.ErrExists)
		case !errors.Is(err, kv.ErrNotFound):
			return err
		}
		if before.Email != "" {
			if err := t.Delete(userKey(before.Email)); err != nil {
				return err
			}
		}
		if err := t.Put(userKey(r.Email), []byte(r.ID)); err != nil {
			return err
		}
	}
	return t.save(idKey(tableUser, r.ID), r)
}

func userKey(email string) []byte { return []byte(listUsers + email) }
