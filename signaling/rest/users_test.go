package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"showroom/call"
)

// TestUsers is a seller's user from the operator's hand to the end.
func TestUsers(t *testing.T) {
	b := newBench(t)
	seller := b.want(201, "POST", "/sellers", `{"name": "Ana", "monthly_minutes": 1}`).str("id")
	for _, c := range []struct{ body, field string }{
		{`{"name": "A", "role": "operator"}`, "email"},
		{`{"email": "a@example.com", "role": "operator"}`, "name"},
		{`{"email": "a@example.com", "name": "A", "role": "crm"}`, "role"},
		{`{"email": "a@example.com", "name": "A", "role": "seller"}`, "seller"},
		{`{"email": "a@example.com", "name": "A", "role": "seller", "seller": "buy_x"}`, "seller"},
		{`{"email": "a@example.com", "name": "A", "role": "operator", "seller": "` + seller + `"}`, "seller"},
	} {
		if a := b.want(422, "POST", "/users", c.body); a.str("field") != c.field {
			t.Errorf("%s: %s", c.body, a.Body)
		}
	}
	made := b.want(201, "POST", "/users", `{"email": "Ana@example.com", "name": "Ana", "role": "seller", "seller": "`+seller+`"}`)
	id, token := made.str("id"), linkToken(t, made.body["password_link"])
	if a := b.want(422, "POST", "/users", `{"email": "ana@example.com", "name": "Ana", "role": "operator"}`); a.str("field") != "email" {
		t.Errorf("%s", a.Body)
	}
	b.wantAs(401, "", "POST", "/session", `{"email": "ana@example.com", "password": "volta pelo carro"}`)
	if a := b.wantAs(200, token, "GET", "/password-link", ""); a.str("email") != "ana@example.com" {
		t.Errorf("%s", a.Body)
	}
	for _, bad := range []string{"short", "ANA@example.com", strings.Repeat("x", 201)} {
		if a := b.wantAs(422, token, "POST", "/password-link", `{"password": "`+bad+`"}`); a.str("field") != "password" {
			t.Errorf("%s: %s", bad, a.Body)
		}
	}
	b.wantAs(204, token, "POST", "/password-link", `{"password": "volta pelo carro"}`)
	if a := b.wantAs(401, token, "POST", "/password-link", `{"password": "volta pelo carro"}`); a.code() != "token_invalid" {
		t.Errorf("a link is good twice: %s", a.Body)
	}

	in := b.wantAs(201, "", "POST", "/session", `{"email": " Ana@Example.com", "password": "volta pelo carro"}`, "User-Agent", "Firefox "+strings.Repeat("x", 300))
	cookie := cookieOf(t, in)
	as := func(status int, method, path, body string) answer {
		t.Helper()
		return b.wantAs(status, "", method, path, body, "Cookie", cookie, "Sec-Fetch-Site", "same-origin")
	}
	me := as(200, "GET", "/me", "")
	if me.str("id") != id || me.str("scope") != "seller" || me.str("seller") != seller || me.str("email") != "ana@example.com" || me.Body.String() != in.Body.String() {
		t.Errorf("me: %s", me.Body)
	}
	as(403, "POST", "/users", `{"email": "b@example.com", "name": "B", "role": "operator"}`)
	buyer := as(201, "POST", "/buyers", `{"name": "Bruno"}`)
	if log := b.store.log[len(b.store.log)-1]; log.Actor != id {
		t.Errorf("the log says %q did it", log.Actor)
	}
	if b.store.buyers[buyer.str("id")].Seller != seller {
		t.Errorf("the buyer is not the seller's: %s", buyer.Body)
	}
	sessions := as(200, "GET", "/me/sessions", "").body["data"].([]any)
	if s := sessions[0].(map[string]any); len(sessions) != 1 || s["current"] != true || s["expires_at"] != "2026-11-21T00:00:00Z" || len(s["agent"].(string)) != maxAgent {
		t.Errorf("sessions: %v", sessions)
	}
	second := cookieOf(t, b.wantAs(201, "", "POST", "/session", `{"email": "ana@example.com", "password": "volta pelo carro"}`))
	if a := as(422, "POST", "/me/password", `{"current": "outra volta no carro", "password": "outra volta no carro"}`); a.str("field") != "current" {
		t.Errorf("%s", a.Body)
	}
	as(204, "POST", "/me/password", `{"current": "volta pelo carro", "password": "outra volta no carro"}`)
	as(200, "GET", "/me", "")
	b.wantAs(401, "", "GET", "/me", "", "Cookie", second)
	b.wantAs(401, "", "POST", "/session", `{"email": "ana@example.com", "password": "volta pelo carro"}`)

	out := as(204, "DELETE", "/session", "")
	if c := out.Result().Cookies()[0]; c.MaxAge >= 0 || c.Value != "" {
		t.Errorf("the cookie stays: %v", c)
	}
	as(401, "GET", "/me", "")
	cookie = cookieOf(t, b.wantAs(201, "", "POST", "/session", `{"email": "ana@example.com", "password": "outra volta no carro"}`))
	tag := b.want(200, "GET", "/users/"+id, "").Header().Get("ETag")
	b.want(412, "PATCH", "/users/"+id, `{"disabled": true}`, "If-Match", `"x"`)
	if a := b.want(200, "PATCH", "/users/"+id, `{"disabled": true}`, "If-Match", tag); a.str("disabled_at") == "" {
		t.Errorf("%s", a.Body)
	}
	as(401, "GET", "/me", "")
	b.wantAs(401, "", "POST", "/session", `{"email": "ana@example.com", "password": "outra volta no carro"}`)
	b.want(409, "POST", "/users/"+id+"/password-link", "")
	b.want(200, "PATCH", "/users/"+id, `{"disabled": false, "name": "Ana Souza"}`)
	cookie = cookieOf(t, b.wantAs(201, "", "POST", "/session", `{"email": "ana@example.com", "password": "outra volta no carro"}`))
	if a := b.want(200, "GET", "/users/"+id+"/sessions", ""); len(a.body["data"].([]any)) != 1 {
		t.Errorf("%s", a.Body)
	}
	b.want(204, "DELETE", "/users/"+id+"/sessions", "")
	as(401, "GET", "/me", "")
	for _, secret := range []string{"volta", token, cookie, second} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
	for _, line := range []string{"user made", "password set by a link", "signed in", "sign-in failed", "password changed", "signed out", "user changed", "sessions ended"} {
		if !strings.Contains(b.log.String(), line) {
			t.Errorf("the log does not say: %s", line)
		}
	}
}

func linkToken(t *testing.T, link any) string {
	t.Helper()
	address := link.(map[string]any)["url"].(string)
	_, token, ok := strings.Cut(address, "https://meet.example/console#password=")
	if !ok {
		t.Fatal(address)
	}
	return token
}

// cookieOf is the header of a browser that got the answer.
func cookieOf(t *testing.T, a answer) string {
	t.Helper()
	all := a.Result().Cookies()
	if len(all) != 1 {
		t.Fatalf("cookies: %v", all)
	}
	c := all[0]
	if c.Name != "__Host-showroom" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 7*24*3600 {
		t.Errorf("cookie: %+v", c)
	}
	return c.Name + "=" + c.Value
}

// TestPlainCookie: by http the cookie has another name, and one of the https name opens nothing.
func TestPlainCookie(t *testing.T) {
	b := newBench(t)
	b.config.PublicURL = "http://localhost:8080"
	b.restart()
	v := b.visit()
	c := b.wantAs(201, "", "POST", "/session", `{"email": "`+v.email+`", "password": "`+benchPassword+`"}`).Result().Cookies()[0]
	if c.Name != plainCookie || c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
		t.Errorf("%+v", c)
	}
	b.wantAs(200, "", "GET", "/me", "", "Cookie", v.cookie)
	b.wantAs(401, "", "GET", "/me", "", "Cookie", secureCookie+"="+c.Value)
}

// TestOtherSites: a browser sends the cookie along with what another site's page asks; that opens nothing, with any method, on any route.
func TestOtherSites(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	_, _, operator := b.signIn(ScopeOperator, "")
	for _, rt := range b.handler.(*api).routes() {
		if !rt.access.isKey() && rt.access != bySession && rt.access != byAnyone {
			continue
		}
		path, body := b.fill(rt, v)
		for name, header := range map[string][]string{
			"another site":              {"Sec-Fetch-Site", "cross-site"},
			"a subdomain":               {"Sec-Fetch-Site", "same-site", "Origin", "https://blog.meet.example"},
			"an old browser, POST only": {"Origin", "https://evil.example"},
			"no origin":                 {"Origin", "null"},
		} {
			if len(header) == 2 && header[0] == "Origin" && rt.method == http.MethodGet {
				continue // reads only, and the page cannot read the answer
			}
			a := b.wantAs(403, "", rt.method, path, body, append([]string{"Cookie", operator, "Content-Type", "text/plain"}, header...)...)
			if a.code() != "forbidden" || a.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s, %s %s: %v %s", name, rt.method, rt.path, a.Header(), a.Body)
			}
		}
	}
	// Whatever the proxy made of Host, the public address is ours; and keys need no guard.
	b.wantAs(201, "", "POST", "/sellers", `{"name": "A", "monthly_minutes": 1}`, "Cookie", operator, "Origin", "https://meet.example")
	b.wantAs(201, "", "POST", "/sellers", `{"name": "A", "monthly_minutes": 1}`, "Cookie", operator, "Sec-Fetch-Site", "none")
	b.wantAs(201, fullKey, "POST", "/sellers", `{"name": "A", "monthly_minutes": 1}`, "Sec-Fetch-Site", "cross-site", "Origin", "https://crm.example")
	// A key that is sent counts, and not the cookie beside it.
	b.wantAs(403, v.secret, "GET", "/keys", "", "Cookie", operator)
	b.wantAs(401, "sk_guess", "GET", "/keys", "", "Cookie", operator)
}

// TestSessionsEnd: after 12 hours without use, whatever is asked in the last of them.
func TestSessionsEnd(t *testing.T) {
	b := newBench(t)
	_, _, cookie := b.signIn(ScopeOperator, "")
	for range 3 {
		b.now = b.now.Add(call.SessionIdle - time.Second)
		b.wantAs(200, "", "GET", "/keys", "", "Cookie", cookie)
	}
	b.now = b.now.Add(call.SessionIdle)
	for range maxFailures + 5 { // a page that is still open guesses nothing
		b.wantAs(401, "", "GET", "/keys", "", "Cookie", cookie)
	}
}

// TestSignInsAreFew: ten a minute from one address; twenty in a quarter of an hour for one account, from wherever; an unknown user the same.
func TestSignInsAreFew(t *testing.T) {
	b := newBench(t)
	b.quiet = true
	v := b.visit()
	address := ""
	b.config.Address = func(*http.Request) string { return address }
	b.restart()
	try := func(email, text string) answer {
		return b.ask("POST", "/session", "", `{"email": "`+email+`", "password": "`+text+`"}`)
	}
	address = "192.0.2.1"
	for range maxFailures + 5 {
		if a := try(v.email, benchPassword); a.Code != 201 {
			t.Fatalf("good ones count: %s", a.Body)
		}
	}
	for range maxFailures {
		if a := try(v.email, "x"); a.Code != 401 {
			t.Fatal(a.Body)
		}
	}
	if a := try(v.email, benchPassword); a.Code != 429 || a.Header().Get("Retry-After") != "60" {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	for i := range accountTries {
		address = fmt.Sprintf("198.51.100.%d", i)
		try(v.email, "x")
	}
	if a := try(strings.ToUpper(v.email), benchPassword); a.Code != 429 || a.Header().Get("Retry-After") != "900" {
		t.Errorf("%d %s", a.Code, a.Body)
	}
	b.wantAs(200, "", "GET", "/me", "", "Cookie", v.cookie) // who is inside stays
	b.now = b.now.Add(accountWindow)
	if a := try(v.email, benchPassword); a.Code != 201 {
		t.Errorf("after the window: %s", a.Body)
	}
	wrong := try(v.email, "x").Body.String()
	for _, email := range []string{"nobody@example.com", strings.Repeat("x", 5000)} {
		if unknown := try(email, "x").Body.String(); unknown != wrong {
			t.Errorf("wrong password: %s\nunknown user: %s", wrong, unknown)
		}
	}
}

// TestAccounts: a flood of addresses of nobody forgets few, and takes no more memory.
func TestAccounts(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	a := newAccounts()
	for range accountTries {
		a.add("ana@example.com", now)
	}
	if a.add("ANA@example.com ", now) != accountWindow {
		t.Error("one more is let in")
	}
	for i := range maxAccounts + 100 {
		if a.add(fmt.Sprint(i), now) != 0 {
			t.Fatal("one of a flood waits")
		}
	}
	if len(a.seen) != maxAccounts {
		t.Errorf("%d are remembered", len(a.seen))
	}
}

// TestMayIsTrue: what a role is told it may is what its session may, see TestMatrix for the rest.
func TestMayIsTrue(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	var me struct{ May []string }
	may := func(pairs ...string) []string {
		if err := json.Unmarshal(b.wantAs(200, "", "GET", "/me", "", pairs...).Body.Bytes(), &me); err != nil {
			t.Fatal(err)
		}
		return me.May
	}
	seller := may("Cookie", v.cookie)
	for op, want := range map[string]bool{"GET /conferences": true, "POST /me/password": true, "POST /sellers": false, "GET /users": false, "DELETE /conferences/{conference}/recording": false, "GET /watch": false} {
		if slices.Contains(seller, op) != want {
			t.Errorf("a seller is told of %s: %v", op, !want)
		}
	}
	key := may("Authorization", "Bearer "+fullKey)
	if !slices.Contains(key, "POST /users") || slices.Contains(key, "POST /me/password") {
		t.Errorf("an operator's key is told of %v", key)
	}
}

// TestLiveSession: a page of ours listens by its session's cookie, another site's does not, and who signs out hears no more.
func TestLiveSession(t *testing.T) {
	b := newBench(t)
	v, other := b.visit(), b.visit()
	b.config.Origins = []string{"https://crm.example"}
	b.restart()
	server := b.serveLive()
	dial := func(origin string) *listener {
		header := http.Header{"Cookie": {v.cookie}}
		if origin != "" {
			header.Set("Origin", origin)
		}
		ws, resp, err := websocket.DefaultDialer.Dial(server, header)
		if err != nil {
			t.Fatal(origin, err)
		}
		resp.Body.Close()
		t.Cleanup(func() { ws.Close() })
		l := &listener{t: t, ws: ws, name: origin}
		if err := ws.WriteJSON(map[string]any{"type": "subscribe"}); err != nil {
			t.Fatal(err)
		}
		return l
	}
	for _, origin := range []string{"", "https://crm.example"} { // no page of ours, though it may listen with a key
		if m := dial(origin).next(); m.Type != "error" || m.Code != "unauthorized" {
			t.Errorf("%q: %+v", origin, m)
		}
	}
	own := dial("http" + strings.TrimSuffix(strings.TrimPrefix(server, "ws"), livePath))
	if m := own.next(); m.Type != "ready" {
		t.Fatalf("%+v", m)
	}
	b.apply(other.conference, call.Cancel("key_crm", ""))
	b.apply(v.conference, call.Cancel("key_crm", ""))
	if m := own.next(); m.Event.Stream != v.conference {
		t.Errorf("a seller hears of %+v", m)
	}
	b.wantAs(204, "", "DELETE", "/session", "", "Cookie", v.cookie)
	b.want(201, "POST", "/buyers", `{"name": "Caio", "seller": "`+v.seller+`"}`)
	if m := own.next(); m.Type != "error" || m.Code != "unauthorized" {
		t.Errorf("who has signed out hears of %+v", m)
	}
}
