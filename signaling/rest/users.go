package rest

import (
	"context"
	"net/http"
	"time"

	"showroom/call"
)

// Users keeps the people who sign in, and their sessions. What is not there, or does not hold, is [call.ErrNotFound]; secrets are returned once and
// nowhere kept.
type Users interface {
	AddUser(ctx context.Context, u call.User) (call.User, error)
	User(ctx context.Context, id string) (call.User, error)
	Users(ctx context.Context, after string, limit int) ([]call.User, string, error)
	// ChangeUser changes e-mail address, name, and whether the user is disabled, which ends the sessions.
	ChangeUser(ctx context.Context, id string, change func(call.User) (call.User, error)) (call.User, error)
	// Account is the user of an e-mail address and the digest of their password, empty if none was set.
	Account(ctx context.Context, email string) (u call.User, digest string, err error)
	InviteUser(ctx context.Context, id string, until time.Time) (secret string, err error)
	InvitedUser(ctx context.Context, secret string) (call.User, error)
	AcceptInvite(ctx context.Context, secret, digest string) (call.User, error)
	// SetPassword replaces the password of the digest old and ends all sessions but one.
	SetPassword(ctx context.Context, id, old, digest, keep string) error
	OpenSession(ctx context.Context, user, digest, from, agent string) (secret string, made call.Session, err error)
	Session(ctx context.Context, secret string) (call.Session, call.User, error)
	Sessions(ctx context.Context, user string) ([]call.Session, error)
	UsedSession(ctx context.Context, user, id, from string) error
	// EndSession ends one session, or with an empty id all of the user.
	EndSession(ctx context.Context, user, id string) error
}

// passwordLink is the one answer that has the address with which a user sets a password.
type passwordLink struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// newUser is a user with the first link.
type newUser struct {
	call.User
	PasswordLink passwordLink `json:"password_link"`
}

func (a *api) createUser(r *request) (reply, error) {
	var in struct {
		Email  string `json:"email"`
		Name   string `json:"name"`
		Role   string `json:"role"`
		Seller string `json:"seller"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	if in.Seller != "" && !isID("sell_", in.Seller) {
		return reply{}, call.Invalid("seller", "not the id of a seller, sell_…")
	}
	u, err := a.Store.AddUser(r.Context(), call.User{Email: in.Email, Name: in.Name, Role: in.Role, Seller: in.Seller, CreatedBy: r.subject.actor()})
	if err != nil {
		return reply{}, err
	}
	a.Log.Info("user made", "user", u.ID, "role", u.Role, "by", r.subject.actor())
	link, err := a.invite(r, u.ID)
	if err != nil {
		return reply{}, err
	}
	return created(newUser{u, link})
}

func (a *api) invite(r *request, id string) (passwordLink, error) {
	until := r.now.UTC().Add(call.InviteLife)
	secret, err := a.Store.InviteUser(r.Context(), id, until)
	if err != nil {
		return passwordLink{}, err
	}
	a.Log.Info("link to set a password made", "user", id, "by", r.subject.actor())
	return passwordLink{a.url("/console#password=" + secret), until}, nil
}

func (a *api) inviteUser(r *request) (reply, error) {
	id, err := r.pathID("user", "user_")
	if err != nil {
		return reply{}, err
	}
	link, err := a.invite(r, id)
	if err != nil {
		return reply{}, err
	}
	return created(link)
}

func (a *api) listUsers(r *request) (reply, error) {
	after, limit, err := paging(r.URL.Query())
	if err != nil {
		return reply{}, err
	}
	users, next, err := a.Store.Users(r.Context(), after, limit)
	if err != nil {
		return reply{}, err
	}
	return ok(page(users, next, func(u call.User) call.User { return u }))
}

func (a *api) readUser(r *request) (reply, error) {
	id, err := r.pathID("user", "user_")
	if err != nil {
		return reply{}, err
	}
	u, err := a.Store.User(r.Context(), id)
	if err != nil {
		return reply{}, err
	}
	return tagged(u)
}

func (a *api) changeUser(r *request) (reply, error) {
	id, err := r.pathID("user", "user_")
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Email    *string `json:"email"`
		Name     *string `json:"name"`
		Disabled *bool   `json:"disabled"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	u, err := a.Store.ChangeUser(r.Context(), id, func(u call.User) (call.User, error) {
		if err := r.ifMatch(u); err != nil {
			return u, err
		}
		u.Email, u.Name = or(in.Email, u.Email), or(in.Name, u.Name)
		switch disabled := or(in.Disabled, !u.DisabledAt.IsZero()); {
		case !disabled:
			u.DisabledAt = time.Time{}
		case u.DisabledAt.IsZero():
			u.DisabledAt = r.now
		}
		return u, nil
	})
	if err != nil {
		return reply{}, err
	}
	a.Log.Info("user changed", "user", u.ID, "disabled", !u.DisabledAt.IsZero(), "by", r.subject.actor())
	return tagged(u)
}

// shownSession is a session as it is shown.
type shownSession struct {
	call.Session
	ExpiresAt time.Time `json:"expires_at"`
	Current   bool      `json:"current,omitempty"` // the one that asks
}

// whose is the user whose sessions a request is about: the path's, or whoever asks.
func (r *request) whose() (string, error) {
	if r.subject.access == bySession {
		return r.subject.user.ID, nil
	}
	return r.pathID("user", "user_")
}

func (a *api) listSessions(r *request) (reply, error) {
	user, err := r.whose()
	if err != nil {
		return reply{}, err
	}
	all, err := a.Store.Sessions(r.Context(), user)
	if err != nil {
		return reply{}, err
	}
	return ok(page(all, "", func(s call.Session) shownSession {
		return shownSession{s, s.Ends(), s.ID == r.subject.session.ID}
	}))
}

func (a *api) endSession(r *request) (reply, error) {
	user, err := r.whose()
	if err != nil {
		return reply{}, err
	}
	id, err := r.pathID("session", "sess_")
	if err != nil {
		return reply{}, err
	}
	return a.endSessions(r, user, id)
}

func (a *api) endAllSessions(r *request) (reply, error) {
	user, err := r.whose()
	if err != nil {
		return reply{}, err
	}
	return a.endSessions(r, user, "")
}

func (a *api) endSessions(r *request, user, id string) (reply, error) {
	if err := a.Store.EndSession(r.Context(), user, id); err != nil {
		return reply{}, err
	}
	a.Log.Info("sessions ended", "user", user, "session", id, "by", r.subject.actor())
	return reply{status: http.StatusNoContent}, nil
}
