package rest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"showroom/call"
)

// people are the users of a [memory], their links and sessions, by id and secret.
type people struct {
	users    map[string]call.User
	digests  map[string]string
	links    map[string]string // user
	sessions map[string]call.Session
}

func newPeople() people {
	return people{map[string]call.User{}, map[string]string{}, map[string]string{}, map[string]call.Session{}}
}

func (m *memory) AddUser(_ context.Context, u call.User) (call.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, err := u.Check()
	if _, known := m.sellers[u.Seller]; err == nil && u.Seller != "" && !known {
		err = call.Invalid("seller", "there is no such seller")
	}
	for _, other := range m.users {
		if other.Email == u.Email {
			err = cmp.Or(err, call.Invalid("email", "another user has this e-mail address"))
		}
	}
	if err = cmp.Or(m.broken, err); err != nil {
		return u, err
	}
	u.ID, u.CreatedAt = newID("user_"), m.now()
	m.users[u.ID] = u
	return u, nil
}

func (m *memory) User(_ context.Context, id string) (call.User, error) { return find(m, m.users, id) }

func (m *memory) Users(_ context.Context, after string, limit int) ([]call.User, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []call.User
	for _, u := range m.users {
		all = append(all, u)
	}
	slices.SortFunc(all, func(x, y call.User) int { return cmp.Compare(x.Email, y.Email) })
	return cut(all, after, limit)
}

// withUser changes a user.
func (m *memory) withUser(id string, change func(*call.User) error) (call.User, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, ok := m.users[id]
	if !ok {
		return u, call.ErrNotFound
	}
	if err := cmp.Or(m.broken, change(&u)); err != nil {
		return u, err
	}
	m.users[id] = u
	return u, nil
}

// end removes sessions of a user but one. The caller holds mu.
func (m *memory) end(user, keep string) {
	for secret, s := range m.sessions {
		if s.User == user && s.ID != keep {
			delete(m.sessions, secret)
		}
	}
}

func (m *memory) ChangeUser(_ context.Context, id string, change func(call.User) (call.User, error)) (call.User, error) {
	return m.withUser(id, func(u *call.User) (err error) {
		if *u, err = change(*u); err == nil && !u.DisabledAt.IsZero() {
			m.end(id, "")
		}
		return err
	})
}

func (m *memory) Account(_ context.Context, email string) (call.User, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, u := range m.users {
		if u.Email == strings.ToLower(strings.TrimSpace(email)) {
			return u, m.digests[id], m.broken
		}
	}
	return call.User{}, "", cmp.Or(m.broken, call.ErrNotFound)
}

func (m *memory) InviteUser(_ context.Context, id string, _ time.Time) (secret string, err error) {
	_, err = m.withUser(id, func(u *call.User) error {
		if !u.DisabledAt.IsZero() {
			return call.ErrDisabled
		}
		secret = newID("")
		m.links[secret] = id
		return nil
	})
	return secret, err
}

func (m *memory) InvitedUser(ctx context.Context, secret string) (call.User, error) {
	id, err := find(m, m.links, secret)
	if err != nil {
		return call.User{}, err
	}
	return m.User(ctx, id)
}

func (m *memory) AcceptInvite(_ context.Context, secret, digest string) (call.User, error) {
	id, err := find(m, m.links, secret)
	if err != nil {
		return call.User{}, err
	}
	return m.withUser(id, func(u *call.User) error {
		delete(m.links, secret)
		m.digests[id], u.PasswordAt = digest, m.now()
		m.end(id, "")
		return nil
	})
}

func (m *memory) SetPassword(_ context.Context, id, old, digest, keep string) error {
	_, err := m.withUser(id, func(*call.User) error {
		if m.digests[id] != old {
			return call.ErrNotFound
		}
		m.digests[id] = digest
		m.end(id, keep)
		return nil
	})
	return err
}

func (m *memory) OpenSession(_ context.Context, id, digest, from, agent string) (secret string, s call.Session, err error) {
	_, err = m.withUser(id, func(u *call.User) error {
		if digest != m.digests[id] || !u.DisabledAt.IsZero() {
			return call.ErrNotFound
		}
		secret, s = newID(""), call.Session{ID: newID("sess_"), User: id, CreatedAt: m.now(), UsedAt: m.now(), From: from, Agent: agent}
		m.sessions[secret] = s
		return nil
	})
	return secret, s, err
}

func (m *memory) Session(ctx context.Context, secret string) (call.Session, call.User, error) {
	s, err := find(m, m.sessions, secret)
	if err == nil && !s.Holds(m.now()) {
		err = call.ErrNotFound
	}
	if err != nil {
		return s, call.User{}, err
	}
	u, err := m.User(ctx, s.User)
	return s, u, err
}

func (m *memory) Sessions(_ context.Context, user string) (all []call.Session, err error) {
	_, err = m.withUser(user, func(*call.User) error {
		for _, s := range m.sessions {
			if s.User == user {
				all = append(all, s)
			}
		}
		return nil
	})
	return all, err
}

func (m *memory) UsedSession(_ context.Context, _, id, from string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for secret, s := range m.sessions {
		if s.ID == id {
			s.UsedAt, s.From = m.now(), from
			m.sessions[secret] = s
		}
	}
	return m.broken
}

func (m *memory) EndSession(_ context.Context, user, id string) error {
	_, err := m.withUser(user, func(*call.User) error {
		if id == "" {
			m.end(user, "")
			return nil
		}
		for secret, s := range m.sessions {
			if s.User == user && s.ID == id {
				delete(m.sessions, secret)
				return nil
			}
		}
		return call.ErrNotFound
	})
	return err
}
