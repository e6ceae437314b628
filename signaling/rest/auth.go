package rest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"showroom/call"
)

// access is the kind of credential that a route asks for. One is never taken for another.
type access int

const (
	byKey          access = iota // Bearer: an API key, but not of the scope seller; or a session of such a role
	byPass                       // Bearer: the token of an access link
	byWatchToken                 // Bearer: the token of a watch link
	bySignature                  // exp and sig in the URL
	byAnyKey                     // Bearer: an API key; one of the scope seller sees its seller only, see own.go; or any session
	byOperatorKey                // Bearer: an API key of the scope operator; or a session of that role
	bySession                    // the cookie of a session
	byPasswordLink               // Bearer: the token of a link to set a password
	byAnyone                     // nothing: who signs in
)

// The scopes of API keys.
const (
	ScopeOperator = "operator" // everything
	ScopeCRM      = "crm"      // all but the API keys and users
	ScopeSeller   = "seller"   // what belongs to one seller
	ScopeRead     = "read"     // GET only, and no API keys and users
)

var scopes = []string{ScopeOperator, ScopeCRM, ScopeSeller, ScopeRead}

// isKey says whether an API key is asked for, for which a session may stand.
func (a access) isKey() bool { return a == byKey || a == byAnyKey || a == byOperatorKey }

const maxCredential = 4 << 10 // bytes

// subject is who sent a request, as its credential proves.
type subject struct {
	access     access
	key        call.Key
	secret     string       // of the key or session; seals remembered answers, see idempotency.go
	session    call.Session // of a user; key is then what the role allows
	user       call.User    // of a session or a link to set a password
	pass       call.Pass    // of an access link
	conference string       // the only one that a link, a watch link or a signed URL opens
	by         string       // who a watch link or a signed URL was made for: a share, or whose key it was
	buyer      string       // whose export a signed URL opens
}

// letIn is how every request passes: who is it, and may they. A good credential is never refused for the failures of others
// behind the same address; credentials have 128 random bits and more, so the limit is there against load and noise.
func (a *api) letIn(rt route, r *request) (subject, error) {
	s, err := a.authenticate(rt.access, r)
	if err != nil {
		var p *problem
		if errors.As(err, &p) && (p.Code == codeUnauth || p.Code == codeTokenInvalid) && presented(rt.access, r) {
			if wait := a.failures.add(a.Address(r.Request), r.now); wait > 0 {
				p = fail(codeRateLimited, "too many failed attempts from this address; wait a minute")
				p.retryAfter = wait
				return subject{}, p
			}
		}
		return subject{}, err
	}
	return s, authorize(s, rt, r.PathValue("conference"))
}

// authorize is the one place that says who may do what to which conference (empty: the route names none).
func authorize(s subject, rt route, conference string) error {
	if s.access != rt.access {
		return fail(codeUnauth, "another kind of credential is needed here")
	}
	if !s.access.isKey() {
		if conference != "" && conference != s.conference {
			return notFound()
		}
		return nil
	}
	if !slices.Contains(rt.scopes(), s.key.Scope) {
		return fail(codeForbidden, fmt.Sprintf("the scope %q does not allow %s here", s.key.Scope, rt.method))
	}
	return nil
}

// scopes are those of the keys that may ask.
func (rt route) scopes() []string {
	if rt.access == byOperatorKey {
		return []string{ScopeOperator}
	}
	may := []string{ScopeOperator, ScopeCRM}
	if rt.access == byAnyKey {
		may = append(may, ScopeSeller)
	}
	if rt.method == http.MethodGet {
		may = append(may, ScopeRead)
	}
	return may
}

func (a *api) authenticate(by access, r *request) (subject, error) {
	if buyer := r.PathValue("buyer"); by == bySignature && buyer != "" {
		whose, err := a.signer.checkExport(buyer, r.PathValue("file"), r.URL.Query(), r.now)
		return subject{access: by, buyer: buyer, by: whose}, err
	}
	if by == bySignature {
		conference := r.PathValue("conference")
		whose, err := a.signer.checkFile(conference, r.PathValue("file"), r.URL.Query(), r.now)
		return subject{access: by, conference: conference, by: whose}, err
	}
	if by == byAnyone {
		return subject{access: by}, a.ownSite(r.Request)
	}
	if secret := a.sessionSecret(r.Request); by == bySession || by.isKey() && secret != "" && r.Header.Get("Authorization") == "" {
		if secret == "" {
			return subject{}, fail(codeUnauth, "sign in first")
		}
		if err := a.ownSite(r.Request); err != nil {
			return subject{}, err
		}
		return a.signedIn(r.Context(), by, secret)
	}
	credential, err := bearer(r.Header)
	if err != nil {
		return subject{}, err
	}
	switch by {
	case byKey, byAnyKey, byOperatorKey:
		key, err := a.Store.Key(r.Context(), credential)
		if errors.Is(err, call.ErrNotFound) {
			return subject{}, fail(codeUnauth, "this API key is not valid")
		}
		if err != nil {
			return subject{}, fmt.Errorf("look up API key: %w", err)
		}
		return subject{access: by, key: key, secret: credential}, nil
	case byPass:
		pass, err := a.Tokens.Verify(credential, r.now)
		return subject{access: by, pass: pass, conference: pass.Conference}, linkProblem(err)
	case byPasswordLink:
		u, err := a.Store.InvitedUser(r.Context(), credential)
		return subject{access: by, secret: credential, user: u}, invitedProblem(err)
	default:
		conference, whose, err := a.signer.checkWatch(credential, r.now)
		return subject{access: by, conference: conference, by: whose}, err
	}
}

// presented says whether there was anything to check: asking without a credential is no guess.
func presented(by access, r *request) bool {
	return by == bySignature || by != bySession && r.Header.Get("Authorization") != ""
}

// bearer is the credential of the Authorization header (RFC 6750, section 2.1).
func bearer(h http.Header) (string, error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return "", fail(codeUnauth, "an Authorization header is needed: Bearer and the API key or token")
	}
	scheme, credential, _ := strings.Cut(values[0], " ")
	credential = strings.TrimSpace(credential)
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || credential == "" || len(credential) > maxCredential {
		return "", fail(codeUnauth, "the Authorization header is not Bearer and one API key or token")
	}
	return credential, nil
}

// peer is the other end of the connection.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// actor is how the log names who caused an event.
func (s subject) actor() string { return s.key.ID }
