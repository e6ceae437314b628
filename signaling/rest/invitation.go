package rest

import (
	"strings"
	"time"

	"showroom/call"
)

// invitation is what the join page shows before anybody is connected.
type invitation struct {
	Role        call.Role `json:"role"`
	Participant string    `json:"participant"`
	Name        string    `json:"name"`
	Now         time.Time `json:"now"` // this server's clock, for a countdown
	OpensAt     time.Time `json:"opens_at"`
	Open        bool      `json:"open"` // to this participant, now
	Conference  invited   `json:"conference"`
	WebPushKey  string    `json:"webpush_key,omitempty"` // for the buyer's browser
}

// showInvitation looks at the log, not at the token: it knows what the link is worth now.
func (a *api) showInvitation(c call.Case, id string, now time.Time) (reply, error) {
	l, err := c.Conference.CheckLink(id, now)
	if err != nil {
		return reply{}, linkProblem(err)
	}
	shown := invitation{
		Role: l.Role, Participant: l.Participant, Name: c.NameOf(l.Participant), Conference: showInvited(c),
		Now: now.UTC(), OpensAt: c.Conference.OpensAt(), Open: c.Conference.OpenTo(l.Role, now),
	}
	if l.Role == call.RoleBuyer {
		shown.WebPushKey = a.WebPushKey
	}
	return ok(shown)
}

func (a *api) readInvitation(r *request) (reply, error) {
	c, err := a.Store.Case(r.Context(), r.subject.conference)
	if err != nil {
		return reply{}, linkProblem(err)
	}
	return a.showInvitation(c, r.subject.pass.Link, r.now)
}

func (a *api) acceptInvitation(r *request) (reply, error) {
	if err := decode(r.body, &struct{}{}); err != nil {
		return reply{}, err
	}
	return a.answerInvitation(r, call.Accept)
}

func (a *api) declineInvitation(r *request) (reply, error) {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	return a.answerInvitation(r, func(participant string) call.Rule { return call.Decline(participant, strings.TrimSpace(in.Reason)) })
}

// answerInvitation applies a rule for whom the link belongs to.
func (a *api) answerInvitation(r *request, rule func(participant string) call.Rule) (reply, error) {
	id := r.subject.pass.Link
	c, _, err := a.Store.Apply(r.Context(), r.subject.conference, func(c call.Case, now time.Time) ([]call.Event, error) {
		l, err := c.Conference.CheckLink(id, now)
		if err != nil {
			return nil, err
		}
		return rule(l.Participant)(c, now)
	})
	if err != nil {
		return reply{}, linkProblem(err)
	}
	return a.showInvitation(c, id, r.now)
}
