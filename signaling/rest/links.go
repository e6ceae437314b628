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
	linkGrace = 12 * time.Hour // a link outlives the planned end by this
	maxLinks  = 500            // of one conference, so that a script gone wild does not grow it without end
)

// link is an access link as lists show it, without its token.
type link struct {
	ID        string    `json:"id"`
	Role      call.Role `json:"role"`
	Name      string    `json:"name,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// newLink is the one answer that has the token.
type newLink struct {
	ID        string    `json:"id"`
	Role      call.Role `json:"role"`
	URL       string    `json:"url"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (a *api) createLink(r *request) (reply, error) {
	id, err := r.pathID("conference", "conf_")
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Role      call.Role `json:"role"`
		Name      string    `json:"name"`
		ExpiresAt *string   `json:"expires_at"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	expires, err := parseTime("expires_at", in.ExpiresAt)
	if err != nil {
		return reply{}, err
	}
	name := newID("link_")
	c, _, err := r.store.Apply(r.Context(), id, issue(name, r.subject.actor(), in.Role, strings.TrimSpace(in.Name), expires))
	if err != nil {
		return reply{}, err
	}
	l := c.Conference.Links[name]
	token, err := a.Tokens.Issue(call.PassOf(id, l))
	if err != nil {
		return reply{}, fmt.Errorf("issue token: %w", err)
	}
	return created(newLink{ID: l.ID, Role: l.Role, URL: a.url("/join#" + token), Token: token, ExpiresAt: l.ExpiresAt})
}

// issue is [call.IssueLink] with a default for the expiry and a limit on the number.
func issue(id, actor string, role call.Role, name string, expires time.Time) call.Rule {
	return func(c call.Case, now time.Time) ([]call.Event, error) {
		f := c.Conference
		if len(f.Links) >= maxLinks {
			return nil, fail(codeConflict, fmt.Sprintf("the conference has %d links already; use one of them", maxLinks))
		}
		if expires.IsZero() {
			expires = f.StartsAt.Add(time.Duration(f.Seconds) * time.Second)
			if expires.Before(now) {
				expires = now
			}
			expires = expires.Add(linkGrace)
		}
		return call.IssueLink(id, actor, role, name, expires.Truncate(time.Second))(c, now)
	}
}

func (a *api) listLinks(r *request) (reply, error) {
	c, err := a.caseOf(r)
	if err != nil {
		return reply{}, err
	}
	links := slices.SortedFunc(maps.Values(c.Conference.Links), func(x, y call.Link) int {
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), strings.Compare(x.ID, y.ID))
	})
	return ok(page(links, "", func(l call.Link) link {
		return link{ID: l.ID, Role: l.Role, Name: l.Name, CreatedAt: l.CreatedAt, ExpiresAt: l.ExpiresAt, RevokedAt: l.RevokedAt}
	}))
}

func (a *api) revokeLink(r *request) (reply, error) {
	id, err := r.pathID("conference", "conf_")
	if err != nil {
		return reply{}, err
	}
	name, err := r.pathID("link", "link_")
	if err != nil {
		return reply{}, err
	}
	_, _, err = r.store.Apply(r.Context(), id, call.RevokeLink(name, r.subject.actor()))
	if errors.Is(err, call.ErrRevoked) { // here: never issued
		return reply{}, notFound()
	}
	return reply{status: http.StatusNoContent}, err
}
