package rest

import (
	"encoding/json"
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

	ConferenceMinutes *int `json:"conference_minutes"`

	RetentionDays  *int                 `json:"retention_days"`
	WithoutConsent *call.WithoutConsent `json:"without_consent"`

	ColleagueName  *string         `json:"colleague_name"`
	ColleagueEmail *string         `json:"colleague_email"`
	Reminders      json.RawMessage `json:"reminder_minutes"` // null is said, too: the installation's
}

// over is the profile with what the input says in place.
func (in profileInput) over(p call.Profile) (call.Profile, error) {
	reminders := p.Reminders
	if in.Reminders != nil {
		reminders = nil
		if err := json.Unmarshal(in.Reminders, &reminders); err != nil {
			return p, call.Invalid("reminder_minutes", "a list of whole numbers is needed, or null")
		}
	}
	return call.Profile{
		Name:           strings.TrimSpace(or(in.Name, p.Name)),
		Email:          strings.TrimSpace(or(in.Email, p.Email)),
		TimeZone:       or(in.TimeZone, p.TimeZone),
		Language:       or(in.Language, p.Language),
		MonthlyMinutes: or(in.MonthlyMinutes, p.MonthlyMinutes),
		Reference:      or(in.Reference, p.Reference),

		ConferenceMinutes: or(in.ConferenceMinutes, p.ConferenceMinutes),

		RetentionDays:  or(in.RetentionDays, p.RetentionDays),
		WithoutConsent: or(in.WithoutConsent, p.WithoutConsent),
		ColleagueName:  strings.TrimSpace(or(in.ColleagueName, p.ColleagueName)),
		ColleagueEmail: strings.TrimSpace(or(in.ColleagueEmail, p.ColleagueEmail)),
		Reminders:      reminders,
	}, nil
}

func (a *api) createSeller(r *request) (reply, error) {
	var in profileInput
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	if in.MonthlyMinutes == nil {
		return reply{}, call.Invalid("monthly_minutes", "say how many minutes the seller has in a month")
	}
	profile, err := in.over(call.Profile{TimeZone: "UTC", Language: "en"})
	if err != nil {
		return reply{}, err
	}
	s, err := r.store.RegisterSeller(r.Context(), r.subject.actor(), profile)
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
		if err := r.ifMatch(showSeller(s)); err != nil {
			return call.Profile{}, err
		}
		return in.over(s.Profile)
	})
	if err != nil {
		return reply{}, err
	}
	return tagged(showSeller(s))
}

func (a *api) sellerOf(r *request) (call.Seller, error) {
	id, err := r.pathID("id", "sell_")
	if err != nil {
		return call.Seller{}, err
	}
	return r.store.Seller(r.Context(), id)
}
