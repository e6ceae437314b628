package rest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"showroom/call"
)

// TestMatrix asks every route with every credential: exactly the right ones open it, and the others learn nothing.
func TestMatrix(t *testing.T) {
	for _, rt := range newBench(t).handler.(*api).routes() {
		t.Run(rt.method+" "+rt.path, func(t *testing.T) {
			closed := newBench(t) // to all who are refused: they change nothing
			own, other := closed.visit(), closed.visit()
			for _, c := range credentials {
				t.Run(c.name, func(t *testing.T) {
					if c.want(rt) < 400 {
						b := newBench(t)
						b.tryKey(t, rt, c, b.visit(), b.visit())
						return
					}
					closed.t = t
					closed.restart() // forgets who has failed
					closed.tryKey(t, rt, c, own, other)
				})
			}
		})
	}
}

// tryKey asks a route with a credential.
func (b *bench) tryKey(t *testing.T, rt route, c credential, own, other visit) {
	path, body := b.fill(rt, own)
	pairs := []string{}
	switch header := c.header(own, other); {
	case header == "operator's":
		_, _, cookie := b.signIn(ScopeOperator, "")
		pairs = append(pairs, "Cookie", cookie, "Sec-Fetch-Site", "same-origin")
	case strings.HasPrefix(header, secureCookie):
		pairs = append(pairs, "Cookie", header, "Sec-Fetch-Site", "same-origin")
	case header != "":
		pairs = append(pairs, "Authorization", header)
	}
	a := b.ask(rt.method, path, "", body, pairs...)
	if want := c.want(rt); a.Code != want && (want != 200 || a.Code/100 != 2) {
		t.Fatalf("%s %s: %d, want %d\n%s", rt.method, path, a.Code, want, a.Body)
	}
	checkHeaders(t, a)
	if a.Code >= 400 {
		checkProblem(t, a)
	}
}

type credential struct {
	name   string
	header func(own, other visit) string
	want   func(route) int // 200 is any success
}

var credentials = []credential{
	{"none", func(_, _ visit) string { return "" }, none},
	{"unknown key", func(_, _ visit) string { return "Bearer sk_unknown" }, none},
	{"key without scheme", func(_, _ visit) string { return fullKey }, none},
	{"key by Basic", func(_, _ visit) string { return "Basic " + fullKey }, none},
	{"long", func(_, _ visit) string { return "Bearer " + strings.Repeat("x", 5000) }, none},
	{"operator's key", func(_, _ visit) string { return "Bearer " + fullKey }, scope(ScopeOperator)},
	{"lower-case scheme", func(_, _ visit) string { return "bearer " + fullKey }, scope(ScopeOperator)},
	{"CRM's key", func(_, _ visit) string { return "Bearer " + crmKey }, scope(ScopeCRM)},
	{"read key", func(_, _ visit) string { return "Bearer " + readKey }, scope(ScopeRead)},
	{"seller's key", func(own, _ visit) string { return "Bearer " + own.secret }, scope(ScopeSeller)},
	{"another seller's key", func(_, other visit) string { return "Bearer " + other.secret }, foreign(scope(ScopeSeller))},
	{"key of unknown scope", func(_, _ visit) string { return "Bearer " + oddKey }, scope(oddScope)},
	{"access link", func(own, _ visit) string { return "Bearer " + own.token }, only(byPass)},
	{"watch link", func(own, _ visit) string { return "Bearer " + own.watch }, only(byWatchToken)},
	{"link to set a password", func(own, _ visit) string { return "Bearer " + own.invite }, only(byPasswordLink)},
	{"operator's session", func(_, _ visit) string { return "operator's" }, foreign(role(ScopeOperator))},
	{"seller's session", func(own, _ visit) string { return own.cookie }, role(ScopeSeller)},
	{"another seller's session", func(_, other visit) string { return other.cookie }, foreign(role(ScopeSeller))},
	{"session that ended", func(_, _ visit) string { return secureCookie + "=x" }, none},
}

// role opens what keys of its scope may ask, and what is of sessions only.
func role(name string) func(route) int {
	return func(rt route) int {
		if rt.access == bySession {
			return 200
		}
		return scope(name)(rt)
	}
}

// foreign opens the same, but what the address names is another's; an operator has only no session of others by this way.
func foreign(of func(route) int) func(route) int {
	operator := of(route{access: byOperatorKey}) == 200
	return func(rt route) int {
		want := of(rt)
		switch {
		case want != 200 || rt.access == bySignature || operator && rt.access != bySession:
			return want
		case rt.method == http.MethodPost && rt.path == "/conferences": // the body names the seller
			return 422
		case strings.Contains(rt.path, "{"):
			return 404
		}
		return 200
	}
}

// none opens only what carries its permission in the address.
func none(rt route) int { return only(bySignature)(rt) }

// scope opens what keys of a scope may ask, by the table of docs/http-api.md and not by the code under test.
func scope(name string) func(route) int {
	return func(rt route) int {
		read := name == ScopeRead && rt.method == http.MethodGet
		may := map[access]bool{
			byOperatorKey: name == ScopeOperator,
			byKey:         name == ScopeOperator || name == ScopeCRM || read,
			byAnyKey:      name == ScopeOperator || name == ScopeCRM || name == ScopeSeller || read,
		}
		switch allowed, isKey := may[rt.access]; {
		case allowed, rt.access == bySignature, rt.access == byAnyone:
			return 200
		case isKey:
			return 403
		}
		return 401
	}
}

func only(a access) func(route) int {
	return func(rt route) int {
		if rt.access == a || rt.access == bySignature || rt.access == byAnyone {
			return 200
		}
		return 401
	}
}

// fill makes a request of a route that succeeds for who may send it.
func (b *bench) fill(rt route, v visit) (path, body string) {
	id := v.seller
	if strings.HasPrefix(rt.path, "/buyers") {
		id = v.buyer
	}
	if strings.HasPrefix(rt.path, "/exports") {
		return strings.TrimPrefix(b.want(201, "POST", "/buyers/"+v.buyer+"/export", "").str("url"), "https://meet.example"), ""
	}
	if rt.access == bySignature {
		return b.fileURL(v), ""
	}
	if strings.HasPrefix(rt.path, "/sandbox") {
		return fillSandbox(rt, v)
	}
	if strings.Contains(rt.path, "/devices") {
		return b.fillDevice(rt, v, id)
	}
	if strings.HasSuffix(rt.path, "/end") && b.want(200, "GET", "/conferences/"+v.conference, "").str("state") != "finished" {
		b.wantInside(v)
	}
	if rt.method == "DELETE" && strings.HasSuffix(rt.path, "/recording") {
		b.wantOver(v)
	}
	if strings.HasSuffix(rt.path, "/compose") {
		b.wantOver(v)
	}
	if strings.HasSuffix(rt.path, "/no-show") {
		b.store.Apply(b.t.Context(), v.conference, call.Reschedule("key_full", func(p call.Plan) (call.Plan, error) { // if nobody is there yet
			p.StartsAt, p.AllowOverlap = b.now, true
			return p, nil
		}))
	}
	if strings.Contains(rt.path, "{message}") {
		b.told(v)
	}
	body = map[string]string{
		"POST /sellers":                        `{"name": "C", "monthly_minutes": 1}`,
		"PATCH /sellers/{id}":                  `{"name": "D"}`,
		"POST /buyers":                         `{"name": "C"}`,
		"PATCH /buyers/{id}":                   `{"name": "D"}`,
		"POST /keys":                           `{"name": "K", "scope": "read"}`,
		"PATCH /keys/{key}":                    `{"name": "L"}`,
		"POST /session":                        `{"email": "` + v.email + `", "password": "` + benchPassword + `"}`,
		"POST /me/password":                    `{"current": "` + benchPassword + `", "password": "outra volta no carro"}`,
		"POST /password-link":                  `{"password": "outra volta no carro"}`,
		"POST /users":                          `{"name": "C", "email": "c@example.com", "role": "operator"}`,
		"PATCH /users/{user}":                  `{"disabled": true}`,
		"POST /conferences":                    `{"seller": "` + v.seller + `", "buyer": "` + v.buyer + `", "subject": "S", "starts_at": "2026-11-21T10:00:00Z"}`,
		"POST /conferences/{conference}/links": `{"role": "seller"}`,
		"POST /conferences/{conference}/messages/{message}/report": `{"channel": "sms", "state": "sent"}`,
		"POST /webhooks":                     `{"url": "https://crm.example/hooks"}`,
		"PATCH /conferences/{conference}":    `{"subject": "T"}`,
		"PATCH /webhooks/{webhook}":          `{"description": "D"}`,
		"POST /webhooks/{webhook}/redeliver": `{"after": 0}`,
	}[rt.method+" "+rt.path]
	return strings.NewReplacer("{id}", id, "{key}", v.key, "{conference}", v.conference, "{link}", v.link, "{share}", v.share, "{file}", v.file, "{message}", "invitation_buyer_0", "{webhook}", v.webhook, "{user}", v.user, "{session}", v.session).Replace(rt.path), body
}

// TestForeign asks with a good credential for what is another's, unknown, or no id at all: always 404 (401 where the address itself is
// the credential), and the same words.
func TestForeign(t *testing.T) {
	b := newBench(t)
	v, other := b.visit(), b.visit()
	ids := map[string]string{
		"unknown": "conf_aaaaaaaaaaaaaaaaaaaaaaaaaa", "of another kind": v.seller, "no id": "conf_..", "upper case": "CONF_X",
		"long": "conf_" + strings.Repeat("a", 200), "a path": "conf_a%2f..%2fb", "nul": "conf_%00", "quote": "conf_%22",
	}
	first := ""
	for name, id := range ids {
		for _, rt := range b.handler.(*api).routes() {
			if !rt.access.isKey() || !strings.Contains(rt.path, "{") {
				continue
			}
			_, body := b.fill(rt, v)
			path := strings.NewReplacer("{id}", id, "{key}", id, "{conference}", id, "{message}", "invitation_buyer_0", "{link}", v.link, "{share}", v.share, "{webhook}", id, "{user}", id, "{session}", v.session, "{device}", "dev_x", "{buyer}", id).Replace(rt.path)
			if name == "of another kind" && strings.HasPrefix(rt.path, "/sellers") {
				continue
			}
			a := b.want(404, rt.method, path, body)
			if first == "" {
				first = a.Body.String()
			}
			if a.Body.String() != first {
				t.Errorf("%s: %s; elsewhere %s", path, a.Body, first)
			}
		}
	}
	b.want(404, "DELETE", "/conferences/"+v.conference+"/links/"+other.link, "")
	b.want(404, "DELETE", "/conferences/"+v.conference+"/links/nonsense", "")
	b.want(404, "DELETE", "/conferences/"+v.conference+"/recording/links/"+other.share, "")
	b.want(404, "DELETE", "/conferences/"+v.conference+"/recording/links/nonsense", "")
	// The signature of one conference's file opens no other's.
	b.wantAs(401, "", "GET", strings.Replace(b.fileURL(v), v.conference, other.conference, 1), "")
	// A watch link shows its own conference.
	a := b.wantAs(200, v.watch, "GET", "/watch", "")
	if strings.Contains(a.Body.String(), other.conference) || !strings.Contains(a.Body.String(), v.conference) {
		t.Errorf("watch shows another conference: %s", a.Body)
	}
}

func TestNoRoute(t *testing.T) {
	b := newBench(t)
	b.want(404, "GET", "/nothing", "")
	b.want(404, "GET", "/", "")
	a := b.want(405, "DELETE", "/sellers", "")
	if got := a.Header().Get("Allow"); !strings.Contains(got, "POST") {
		t.Errorf("Allow: %q", got)
	}
	checkProblem(t, a)
	checkHeaders(t, a)
}

func checkHeaders(t *testing.T, a answer) {
	t.Helper()
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Content-Security-Policy": "default-src 'none'"} {
		if got := a.Header().Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if a.Header().Get("Cache-Control") == "" || a.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("headers: %v", a.Header())
	}
}

func checkProblem(t *testing.T, a answer) {
	t.Helper()
	if got := a.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type of an error: %q", got)
	}
	if a.body["status"] != float64(a.Code) || a.str("code") == "" || a.str("detail") == "" || a.str("title") == "" || a.str("type") == "" {
		t.Errorf("problem is not complete: %s", a.Body)
	}
	if a.Code == 401 && !strings.HasPrefix(a.Header().Get("WWW-Authenticate"), "Bearer") {
		t.Errorf("401 without WWW-Authenticate: %v", a.Header())
	}
	if strings.Contains(a.Body.String(), "Secret") {
		t.Errorf("an error tells what it should not: %s", a.Body)
	}
}

// TestFailedSignIns: ten a minute from one address, then 429; good credentials go on working.
func TestFailedSignIns(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	for range maxFailures + 5 { // asking without a credential is no guess
		b.wantAs(401, "", "GET", "/me", "")
	}
	for i := range maxFailures {
		path := []string{"/me", "/invitation", "/watch", "/recordings/" + v.conference + "/x.webm?exp=1&sig=x"}[i%4]
		b.wantAs(401, "sk_guess", "GET", path, "")
	}
	for _, path := range []string{"/me", "/invitation", "/watch", "/recordings/" + v.conference + "/x.webm"} {
		a := b.wantAs(429, "sk_guess", "GET", path, "")
		if a.code() != "rate_limited" || a.Header().Get("Retry-After") != "60" {
			t.Errorf("%s: %s, Retry-After %q", path, a.Body, a.Header().Get("Retry-After"))
		}
	}
	b.want(200, "GET", "/me", "")
	b.wantAs(200, v.token, "GET", "/invitation", "")
	b.now = b.now.Add(failureWindow)
	b.wantAs(401, "sk_guess", "GET", "/me", "")
	b.now = b.now.Add(13 * time.Hour) // a link that has expired is no guess either
	for range maxFailures + 5 {
		b.wantAs(401, v.token, "GET", "/invitation", "")
	}
}

// TestNothingButBearer: what a browser adds by itself to another site's request opens nothing, and that site reads no answer.
func TestNothingButBearer(t *testing.T) {
	b := newBench(t)
	for _, rt := range b.handler.(*api).routes() {
		if rt.access == bySignature || rt.access == byAnyone { // who signs in has none yet; see TestOtherSites
			continue
		}
		v := b.visit()
		path, body := b.fill(rt, v)
		for _, c := range []struct{ query, header, value string }{
			{"", "Cookie", "key=" + fullKey + "; token=" + v.token + "; Authorization=Bearer " + fullKey},
			{"?key=" + fullKey + "&token=" + v.token + "&access_token=" + fullKey + "&authorization=Bearer%20" + fullKey, "Accept", "*/*"},
			{"", "Proxy-Authorization", "Bearer " + fullKey},
			{"", "X-API-Key", fullKey},
		} {
			a := b.ask(rt.method, path+c.query, "", body, c.header, c.value,
				"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site", "Content-Type", "application/x-www-form-urlencoded")
			if a.Code != http.StatusUnauthorized || a.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s with %s: %d, %v", rt.method, path, c.header, a.Code, a.Header())
			}
		}
	}
}
