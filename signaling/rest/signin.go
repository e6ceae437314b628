package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"showroom/call"
	"showroom/signaling/rest/password"
)

const (
	secureCookie = "__Host-showroom" // of this host only, by https only (RFC 6265bis, section 4.1.3.2)
	plainCookie  = "showroom-session"
	maxAgent     = 200 // bytes of a browser's name
)

// newForgery is what tells requests of other sites' pages by Sec-Fetch-Site and Origin; how browsers reach us is ours whatever the proxy makes of Host.
func newForgery(origin string) (*http.CrossOriginProtection, error) {
	p := http.NewCrossOriginProtection()
	if origin == "" {
		return p, nil
	}
	return p, p.AddTrustedOrigin(origin)
}

// originOf is the origin of an address.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// cookieName depends on whether browsers reach us by https.
func (a *api) cookieName() string {
	if strings.HasPrefix(a.PublicURL, "https://") {
		return secureCookie
	}
	return plainCookie
}

// cookie has the secret of a session; an empty one removes it.
func (a *api) cookie(secret string) *http.Cookie {
	c := &http.Cookie{Name: a.cookieName(), Value: secret, Path: "/", MaxAge: int(call.SessionLife / time.Second), HttpOnly: true,
		Secure: a.cookieName() == secureCookie, SameSite: http.SameSiteStrictMode}
	if secret == "" {
		c.MaxAge = -1
	}
	return c
}

// sessionSecret is what the browser keeps, or empty.
func (a *api) sessionSecret(r *http.Request) string {
	c, err := r.Cookie(a.cookieName())
	if err != nil || len(c.Value) > maxCredential {
		return ""
	}
	return c.Value
}

// ownSite refuses what a page of another site has sent: the browser adds the cookie by itself. What is no browser passes.
func (a *api) ownSite(r *http.Request) error {
	site := r.Header.Get("Sec-Fetch-Site")
	if site != "" && site != "same-origin" && site != "none" || a.forgery.Check(r) != nil {
		return fail(codeForbidden, "a page of another site may not do this in your name")
	}
	return nil
}

// signedIn is whose session a secret opens, as a subject that is asked for by.
func (a *api) signedIn(ctx context.Context, by access, secret string) (subject, error) {
	session, u, err := a.Store.Session(ctx, secret)
	if errors.Is(err, call.ErrNotFound) {
		return subject{}, fail(codeUnauth, "the session has ended; sign in again")
	}
	if err != nil {
		return subject{}, fmt.Errorf("look up session: %w", err)
	}
	key := call.Key{ID: u.ID, Name: u.Name, Scope: u.Role, Seller: u.Seller}
	return subject{access: by, key: key, secret: secret, session: session, user: u}, nil
}

// usedSession notes in the store that a session was used. That it cannot be noted is no reason to refuse a request.
func (a *api) usedSession(r *request) {
	s := r.subject.session
	if r.now.Sub(s.UsedAt) < useStep {
		return
	}
	err := a.Store.UsedSession(r.Context(), s.User, s.ID, a.Address(r.Request))
	if err != nil && !errors.Is(err, call.ErrNotFound) { // it ended a moment ago
		a.Log.Warn("last use of a session not noted", "user", s.User, "session", s.ID, "err", err)
	}
}

// checkPassword says whose e-mail address and password these are, which is slow on purpose, and no slower or faster when there is no such user. Who
// tries too often waits, whatever they try: attempts are counted before they are checked, and given back when they were good.
func (a *api) checkPassword(r *request, email, text string) (u call.User, digest string, err error) {
	address := a.Address(r.Request)
	wait := max(a.failures.add(address, r.now), a.accounts.add(email, r.now))
	if wait > 0 {
		p := fail(codeRateLimited, "too many failed attempts; wait a while")
		p.retryAfter = wait
		return u, "", p
	}
	u, digest, err = a.Store.Account(r.Context(), email)
	if err != nil && !errors.Is(err, call.ErrNotFound) {
		return u, "", fmt.Errorf("look up user: %w", err)
	}
	good, err := password.Check(r.Context(), digest, text)
	switch {
	case errors.Is(err, password.ErrBusy):
		return u, "", fail(codeUnavailable, "too many sign in at the moment; try again shortly")
	case err != nil:
		return u, "", fmt.Errorf("check password: %w", err)
	case !good || !u.DisabledAt.IsZero():
		a.Log.Warn("sign-in failed", "user", u.ID, "address", address) // what was typed for an address may be a password
		return u, "", fail(codeUnauth, "the e-mail address or the password is wrong")
	}
	a.failures.forgive(address)
	a.accounts.forget(email)
	return u, digest, nil
}

func (a *api) signIn(r *request) (reply, error) {
	var in struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	if in.Email == "" {
		return reply{}, call.Invalid("email", "an e-mail address is needed")
	}
	if in.Password == "" {
		return reply{}, call.Invalid("password", "a password is needed")
	}
	u, digest, err := a.checkPassword(r, in.Email, in.Password)
	if err != nil {
		return reply{}, err
	}
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	secret, session, err := a.Store.OpenSession(r.Context(), u.ID, digest, a.Address(r.Request), strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], ""))
	if errors.Is(err, call.ErrNotFound) { // disabled, or another password since
		err = fail(codeUnauth, "the e-mail address or the password is wrong")
	}
	if err != nil {
		return reply{}, err
	}
	a.Log.Info("signed in", "user", u.ID, "session", session.ID, "address", session.From)
	if r.subject, err = a.signedIn(r.Context(), byAnyKey, secret); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, body: a.aboutMe(r.subject), cookie: a.cookie(secret)}, nil
}

func (a *api) signOut(r *request) (reply, error) {
	s := r.subject.session
	if err := a.Store.EndSession(r.Context(), s.User, s.ID); err != nil && !errors.Is(err, call.ErrNotFound) {
		return reply{}, err
	}
	a.Log.Info("signed out", "user", s.User, "session", s.ID)
	return reply{status: http.StatusNoContent, cookie: a.cookie("")}, nil
}

// checkNew says whether a user may have the new password.
func checkNew(text string, u call.User) error {
	switch {
	case !password.Long(text):
		return call.Invalid("password", fmt.Sprintf("%d to %d characters are needed", password.MinLength, password.MaxLength))
	case strings.EqualFold(text, u.Email), strings.EqualFold(text, u.Name):
		return call.Invalid("password", "not what everybody can guess")
	}
	return nil
}

// digestOf is the digest of a new password.
func digestOf(ctx context.Context, text string) (string, error) {
	digest, err := password.Digest(ctx, text)
	if errors.Is(err, password.ErrBusy) {
		err = fail(codeUnavailable, "too many sign in at the moment; try again shortly")
	}
	return digest, err
}

func (a *api) changePassword(r *request) (reply, error) {
	var in struct {
		Current  string `json:"current"`
		Password string `json:"password"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	u := r.subject.user
	if err := checkNew(in.Password, u); err != nil {
		return reply{}, err
	}
	_, old, err := a.checkPassword(r, u.Email, in.Current)
	if p := (*problem)(nil); errors.As(err, &p) && p.Code == codeUnauth {
		err = call.Invalid("current", "this is not your password")
	}
	if err != nil {
		return reply{}, err
	}
	digest, err := digestOf(r.Context(), in.Password)
	if err != nil {
		return reply{}, err
	}
	if err := a.Store.SetPassword(r.Context(), u.ID, old, digest, r.subject.session.ID); err != nil {
		return reply{}, err
	}
	a.Log.Info("password changed", "user", u.ID, "address", a.Address(r.Request))
	return reply{status: http.StatusNoContent}, nil
}

// readPasswordLink tells the holder of a link whose password it sets.
func (a *api) readPasswordLink(r *request) (reply, error) {
	return ok(struct {
		Email string `json:"email"`
		Name  string `json:"name"`
	}{r.subject.user.Email, r.subject.user.Name})
}

func (a *api) usePasswordLink(r *request) (reply, error) {
	var in struct {
		Password string `json:"password"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	if err := checkNew(in.Password, r.subject.user); err != nil {
		return reply{}, err
	}
	digest, err := digestOf(r.Context(), in.Password)
	if err != nil {
		return reply{}, err
	}
	u, err := a.Store.AcceptInvite(r.Context(), r.subject.secret, digest)
	if err != nil {
		return reply{}, invitedProblem(err)
	}
	a.accounts.forget(u.Email)
	a.Log.Info("password set by a link", "user", u.ID, "address", a.Address(r.Request))
	return reply{status: http.StatusNoContent}, nil
}

func invitedProblem(err error) error {
	if errors.Is(err, call.ErrNotFound) {
		return fail(codeTokenInvalid, "this link was used, has ended, or was replaced by a newer one")
	}
	return err
}
