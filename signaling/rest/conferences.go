package rest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"showroom/call"
)

const (
	defaultMinutes = 30
	maxMinutes     = 480
	maxReason      = 200 // characters
)

type conferenceInput struct {
	Seller    *string         `json:"seller"`
	Buyer     *string         `json:"buyer"`
	Subject   *string         `json:"subject"`
	StartsAt  *string         `json:"starts_at"`
	Minutes   *int            `json:"duration_minutes"`
	Language  *string         `json:"language"`
	Recording *call.Recording `json:"recording"`
	Vehicle   *vehicleInput   `json:"vehicle"`
	Overlap   *bool           `json:"allow_overlap"`
}

type vehicleInput struct {
	Title string `json:"title"`
	Photo string `json:"photo"`
	Link  string `json:"link"`
}

// plan is the plan of a new conference.
func (in conferenceInput) plan() (call.Plan, error) {
	return in.over(call.Plan{Length: defaultMinutes * time.Minute, Recording: call.RecordingOn})
}

// over is the plan with what the input says in place.
func (in conferenceInput) over(p call.Plan) (call.Plan, error) {
	starts, err := parseTime("starts_at", in.StartsAt)
	if err != nil {
		return call.Plan{}, err
	}
	if in.StartsAt != nil {
		p.StartsAt = starts
	}
	if in.Minutes != nil {
		if *in.Minutes < 1 || *in.Minutes > maxMinutes { // before it is multiplied
			return call.Plan{}, call.Invalid("duration_minutes", fmt.Sprintf("%d is not between 1 and %d", *in.Minutes, maxMinutes))
		}
		p.Length = time.Duration(*in.Minutes) * time.Minute
	}
	p.Subject, p.Language, p.Recording = or(in.Subject, p.Subject), or(in.Language, p.Language), or(in.Recording, p.Recording)
	if in.Vehicle != nil {
		p.Vehicle = call.Vehicle(*in.Vehicle)
	}
	p.AllowOverlap = or(in.Overlap, false)
	return p, nil
}

func (a *api) createConference(r *request) (reply, error) {
	var in conferenceInput
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	if in.Seller == nil || !isID("sell_", *in.Seller) {
		return reply{}, call.Invalid("seller", "the id of a seller is needed, sell_…")
	}
	if in.Buyer == nil || !isID("buy_", *in.Buyer) {
		return reply{}, call.Invalid("buyer", "the id of a buyer is needed, buy_…")
	}
	plan, err := in.plan()
	if err != nil {
		return reply{}, err
	}
	c, err := r.store.Schedule(r.Context(), *in.Seller, *in.Buyer, call.Schedule(newID("conf_"), r.subject.actor(), plan))
	if err != nil {
		return reply{}, err
	}
	return created(showConference(c, r.now))
}

func (a *api) listConferences(r *request) (reply, error) {
	q := r.URL.Query()
	after, limit, err := paging(q)
	if err != nil {
		return reply{}, err
	}
	f, err := conferenceFilter(q)
	if err != nil {
		return reply{}, err
	}
	conferences, next, err := r.store.Conferences(r.Context(), f, after, limit)
	if err != nil {
		return reply{}, err
	}
	cases, err := a.cases(r.Context(), conferences)
	if err != nil {
		return reply{}, err
	}
	return ok(page(cases, next, func(c call.Case) conference { return showConference(c, r.now) }))
}

// cases adds the seller and the buyer to each conference, reading each of them once.
func (a *api) cases(ctx context.Context, conferences []call.Conference) ([]call.Case, error) {
	sellers, buyers := map[string]call.Seller{}, map[string]call.Buyer{}
	cases := make([]call.Case, 0, len(conferences))
	for _, c := range conferences {
		s, known := sellers[c.Seller]
		if !known {
			var err error
			if s, err = a.Store.Seller(ctx, c.Seller); err != nil {
				return nil, fmt.Errorf("seller of %s: %w", c.ID, hide(err))
			}
			sellers[c.Seller] = s
		}
		b, known := buyers[c.Buyer]
		if !known {
			var err error
			if b, err = a.Store.Buyer(ctx, c.Buyer); err != nil {
				return nil, fmt.Errorf("buyer of %s: %w", c.ID, hide(err))
			}
			buyers[c.Buyer] = b
		}
		cases = append(cases, call.Case{Conference: c, Seller: s, Buyer: b})
	}
	return cases, nil
}

func (a *api) readConference(r *request) (reply, error) {
	c, err := a.caseOf(r)
	if err != nil {
		return reply{}, err
	}
	return tagged(showConference(c, r.now))
}

func (a *api) caseOf(r *request) (call.Case, error) {
	id, err := r.pathID("conference", "conf_")
	if err != nil {
		return call.Case{}, err
	}
	return r.store.Case(r.Context(), id)
}

// changeConference replaces what it is told of the plan.
func (a *api) changeConference(r *request) (reply, error) {
	id, err := r.pathID("conference", "conf_")
	if err != nil {
		return reply{}, err
	}
	var in conferenceInput
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	if in.Seller != nil {
		return reply{}, call.Invalid("seller", "the seller stays; cancel this conference and schedule another")
	}
	if in.Buyer != nil {
		return reply{}, call.Invalid("buyer", "the buyer stays; cancel this conference and schedule another")
	}
	return a.change(r, id, call.Reschedule(r.subject.actor(), in.over))
}

// missConference says that somebody did not come.
func (a *api) missConference(r *request) (reply, error) {
	id, err := r.pathID("conference", "conf_")
	if err != nil {
		return reply{}, err
	}
	if err := decode(r.body, &struct{}{}); err != nil {
		return reply{}, err
	}
	return a.change(r, id, call.Miss(r.subject.actor()))
}

func (a *api) cancelConference(r *request) (reply, error) {
	return a.close(r, "", func(reason string) call.Rule { return call.Cancel(r.subject.actor(), reason) })
}

func (a *api) endConference(r *request) (reply, error) {
	return a.close(r, call.ReasonEnded, func(reason string) call.Rule { return call.End(r.subject.actor(), reason) })
}

// close applies a rule that ends the conference for the reason in the body.
func (a *api) close(r *request, otherwise string, rule func(reason string) call.Rule) (reply, error) {
	id, err := r.pathID("conference", "conf_")
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Reason *string `json:"reason"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	reason := strings.TrimSpace(or(in.Reason, ""))
	if reason == "" {
		reason = otherwise
	}
	if len([]rune(reason)) > maxReason {
		return reply{}, call.Invalid("reason", fmt.Sprintf("longer than %d characters", maxReason))
	}
	return a.change(r, id, rule(reason))
}

// change applies a rule to a conference that is still as the request's If-Match says.
func (a *api) change(r *request, id string, rule call.Rule) (reply, error) {
	c, _, err := r.store.Apply(r.Context(), id, r.guarded(rule))
	if err != nil {
		return reply{}, err
	}
	return tagged(showConference(c, r.now))
}

// guarded is a rule that asks the request's If-Match first.
func (r *request) guarded(rule call.Rule) call.Rule {
	return func(c call.Case, now time.Time) ([]call.Event, error) {
		if err := r.ifMatch(showConference(c, r.now)); err != nil {
			return nil, err
		}
		return rule(c, now)
	}
}
