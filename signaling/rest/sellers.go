package rest

import (
	"strings"
	"time"

	"showroom/call"
)

// seller is a seller as the API shows it.
type seller struct {
	ID string `json:"id"`
	call.Profile
	CreatedAt time.Time `json:"created_at"`
}

func showSeller(s call.Seller) seller {
	return seller{ID: s.ID, Profile: s.Profile, CreatedAt: s.CreatedAt}
}

// profileInput is what may be said of a seller; nil is not said.
type profileInput struct {
	Name           *string `json:"name"`
	Email          *string `json:"email"`
	TimeZone       *string `json:"time_zone"`
	Language       *string `json:"language"`
	MonthlyMinutes *int    `json:"monthly_minutes"`
	Reference      *string `json:"reference"`

	RetentionDays  *int                 `json:"retention_days"`
	WithoutConsent *call.WithoutConsent `json:"without_consent"`
}

// over is the profile with what the input says in place.
func (in profileInput) over(p call.Profile) call.Profile {
	return call.Profile{
		Name:           strings.TrimSpace(or(in.Name, p.Name)),
		Email:          strings.TrimSpace(or(in.Email, p.Email)),
		TimeZone:       or(in.TimeZone, p.TimeZone),
		Language:       or(in.Language, p.Language),
		MonthlyMinutes: or(in.MonthlyMinutes, p.MonthlyMinutes),
		Reference:      or(in.Reference, p.Reference),
		RetentionDays:  or(in.RetentionDays, p.RetentionDays),
		WithoutConsent: or(in.WithoutConsent, p.WithoutConsent),
	}
}

func (a *api) createSeller(r *request) (reply, error) {
	var in profileInput
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	if in.MonthlyMinutes == nil {
		return reply{}, call.Invalid("monthly_minutes", "say how many minutes the seller has in a month")
	}
	s, err := r.store.RegisterSeller(r.Context(), r.subject.actor(), in.over(call.Profile{TimeZone: "UTC", Language: "en"}))
	if err != nil {
		return reply{}, err
	}
	return created(showSeller(s))
}

func (a *api) listSellers(r *request) (reply, error) {
	q := r.URL.Query()
	after, limit, err := paging(q)
	if err != nil {
		return reply{}, err
	}
	f, err := peopleFilter(q)
	if err != nil {
		return reply{}, err
	}
	sellers, next, err := r.store.Sellers(r.Context(), f, after, limit)
	if err != nil {
		return reply{}, err
	}
	return ok(page(sellers, next, showSeller))
}

func (a *api) readSeller(r *request) (reply, error) {
	s, err := a.sellerOf(r)
	if err != nil {
		return reply{}, err
	}
	return tagged(showSeller(s))
}

func (a *api) changeSeller(r *request) (reply, error) {
	id, err := r.pathID("id", "sell_")
	if err != nil {
		return reply{}, err
	}
	var in profileInput
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	s, err := r.store.ChangeSeller(r.Context(), id, r.subject.actor(), func(s call.Seller) (call.Profile, error) {
		return in.over(s.Profile), r.ifMatch(showSeller(s))
	})
	if err != nil {
		return reply{}, err
	}
	return tagged(showSeller(s))
}

func (a *api) readUsage(r *request) (reply, error) {
	s, err := a.sellerOf(r)
	if err != nil {
		return reply{}, err
	}
	month := r.URL.Query().Get("month")
	if month == "" {
		month = s.Month(r.now)
	}
	if t, err := time.Parse("2006-01", month); err != nil || t.Format("2006-01") != month {
		return reply{}, call.Invalid("month", "not a month such as 2026-11")
	}
	return ok(s.Usage(month))
}

func (a *api) sellerOf(r *request) (call.Seller, error) {
	id, err := r.pathID("id", "sell_")
	if err != nil {
		return call.Seller{}, err
	}
	return r.store.Seller(r.Context(), id)
}
