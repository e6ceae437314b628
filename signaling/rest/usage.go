package rest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"showroom/call"
)

// monthUsage is a seller's account of one month, conference by conference.
type monthUsage struct {
	call.Usage
	Data []callUsage `json:"data"`
}

// callUsage is what one conference took of the month.
type callUsage struct {
	Conference string    `json:"conference"`
	Subject    string    `json:"subject"`
	Buyer      person    `json:"buyer"`
	From       time.Time `json:"from"`
	Seconds    int       `json:"seconds"`
}

// setting is how many minutes a seller was given, when and by whom.
type setting struct {
	At         time.Time `json:"at"`
	By         string    `json:"by"`
	ByName     string    `json:"by_name,omitempty"` // of an API key
	Monthly    int       `json:"monthly_minutes"`
	Conference int       `json:"conference_minutes"`
}

func (a *api) readUsage(r *request) (reply, error) {
	u, _, err := a.usageThen(r)
	if err != nil {
		return reply{}, err
	}
	return ok(u)
}

// usageThen is the account of the month that is asked for, as the seller has it.
func (a *api) usageThen(r *request) (call.Usage, call.Seller, error) {
	s, err := a.sellerOf(r)
	if err != nil {
		return call.Usage{}, s, err
	}
	settings, err := a.settings(r, s.ID)
	if err != nil {
		return call.Usage{}, s, err
	}
	month := r.URL.Query().Get("month")
	if month == "" {
		month = s.Month(r.now)
	}
	u, err := s.UsageThen(month, settings)
	return u, s, err
}

// listMonths are the months in which minutes were used, and the current one, the latest first.
func (a *api) listMonths(r *request) (reply, error) {
	s, err := a.sellerOf(r)
	if err != nil {
		return reply{}, err
	}
	settings, err := a.settings(r, s.ID)
	if err != nil {
		return reply{}, err
	}
	months := []string{s.Month(r.now)}
	for month := range s.Taken {
		months = append(months, month)
	}
	slices.Sort(months)
	months = slices.Compact(months)
	slices.Reverse(months)
	all := make([]call.Usage, 0, len(months))
	for _, month := range months {
		u, err := s.UsageThen(month, settings)
		if err != nil {
			return reply{}, fmt.Errorf("usage of %s in %q: %w", s.ID, month, hide(err))
		}
		all = append(all, u)
	}
	return ok(page(all, "", func(u call.Usage) call.Usage { return u }))
}

func (a *api) listUsage(r *request) (reply, error) {
	u, _, err := a.usageByCall(r)
	if err != nil {
		return reply{}, err
	}
	return ok(u)
}

// usageByCall adds the month up from the events. The total is the sum of the lines, also while a call runs and the seller's own total moves on.
func (a *api) usageByCall(r *request) (monthUsage, call.Seller, error) {
	u, s, err := a.usageThen(r)
	if err != nil {
		return monthUsage{}, s, err
	}
	account, err := a.account(r, s, u.Month)
	if err != nil {
		return monthUsage{}, s, err
	}
	out := monthUsage{Usage: u, Data: []callUsage{}}
	out.Used = 0
	for _, spent := range account.Spent() {
		c, err := r.store.Case(r.Context(), spent.Conference)
		if err != nil {
			return out, s, fmt.Errorf("usage of %s: %w", spent.Conference, hide(err))
		}
		out.Used += spent.Seconds
		out.Data = append(out.Data, callUsage{
			Conference: spent.Conference, Subject: c.Conference.Subject, Buyer: buyerPerson(c.Buyer), From: spent.From.UTC(), Seconds: spent.Seconds,
		})
	}
	out.Remaining = max(0, out.Cap-out.Used)
	return out, s, nil
}

// earlier is how long before the month its first block may be in the log: a seller's time zone may have changed meanwhile by a day and more, and
// blocks are reserved ahead.
const earlier = 48 * time.Hour

func (a *api) account(r *request, s call.Seller, month string) (*call.Account, error) {
	start, err := s.MonthStart(month)
	if err != nil {
		return nil, err
	}
	after, err := r.store.Before(r.Context(), start.Add(-earlier))
	if err != nil {
		return nil, err
	}
	account := call.NewAccount(month)
	minutes := call.EventFilter{Seller: s.ID, Types: []string{call.Reserved{}.Type(), call.Returned{}.Type()}}
	return account, everyEvent(r.Context(), r.store, minutes, after, account.Add)
}

// settings are those of a seller's minutes, from the log.
func (a *api) settings(r *request, seller string) (settings []call.Setting, err error) {
	changes := call.EventFilter{Seller: seller, Types: []string{call.SellerRegistered{}.Type(), call.SellerChanged{}.Type()}}
	err = everyEvent(r.Context(), r.store, changes, 0, func(e call.Event) { settings = call.AddSetting(settings, e) })
	return settings, err
}

const scanAtOnce = 500 // events

// everyEvent reads the events that a filter chooses, to the head of the log.
func everyEvent(ctx context.Context, log Log, f call.EventFilter, after uint64, do func(call.Event)) error {
	for {
		events, next, err := log.EventsOf(ctx, f, after, scanAtOnce)
		if err != nil {
			return err
		}
		for _, e := range events {
			do(e)
		}
		if next <= after || len(events) == 0 {
			return nil
		}
		after = next
	}
}

// listSettings says who gave the seller how many minutes, and when, the latest first.
func (a *api) listSettings(r *request) (reply, error) {
	s, err := a.sellerOf(r)
	if err != nil {
		return reply{}, err
	}
	settings, err := a.settings(r, s.ID)
	if err != nil {
		return reply{}, err
	}
	names, err := a.allKeyNames(r.Context())
	if err != nil {
		return reply{}, err
	}
	slices.Reverse(settings)
	return ok(page(settings, "", func(s call.Setting) setting {
		return setting{At: s.At, By: s.By, ByName: names[s.By], Monthly: s.Monthly, Conference: s.Conference}
	}))
}
