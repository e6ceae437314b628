package rest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"showroom/call"
)

const (
	defaultShare = 900 // seconds
	minShare     = 60  // seconds
	maxShare     = int(call.LongestShare / time.Second)
	ticketLife   = time.Hour
)

// share is a link to a recording as lists show it. The address is in the answer to its making only.
type share struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	ExpiresAt time.Time `json:"expires_at"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	URL       string    `json:"url,omitempty"`
}

func showShare(s call.Share) share {
	return share{ID: s.ID, Name: s.Name, CreatedAt: s.CreatedAt, CreatedBy: s.By, ExpiresAt: s.ExpiresAt, RevokedAt: s.RevokedAt}
}

func (a *api) createWatchLink(r *request) (reply, error) {
	id, err := r.pathID("conference", "conf_")
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Seconds *int    `json:"expires_in_seconds"`
		Expires *string `json:"expires_at"`
		Name    string  `json:"name"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	expires, err := parseTime("expires_at", in.Expires)
	if err != nil {
		return reply{}, err
	}
	seconds := or(in.Seconds, defaultShare)
	switch {
	case in.Seconds != nil && in.Expires != nil:
		return reply{}, call.Invalid("expires_at", "say one of expires_at and expires_in_seconds")
	case seconds < minShare || seconds > maxShare:
		return reply{}, call.Invalid("expires_in_seconds", fmt.Sprintf("%d is not between %d and %d", seconds, minShare, maxShare))
	case expires.IsZero():
		expires = r.now.UTC().Truncate(time.Second).Add(time.Duration(seconds) * time.Second)
	}
	name := newID("share_")
	c, _, err := r.store.Apply(r.Context(), id, call.ShareRecording(name, r.subject.actor(), a.Address(r.Request), strings.TrimSpace(in.Name), expires))
	if err != nil {
		return reply{}, err
	}
	out := showShare(c.Conference.Shares[name])
	out.URL = a.url("/watch#" + a.signer.shareToken(id, name))
	return created(out)
}

func (a *api) listWatchLinks(r *request) (reply, error) {
	c, err := a.caseOf(r)
	if err != nil {
		return reply{}, err
	}
	shares := slices.SortedFunc(maps.Values(c.Conference.Shares), func(x, y call.Share) int {
		return cmp.Or(y.CreatedAt.Compare(x.CreatedAt), strings.Compare(x.ID, y.ID))
	})
	return ok(page(shares, "", showShare))
}

func (a *api) revokeWatchLink(r *request) (reply, error) {
	id, err := r.pathID("conference", "conf_")
	if err != nil {
		return reply{}, err
	}
	name, err := r.pathID("share", "share_")
	if err != nil {
		return reply{}, err
	}
	_, _, err = r.store.Apply(r.Context(), id, call.RevokeShare(name, r.subject.actor(), a.Address(r.Request)))
	if errors.Is(err, call.ErrRevoked) { // here: never made
		return reply{}, notFound()
	}
	return reply{status: http.StatusNoContent}, err
}

// openWatch gives the holder of a key the watch page for an hour. What is watched by it is the key's doing; nothing is shared.
func (a *api) openWatch(r *request) (reply, error) {
	c, err := a.caseOf(r)
	if err != nil {
		return reply{}, err
	}
	expires := r.now.UTC().Truncate(time.Second).Add(ticketLife)
	return ok(struct {
		URL       string    `json:"url"`
		ExpiresAt time.Time `json:"expires_at"`
	}{a.url("/watch#" + a.signer.watchTicket(c.Conference.ID, r.subject.actor(), expires)), expires})
}

func (a *api) readWatch(r *request) (reply, error) {
	c, err := a.Store.Case(r.Context(), r.subject.conference)
	if err != nil {
		return reply{}, err
	}
	if err := checkShare(c.Conference, r.subject.by, r.now); err != nil {
		return reply{}, err
	}
	rec := a.recordingOf(c, r.subject.by, r.now)
	rec.ArchiveURL = "" // it has the evidence of consents
	return ok(struct {
		recording
		Conference invited `json:"conference"`
	}{rec, showInvited(c)})
}

// checkShare asks the log whether a link still opens the recording. Who comes by a key has no link.
func checkShare(c call.Conference, by string, now time.Time) error {
	if !isID("share_", by) {
		return nil
	}
	switch err := c.CheckShare(by, now); {
	case errors.Is(err, call.ErrRevoked):
		return fail(codeTokenRevoked, "this watch link was revoked")
	case errors.Is(err, call.ErrExpired):
		return fail(codeTokenExpired, "this watch link has expired; ask who sent it for a new one")
	}
	return nil
}
