package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"showroom/call"
	"showroom/store/kv"
)

const maxSessions = 20 // of a user; the one unused for longest gives way

// sessionRecord is a session with the digest of the secret that opens it.
type sessionRecord struct {
	call.Session
	Digest []byte `json:"digest"`
}

// sessionRef is what the table of digests says: which session a secret opens.
type sessionRef struct {
	User string `json:"user"`
	ID   string `json:"id"`
}

// OpenSession signs a user in whose password has the digest. Its secret is returned and nowhere kept. A user who is disabled, or whose password
// was changed meanwhile, is call.ErrNotFound.
func (s *Store) OpenSession(ctx context.Context, user, digest, from, agent string) (secret string, made call.Session, err error) {
	secret = NewID("")
	_, err = s.withUser(ctx, user, func(t tx, r *userRecord) error {
		now := s.clock()
		if digest == "" || r.Password != digest || !r.DisabledAt.IsZero() {
			return call.ErrNotFound
		}
		all, err := t.sessions(user)
		if err != nil {
			return err
		}
		slices.SortFunc(all, func(x, y sessionRecord) int { return y.UsedAt.Compare(x.UsedAt) })
		for i, old := range all {
			if i >= maxSessions-1 || !old.Holds(now) {
				if err := t.dropSession(old); err != nil {
					return err
				}
			}
		}
		made = call.Session{ID: NewID("sess_"), User: user, CreatedAt: now, UsedAt: now, From: from, Agent: agent}
		r.SignedInAt, r.SignedInFrom = now, from
		session := sessionRecord{made, digestOf(secret)}
		if err := t.save(append([]byte(tableSession), session.Digest...), sessionRef{user, made.ID}); err != nil {
			return err
		}
		return t.putSession(session)
	})
	return secret, made, err
}

// Session is the session that the secret opens and its user, or call.ErrNotFound.
func (s *Store) Session(ctx context.Context, secret string) (session call.Session, u call.User, err error) {
	err = s.view(ctx, func(t tx) error {
		var ref sessionRef
		if err := t.load(digestKey(tableSession, secret), &ref); err != nil {
			return err
		}
		r, err := t.session(ref.User, ref.ID)
		if err != nil {
			return err
		}
		session = r.Session
		if u, err = object[call.User](t, tableUser, ref.User); err != nil {
			return err
		}
		if !session.Holds(s.clock()) || !u.DisabledAt.IsZero() {
			return call.ErrNotFound
		}
		return nil
	})
	return session, u, err
}

// Sessions are those of a user that hold, the one used last first.
func (s *Store) Sessions(ctx context.Context, user string) (all []call.Session, err error) {
	err = s.view(ctx, func(t tx) error {
		if _, err := t.userRecord(user); err != nil {
			return err
		}
		records, err := t.sessions(user)
		for _, r := range records {
			if r.Holds(s.clock()) {
				all = append(all, r.Session)
			}
		}
		return err
	})
	slices.SortFunc(all, func(x, y call.Session) int { return cmp.Or(y.UsedAt.Compare(x.UsedAt), cmp.Compare(x.ID, y.ID)) })
	return all, err
}

// UsedSession notes that a session is used now. One that has ended stays so.
func (s *Store) UsedSession(ctx context.Context, user, id, from string) error {
	return s.update(ctx, func(t tx) error {
		r, err := t.session(user, id)
		if err != nil {
			return err
		}
		if !r.Holds(s.clock()) {
			return call.ErrNotFound
		}
		r.UsedAt, r.From = s.clock(), from
		return t.putSession(r)
	})
}

// EndSession ends one session of a user, or call.ErrNotFound; an empty id ends all.
func (s *Store) EndSession(ctx context.Context, user, id string) error {
	return s.update(ctx, func(t tx) error {
		if _, err := t.userRecord(user); err != nil {
			return err
		}
		if id == "" {
			return t.endSessions(user, "")
		}
		r, err := t.session(user, id)
		if err != nil {
			return err
		}
		return t.dropSession(r)
	})
}

func sessionsPrefix(user string) []byte { return []byte(listSessions + user + "\x00") }

func (t tx) session(user, id string) (r sessionRecord, err error) {
	if !validID(user) || !validID(id) {
		return r, call.ErrNotFound
	}
	err = t.load(append(sessionsPrefix(user), id...), &r)
	return r, err
}

func (t tx) sessions(user string) (all []sessionRecord, err error) {
	for item, err := range t.Scan(kv.Prefix(sessionsPrefix(user))) {
		if err != nil {
			return nil, err
		}
		var r sessionRecord
		if err := json.Unmarshal(item.Value, &r); err != nil {
			return nil, fmt.Errorf("decode %q: %w", item.Key, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func (t tx) putSession(r sessionRecord) error {
	return t.save(append(sessionsPrefix(r.User), r.ID...), r)
}

func (t tx) dropSession(r sessionRecord) error {
	return errors.Join(t.Delete(append([]byte(tableSession), r.Digest...)), t.Delete(append(sessionsPrefix(r.User), r.ID...)))
}

// endSessions ends all sessions of a user but one.
func (t tx) endSessions(user, keep string) error {
	all, err := t.sessions(user)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.ID != keep {
			if err := t.dropSession(r); err != nil {
				return err
			}
		}
	}
	return nil
}
