package static

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// people is the part of the API that is about who signs in, by docs/http-api.md; what else is asked goes to a crm.
type people struct {
	mu       sync.Mutex
	crm      *crm
	password map[string]string // by e-mail address
	links    map[string]string // to set a password: token, e-mail address
	sessions map[string]string // of cookies
	asked    []string
	disabled bool
}

var may = map[string][]string{
	"operator": nil, // everything: see API.may
	"seller": {"GET /me", "GET /sellers", "GET /sellers/{id}", "GET /sellers/{id}/usage", "GET /conferences", "GET /conferences/{conference}", "POST /conferences", "POST /buyers",
		"POST /conferences/{conference}/links", "POST /conferences/{conference}/cancel", "PATCH /conferences/{conference}"},
}

func (p *people) me(email string) message {
	role, _, _ := strings.Cut(email, "@")
	m := message{"id": "user_" + role, "name": "Ana Souza", "email": email, "scope": role, "session": "sess_1"}
	if may[role] != nil {
		m["may"], m["seller"] = may[role], "sell_1"
	}
	return m
}

func (p *people) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1")
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, r.Method+" "+path)
	say := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if v != nil {
			_ = json.NewEncoder(w).Encode(v)
		}
	}
	var in struct{ Email, Password, Current, Role string }
	bearer := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	email := ""
	if c, err := r.Cookie("showroom-session"); err == nil && r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		email = p.sessions[c.Value]
	}
	known := strings.HasPrefix(path, "/session") || strings.HasPrefix(path, "/password-link") || strings.HasPrefix(path, "/users") || strings.HasPrefix(path, "/me")
	if known && r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&in)
	}
	switch r.Method + " " + path {
	case "POST /session":
		if p.password[in.Email] == "" || p.password[in.Email] != in.Password {
			say(401, problem{401, "unauthorized", "wrong"})
			return
		}
		p.sessions["of-"+in.Email] = in.Email
		http.SetCookie(w, &http.Cookie{Name: "showroom-session", Value: "of-" + in.Email, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		say(201, p.me(in.Email))
		return
	case "GET /password-link", "POST /password-link":
		to := p.links[bearer]
		switch {
		case to == "":
			say(401, problem{401, "token_invalid", "gone"})
		case r.Method == http.MethodGet:
			say(200, message{"email": to, "name": "Ana Souza"})
		default:
			p.password[to] = in.Password
			delete(p.links, bearer)
			say(204, nil)
		}
		return
	}
	if email == "" {
		say(401, problem{401, "unauthorized", "The session has ended."})
		return
	}
	one := message{"id": "user_seller", "name": "Ana Souza", "email": "seller@example.com", "role": "seller", "seller": "sell_1", "password_at": "2026-11-20T15:00:00Z",
		"signed_in_at": "2026-11-20T15:00:00Z", "signed_in_from": "192.0.2.1"}
	if p.disabled {
		one["disabled_at"] = "2026-11-20T16:00:00Z"
	}
	link := message{"url": "https://HOST/console#password=fresh", "expires_at": "2026-11-23T15:00:00Z"}
	session := message{"id": "sess_1", "user": "user_operator", "created_at": "2026-11-20T15:00:00Z", "used_at": time.Now().UTC(), "from": "192.0.2.1", "agent": r.UserAgent(), "current": true}
	switch r.Method + " " + path {
	case "GET /me":
		say(200, p.me(email))
	case "DELETE /session":
		clear(p.sessions)
		http.SetCookie(w, &http.Cookie{Name: "showroom-session", Path: "/", MaxAge: -1})
		say(204, nil)
	case "GET /me/sessions":
		other := message{"id": "sess_2", "user": "user_operator", "created_at": "2026-11-19T15:00:00Z", "used_at": "2026-11-19T16:00:00Z", "from": "2001:db8::7", "agent": "Mozilla/5.0 (iPhone) Safari/604.1"}
		say(200, list([]message{session, other}))
	case "POST /me/password":
		if p.password[email] != in.Current {
			say(422, message{"status": 422, "code": "invalid", "field": "current", "detail": "current: this is not your password"})
			return
		}
		p.password[email] = in.Password
		say(204, nil)
	case "GET /users":
		say(200, list([]message{{"id": "user_operator", "name": "Ana Souza", "email": email, "role": "operator", "password_at": "2026-11-20T15:00:00Z"}, one, {"id": "user_new", "name": "Caio Dias", "email": "caio@example.com", "role": "operator"}}))
	case "POST /users":
		say(201, message{"id": "user_3", "name": "Davi", "email": in.Email, "role": in.Role, "password_link": link})
	case "PATCH /users/user_seller":
		p.disabled = !p.disabled
		say(200, one)
	case "POST /users/user_seller/password-link":
		say(201, link)
	default:
		r.Header.Set("Authorization", "Bearer sk_good")
		p.crm.ServeHTTP(w, r)
	}
}

func (p *people) wasAsked(operation string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.asked, operation)
}

// TestSignIn: a link sets the password and signs in; an operator makes people; a seller sees what is theirs and no button that would be refused.
func TestSignIn(t *testing.T) {
	p := &people{crm: &crm{state: "scheduled", sellers: []message{{"id": "sell_1", "name": "Ana Souza", "monthly_minutes": 600, "email": "ana@example.com"}}},
		password: map[string]string{"seller@example.com": "volta pelo carro"}, links: map[string]string{"once": "operator@example.com"}, sessions: map[string]string{}}
	f := newFake(t, p)
	b := newTab(t)
	b.open(f.url + "/console")
	b.until(visible("sign-in") + " && document.activeElement.name === 'email'")
	b.shot("signin")
	fillIn(b, "sign-in", map[string]string{"email": "seller@example.com", "password": "guess"})
	b.until(element("sign-in-error") + ".textContent.includes('wrong')")
	b.shot("signin-wrong")
	b.run("location.hash = '#password=gone'")
	b.until(element("sign-in-error") + ".textContent.includes('replaced')")

	b.run("location.hash = '#password=once'")
	b.until(visible("set-password"))
	if got := b.text("location.href"); strings.Contains(got, "once") {
		t.Errorf("the link stays in the address: %s", got)
	}
	b.shot("signin-set-password")
	fillIn(b, "set-password", map[string]string{"password": "outra volta no carro", "again": "outra"})
	b.until(element("set-password-error") + ".textContent !== ''")
	fillIn(b, "set-password", map[string]string{"password": "outra volta no carro", "again": "outra volta no carro"})
	b.until(visible("nav-users") + " && " + visible("nav-keys") + " && " + visible("new-conference"))
	b.shot("signin-operator")

	b.click("nav-users")
	b.until(`document.querySelectorAll('[data-testid="user-row"]').length === 3`)
	fillIn(b, "user-form", map[string]string{"name": "Davi", "email": "davi@example.com", "role": "operator"})
	b.until(element("password-link") + ".value.endsWith('#password=fresh')")
	b.shot("signin-users")
	b.click("disable")
	b.click("disable")
	b.until(visible("enable"))
	b.click("nav-account")
	b.until(`document.querySelectorAll('[data-testid="session"]').length === 2`)
	fillIn(b, "password-form", map[string]string{"current": "x", "password": "mais uma volta", "again": "mais uma volta"})
	b.until(element("form-error") + ".textContent.includes('not your password')")
	fillIn(b, "password-form", map[string]string{"current": "outra volta no carro"})
	b.until(element("password-saved") + ".textContent !== ''")
	b.shot("signin-account")
	b.click("sign-out")
	b.until(visible("sign-in") + " && !" + visible("nav-account"))
	b.open(f.url + "/console") // nothing of it is left
	b.until(visible("sign-in"))
	p.mu.Lock()
	p.asked = nil
	p.mu.Unlock()

	fillIn(b, "sign-in", map[string]string{"email": "seller@example.com", "password": "volta pelo carro"})
	b.until(visible("new-conference"))
	for _, id := range []string{"nav-users", "nav-keys", "nav-webhooks", "nav-outbox"} {
		if b.text(visible(id)) != "false" {
			t.Errorf("a seller is shown %s", id)
		}
	}
	b.shot("signin-seller")
	b.click("nav-sellers")
	b.until(visible("used") + " && !" + visible("seller-form"))
	b.shot("signin-seller-minutes")
	b.run("location.hash = '#/new'")
	b.until(visible("conference-form") + " && !" + visible("seller"))
	fillIn(b, "conference-form", map[string]string{"subject": "Hatchback 2023", "buyer_name": "Bruno Lima", "starts_at": "2026-11-20T15:00"})
	b.until(visible("cancel") + " && " + visible("link-buyer"))
	p.crm.set("finished")
	b.until(visible("recording-length") + " && !" + visible("delete-recording") + " && !" + visible("compose"))
	b.shot("signin-seller-conference")
	p.mu.Lock()
	clear(p.sessions)
	p.mu.Unlock()
	b.run("location.hash = '#/'")
	b.until(element("sign-in-error") + ".textContent.includes('ended')")
	for _, operation := range []string{"GET /storage", "GET /buyers", "GET /users"} {
		if p.wasAsked(operation) {
			t.Errorf("a seller's console asks for %s", operation)
		}
	}
}
