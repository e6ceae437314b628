package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	maxBody       = 64 << 10 // bytes
	bodyTimeout   = 15 * time.Second
	answerTimeout = 45 * time.Second // from the request's head to the last byte; files take longer
)

// deadlines are those of the request's connection; the server lifts them when the answer is complete.
func deadlines(w http.ResponseWriter) *http.ResponseController { return http.NewResponseController(w) }

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	if r.ContentLength != 0 { // unread bodies count too: the server waits for them
		deadlines(w).SetReadDeadline(time.Now().Add(bodyTimeout)) //nolint:errcheck // a test's recorder has none
	}
	deadlines(w).SetWriteDeadline(time.Now().Add(answerTimeout)) //nolint:errcheck // as above
	if a.crossOrigin(w, r) {
		return
	}
	if handler, pattern := a.mux.Handler(r); pattern == "" {
		a.noRoute(w, r, handler)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// crossOrigin lets pages of the configured origins call the API, and says whether the request was only a question whether they
// may. They are not allowed to send cookies; those who try are kept out by [api.ownSite].
func (a *api) crossOrigin(w http.ResponseWriter, r *http.Request) (answered bool) {
	if len(a.Origins) == 0 {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !slices.Contains(a.Origins, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Retry-After, Content-Range, ETag, Showroom-Sandbox")
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, PATCH, DELETE")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Range")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// noRoute turns the mux's own 404 and 405 into problems.
func (a *api) noRoute(w http.ResponseWriter, r *http.Request, handler http.Handler) {
	probe := &probe{header: http.Header{}}
	handler.ServeHTTP(probe, r)
	if allow := probe.header.Get("Allow"); probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", allow)
		writeProblem(w, fail(codeMethod, fmt.Sprintf("%s is not possible here, only %s", r.Method, allow)))
		return
	}
	writeProblem(w, fail(codeNotFound, "there is nothing at this address; see docs/http-api.md"))
}

// probe sees how a handler would answer.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(status int)      { p.status = status }

// handler lets the sender in or not, reads the body, and writes what the route answers.
func (a *api) handler(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		if rt.access != bySignature { // files take as long as they take
			ctx, cancel := context.WithTimeout(hr.Context(), rt.patience())
			defer cancel()
			hr = hr.WithContext(ctx)
		}
		answer, err := a.answer(rt, w, hr)
		switch {
		case err != nil:
			a.writeError(w, rt, err)
		case answer.stream != nil:
			answer.stream(w)
		default:
			a.writeReply(w, rt, hr, answer)
		}
	})
}

func (a *api) answer(rt route, w http.ResponseWriter, hr *http.Request) (reply, error) {
	r := &request{Request: hr, now: a.Now()}
	var err error
	if r.subject, err = a.letIn(rt, r); err != nil {
		return reply{}, err
	}
	r.store = a.Store
	if r.subject.session.ID != "" {
		a.usedSession(r)
	}
	if r.subject.access.isKey() {
		if r.subject.session.ID == "" {
			a.used(r.Context(), r.subject.key.ID, a.Address(r.Request), r.now)
		}
		if r.subject.key.Scope == ScopeSeller {
			r.store = own{a.Store, r.subject.key.Seller}
		}
	}
	if hr.Method != http.MethodPost && hr.Method != http.MethodPatch {
		return rt.handle(r)
	}
	r.body, err = io.ReadAll(http.MaxBytesReader(w, hr.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return reply{}, fail(codeTooLarge, fmt.Sprintf("the body is larger than %d bytes", maxBody))
	}
	if err != nil {
		return reply{}, fail(codeBadRequest, "the body ended early or took too long")
	}
	deadlines(w).SetReadDeadline(time.Time{}) //nolint:errcheck // a test's recorder has none
	if hr.Method == http.MethodPost && rt.access.isKey() {
		return a.once(rt, r)
	}
	return rt.handle(r)
}

// patience is how long a route may take: who waits for events does so on purpose.
func (rt route) patience() time.Duration {
	switch rt.path {
	case "/events":
		return maxWait*time.Second + requestTimeout
	case "/sandbox/clock": // much may happen until then
		return answerTimeout - 5*time.Second
	}
	return requestTimeout
}

// writeReply encodes before the status is sent, so that a failure can still be told.
func (a *api) writeReply(w http.ResponseWriter, rt route, hr *http.Request, answer reply) {
	if answer.etag != "" {
		w.Header().Set("ETag", answer.etag)
	}
	if answer.cookie != nil {
		http.SetCookie(w, answer.cookie)
	}
	if (&request{Request: hr}).unchanged(answer) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if answer.body == nil {
		w.WriteHeader(answer.status)
		return
	}
	text, err := encode(answer.body)
	if err != nil {
		a.writeError(w, rt, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.status)
	w.Write(text) //nolint:errcheck // the client has gone
}

// encode is JSON without the escapes that only matter inside HTML.
func encode(body any) ([]byte, error) {
	if text, ok := body.(json.RawMessage); ok {
		return text, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(body); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil // as it is kept, see idempotency.go
}

// url is the address of one of our pages or files as a browser needs it.
func (a *api) url(path string) string { return strings.TrimSuffix(a.PublicURL, "/") + path }
