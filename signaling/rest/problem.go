package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"showroom/call"
	"showroom/store/object"
)

// code is the word a program can tell problems apart by; its status belongs to it.
type code string

const (
	codeBadRequest  code = "bad_request"
	codeInvalid     code = "invalid" // names a field
	codeUnauth      code = "unauthorized"
	codeForbidden   code = "forbidden"
	codeNotFound    code = "not_found"
	codeMethod      code = "method_not_allowed"
	codeConflict    code = "conflict"
	codeOverlap     code = "overlap"
	codeNoMinutes   code = "no_minutes"
	codeChanged     code = "changed" // If-Match
	codeTooLarge    code = "too_large"
	codeBadRange    code = "bad_range"
	codeRateLimited code = "rate_limited"
	codeUnavailable code = "unavailable"
	codeFull        code = "storage_full"
	codeInternal    code = "internal"

	// Of tokens and links.
	codeTokenInvalid code = "token_invalid"
	codeTokenExpired code = "token_expired"
	codeTokenRevoked code = "token_revoked"
	codeURLExpired   code = "url_expired"
	codeDeleted      code = "recording_deleted"
	codeErased       code = "buyer_erased"
	codeOver         code = "conference_over"
	codeCancelled    code = "conference_cancelled"
)

var statuses = map[code]int{
	codeBadRequest: 400, codeInvalid: 422, codeUnauth: 401, codeForbidden: 403, codeNotFound: 404, codeMethod: 405, codeConflict: 409, codeOverlap: 409,
	codeNoMinutes: 409, codeChanged: 412, codeTooLarge: 413, codeBadRange: 416, codeRateLimited: 429, codeUnavailable: 503, codeFull: 507, codeInternal: 500,
	codeTokenInvalid: 401, codeTokenExpired: 401, codeTokenRevoked: 401, codeURLExpired: 410, codeDeleted: 410, codeErased: 410, codeOver: 410, codeCancelled: 410,
}

// problem is an error as the client is told (RFC 9457).
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   code   `json:"code"`
	Field  string `json:"field,omitempty"`

	retryAfter time.Duration // zero: do not say
}

func (p *problem) Error() string { return string(p.Code) + ": " + p.Detail }

func fail(c code, detail string) *problem {
	status := statuses[c]
	p := &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: c}
	if c == codeUnavailable {
		p.retryAfter = 5 * time.Second
	}
	return p
}

func notFound() *problem { return fail(codeNotFound, "there is nothing of that id") }

// problemOf is the one place where errors become answers. What it does not know is internal and says nothing.
func problemOf(err error) *problem {
	var (
		p       *problem
		invalid *call.InvalidError
		overlap *call.OverlapError
	)
	var running *call.RunningError
	switch {
	case errors.As(err, &running):
		return fail(codeConflict, running.Error())
	case errors.Is(err, call.ErrErased):
		return fail(codeErased, call.ErrErased.Error())
	case errors.As(err, &p):
		return p
	case errors.As(err, &invalid):
		p = fail(codeInvalid, invalid.Detail)
		p.Field = invalid.Field
		return p
	case errors.As(err, &overlap):
		return fail(codeOverlap, overlap.Error()+"; allow_overlap plans both")
	case errors.Is(err, call.ErrNotFound), errors.Is(err, call.ErrNoFile):
		return notFound()
	case refusal(err) != nil:
		return fail(codeConflict, refusal(err).Error())
	case errors.Is(err, call.ErrReused):
		return fail(codeConflict, "this Idempotency-Key was used for another request")
	case errors.Is(err, call.ErrRecordingDeleted):
		return fail(codeDeleted, "the recording was deleted")
	case errors.Is(err, call.ErrNoMinutes):
		return fail(codeNoMinutes, "the seller has no minutes left this month")
	case errors.Is(err, call.ErrBuyersOnly):
		return fail(codeForbidden, "only the buyer can accept")
	case errors.Is(err, call.ErrDecliners):
		return fail(codeForbidden, call.ErrDecliners.Error())
	case errors.Is(err, call.ErrStorageFull), errors.Is(err, object.ErrFull), errors.Is(err, syscall.ENOSPC):
		return fail(codeFull, "the server's disk is full; its operator must make room")
	case errors.Is(err, object.ErrUnavailable):
		return fail(codeUnavailable, "the recordings can't be reached at the moment; try again shortly")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fail(codeUnavailable, "the server is busy; try again shortly")
	}
	return fail(codeInternal, "the server failed; its log says why")
}

// refusal is the rule's own error among err, if its words are meant for the client.
func refusal(err error) error {
	for _, r := range []error{call.ErrOver, call.ErrCancelled, call.ErrRunning, call.ErrNotRunning, call.ErrNotOver, call.ErrExists, call.ErrTooMany, call.ErrOvertaken, call.ErrLastKey, call.ErrDisabled,
		call.ErrTookPlace, call.ErrTooEarly} {
		if errors.Is(err, r) {
			return r
		}
	}
	return nil
}

// linkProblem is what the holder of an access link is told when the link opens nothing.
func linkProblem(err error) error {
	switch {
	case errors.Is(err, call.ErrPass), errors.Is(err, call.ErrNotFound):
		return fail(codeTokenInvalid, "this access link is not valid")
	case errors.Is(err, call.ErrExpired):
		return fail(codeTokenExpired, "this access link has expired")
	case errors.Is(err, call.ErrRevoked):
		return fail(codeTokenRevoked, "this access link was revoked")
	case errors.Is(err, call.ErrOver):
		return fail(codeOver, "the conference is over")
	case errors.Is(err, call.ErrCancelled):
		return fail(codeCancelled, "the conference was cancelled")
	}
	return err
}

// writeError tells the client and, when it is our fault, the log.
func (a *api) writeError(w http.ResponseWriter, rt route, err error) {
	p := problemOf(err)
	if p.Status >= 500 && !errors.Is(err, context.Canceled) { // who has gone is no trouble
		a.Log.Error("request failed", "route", rt.pattern(), "status", p.Status, "err", err)
	}
	writeProblem(w, p)
}

func writeProblem(w http.ResponseWriter, p *problem) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="showroom"`)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retryAfter+time.Second-1)/time.Second)))
	}
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p) //nolint:errcheck // the client has gone
}
