package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"showroom/call"
)

// person is a user with a password of that digest.
func (s *shop) person(t *testing.T, email, digest string) call.User {
	t.Helper()
	u := need(s.AddUser(s.ctx, call.User{Email: email, Name: email, Role: call.OperatorsRole}))(t)
	secret := need(s.InviteUser(s.ctx, u.ID, s.clock.Now().Add(call.InviteLife)))(t)
	return need(s.AcceptInvite(s.ctx, secret, digest))(t)
}

func TestUsers(t *testing.T) {
	s := openShop(t)
	for field, u := range map[string]call.User{
		"email":  {Email: "ana", Name: "Ana", Role: call.OperatorsRole},
		"name":   {Email: "ana@example.com", Role: call.OperatorsRole},
		"role":   {Email: "ana@example.com", Name: "Ana", Role: "crm"},
		"seller": {Email: "ana@example.com", Name: "Ana", Role: call.SellersRole},
	} {
		if invalid := (*call.InvalidError)(nil); !errors.As(errOf(s.AddUser(s.ctx, u)), &invalid) || invalid.Field != field {
			t.Errorf("%+v: %v", u, invalid)
		}
	}
	if _, err := s.AddUser(s.ctx, call.User{Email: "x@example.com", Name: "X", Role: call.SellersRole, Seller: "sell_none"}); !errors.Is(err, call.ErrNotFound) {
		t.Errorf("of no seller: %v", err)
	}
	var ids []string
	for _, email := range []string{"carla@example.com", " Ana@Example.com ", "bruno@example.com"} {
		ids = append(ids, need(s.AddUser(s.ctx, call.User{Email: email, Name: "N", Role: call.OperatorsRole}))(t).ID)
	}
	if _, err := s.AddUser(s.ctx, call.User{Email: "ANA@example.com", Name: "N", Role: call.OperatorsRole}); !errors.Is(err, call.ErrExists) {
		t.Errorf("the address again: %v", err)
	}
	first, next, err := s.Users(s.ctx, "", 2)
	if err != nil || len(first) != 2 || first[0].Email != "ana@example.com" || next != first[1].ID {
		t.Fatalf("%+v %q %v", first, next, err)
	}
	rest, next, err := s.Users(s.ctx, next, 2)
	if err != nil || len(rest) != 1 || rest[0].ID != ids[0] || next != "" {
		t.Errorf("%+v %q %v", rest, next, err)
	}
	if _, _, err := s.Users(s.ctx, "user_none", 2); err == nil {
		t.Error("a cursor of nobody")
	}
	rename := func(id, email string) error {
		return errOf(s.ChangeUser(s.ctx, id, func(u call.User) (call.User, error) { u.Email = email; return u, nil }))
	}
	if err := rename(ids[1], "bruno@example.com"); !errors.Is(err, call.ErrExists) {
		t.Errorf("another's address: %v", err)
	}
	if err := rename(ids[1], "zoe@example.com"); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Account(s.ctx, "ana@example.com"); !errors.Is(err, call.ErrNotFound) {
		t.Errorf("the old address: %v", err)
	}
	if u, digest, err := s.Account(s.ctx, " Zoe@example.com"); err != nil || u.ID != ids[1] || digest != "" {
		t.Errorf("%+v %q %v", u, digest, err)
	}
}

// TestLinksOfUsers: the newest link sets the password, once, and until it ends.
func TestLinksOfUsers(t *testing.T) {
	s := openShop(t)
	u := need(s.AddUser(s.ctx, call.User{Email: "ana@example.com", Name: "Ana", Role: call.OperatorsRole}))(t)
	invite := func() string { return need(s.InviteUser(s.ctx, u.ID, s.clock.Now().Add(time.Hour)))(t) }
	gone := func(secret string) {
		t.Helper()
		if _, err := s.AcceptInvite(s.ctx, secret, "digest"); !errors.Is(err, call.ErrNotFound) {
			t.Errorf("the link holds: %v", err)
		}
	}
	old, late := invite(), invite()
	gone(old)
	s.clock.Add(time.Hour)
	gone(late)
	link := invite()
	if got := need(s.InvitedUser(s.ctx, link))(t); got.ID != u.ID {
		t.Errorf("%+v", got)
	}
	if got := need(s.AcceptInvite(s.ctx, link, "digest"))(t); got.PasswordAt.IsZero() {
		t.Errorf("%+v", got)
	}
	gone(link)
	link = invite()
	secret, session, err := s.OpenSession(s.ctx, u.ID, "digest", "192.0.2.1", "Firefox")
	if err != nil {
		t.Fatal(err)
	}
	disable := func(at time.Time) {
		need(s.ChangeUser(s.ctx, u.ID, func(u call.User) (call.User, error) { u.DisabledAt = at; return u, nil }))(t)
	}
	disable(s.clock.Now())
	gone(link)
	for what, err := range map[string]error{"session": errOf2(s.Session(s.ctx, secret)), "sign-in": errOf2(s.OpenSession(s.ctx, u.ID, "digest", "", "")), "use": s.UsedSession(s.ctx, u.ID, session.ID, "")} {
		if !errors.Is(err, call.ErrNotFound) {
			t.Errorf("%s of a disabled user: %v", what, err)
		}
	}
	if _, err := s.InviteUser(s.ctx, u.ID, s.clock.Now().Add(time.Hour)); !errors.Is(err, call.ErrDisabled) {
		t.Errorf("link of a disabled user: %v", err)
	}
	disable(time.Time{})
	if _, _, err := s.Session(s.ctx, secret); !errors.Is(err, call.ErrNotFound) {
		t.Errorf("the session is back: %v", err)
	}
	if n := len(dumpPrefix(t, s.db, tableInvite)) + len(dumpPrefix(t, s.db, tableSession)) + len(dumpPrefix(t, s.db, listSessions)); n != 0 {
		t.Errorf("%d keys are left", n)
	}
}

func errOf2[T, U any](_ T, _ U, err error) error { return err }

func TestSessions(t *testing.T) {
	s := openShop(t)
	u := s.person(t, "ana@example.com", "digest")
	holds := func(secret string) bool {
		t.Helper()
		_, got, err := s.Session(s.ctx, secret)
		if err != nil && !errors.Is(err, call.ErrNotFound) || err == nil && got.ID != u.ID {
			t.Fatal(got, err)
		}
		return err == nil
	}
	if _, _, err := s.OpenSession(s.ctx, u.ID, "other digest", "", ""); !errors.Is(err, call.ErrNotFound) {
		t.Errorf("with a password of before: %v", err)
	}
	secret, session, err := s.OpenSession(s.ctx, u.ID, "digest", "192.0.2.1", "Firefox")
	if err != nil || !holds(secret) || holds(session.ID) {
		t.Fatal(err)
	}
	s.clock.Add(call.SessionIdle - time.Second)
	if err := s.UsedSession(s.ctx, u.ID, session.ID, "192.0.2.2"); err != nil || !holds(secret) {
		t.Fatal(err)
	}
	s.clock.Add(call.SessionIdle)
	if holds(secret) || !errors.Is(s.UsedSession(s.ctx, u.ID, session.ID, ""), call.ErrNotFound) {
		t.Error("the session outlives its idleness")
	}
	secret, session, _ = s.OpenSession(s.ctx, u.ID, "digest", "", "")
	if n := len(need(s.Sessions(s.ctx, u.ID))(t)); n != 1 || len(dumpPrefix(t, s.db, tableSession)) != 1 {
		t.Errorf("%d sessions: what has ended is not gone", n)
	}
	for at := time.Duration(0); at < call.SessionLife; at += time.Hour {
		if !holds(secret) {
			t.Fatalf("in use, it ended after %s", at)
		}
		s.clock.Add(time.Hour)
		_ = s.UsedSession(s.ctx, u.ID, session.ID, "")
	}
	if holds(secret) {
		t.Error("the session outlives its life")
	}
}

func TestSessionsAreFewAndEnd(t *testing.T) {
	s := openShop(t)
	u, other := s.person(t, "ana@example.com", "digest"), s.person(t, "bruno@example.com", "digest")
	var secrets []string
	var last call.Session
	for range maxSessions + 2 {
		secret, session, err := s.OpenSession(s.ctx, u.ID, "digest", "", "")
		if err != nil {
			t.Fatal(err)
		}
		secrets, last = append(secrets, secret), session
		s.clock.Add(time.Minute)
	}
	holding := func() (n int) {
		for _, secret := range secrets {
			if _, _, err := s.Session(s.ctx, secret); err == nil {
				n++
			}
		}
		return n
	}
	if n := holding(); n != maxSessions || errOf2(s.Session(s.ctx, secrets[0])) == nil {
		t.Errorf("%d sessions hold", n)
	}
	if err := s.EndSession(s.ctx, other.ID, last.ID); !errors.Is(err, call.ErrNotFound) || holding() != maxSessions {
		t.Errorf("another ended it: %v", err)
	}
	if err := s.SetPassword(s.ctx, u.ID, "wrong", "new", last.ID); !errors.Is(err, call.ErrNotFound) {
		t.Errorf("over a change: %v", err)
	}
	if err := s.SetPassword(s.ctx, u.ID, "digest", "new", last.ID); err != nil || holding() != 1 {
		t.Errorf("%v, %d hold after the change", err, holding())
	}
	if err := s.EndSession(s.ctx, u.ID, last.ID); err != nil || holding() != 0 {
		t.Errorf("%v, %d hold after the last ended", err, holding())
	}
	for i := range 3 {
		s.person(t, fmt.Sprintf("p%d@example.com", i), "digest")
	}
	need(s.AcceptInvite(s.ctx, need(s.InviteUser(s.ctx, u.ID, s.clock.Now().Add(time.Hour)))(t), "newest"))(t)
	if u, digest, err := s.Account(s.ctx, "ana@example.com"); err != nil || digest != "newest" || u.SignedInAt.IsZero() {
		t.Errorf("%+v %s %v", u, digest, err)
	}
}
