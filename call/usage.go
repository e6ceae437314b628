package call

import (
	"cmp"
	"slices"
	"sort"
	"strings"
	"time"
)

// Spent is what one conference took of one month of its seller.
type Spent struct {
	Conference string
	From       time.Time // the first of the month's reserved seconds
	Seconds    int       // spent, and reserved if it runs
}

// Account adds up a seller's month, conference by conference, from the events that the minutes are made of. Over all events of the seller its
// sum is what [Seller.Usage] says is used, to the second.
type Account struct {
	month string
	by    map[string]Spent
}

// NewAccount is the account of a month, 2026-11, with nothing in it.
func NewAccount(month string) *Account { return &Account{month: month, by: map[string]Spent{}} }

// Add takes one event of the seller; those of other months and those that are about something else count nothing.
func (a *Account) Add(e Event) {
	switch b := e.Body.(type) {
	case Reserved:
		a.book(b.Conference, b.Month, b.From, b.Seconds)
	case Returned:
		a.book(b.Conference, b.Month, time.Time{}, -b.Seconds)
	}
}

func (a *Account) book(conference, month string, from time.Time, seconds int) {
	if month != a.month {
		return
	}
	s := a.by[conference]
	s.Conference = conference
	s.Seconds += seconds
	if s.From.IsZero() || !from.IsZero() && from.Before(s.From) {
		s.From = from
	}
	a.by[conference] = s
}

// Spent is the account, the first conference first.
func (a *Account) Spent() []Spent {
	all := make([]Spent, 0, len(a.by))
	for _, s := range a.by {
		all = append(all, s)
	}
	slices.SortFunc(all, func(x, y Spent) int {
		return cmp.Or(x.From.Compare(y.From), strings.Compare(x.Conference, y.Conference))
	})
	return all
}

// MonthStart is when a month, 2026-11, begins for the seller.
func (s Seller) MonthStart(month string) (time.Time, error) {
	t, err := time.Parse("2006-01", month)
	if err != nil || t.Format("2006-01") != month || t.Year() == 0 {
		return time.Time{}, Invalid("month", "not a month such as 2026-11")
	}
	before := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, s.Zone()).AddDate(0, 0, -2)
	return s.monthEnd(before), nil
}

// monthEnd is the instant at which the seller's month of t ends. Where the clock is changed at midnight, that is not the first of the next
// month at 0:00: there may be none, or two.
func (s Seller) monthEnd(t time.Time) time.Time {
	month, local := s.Month(t), t.In(s.Zone())
	end := time.Date(local.Year(), local.Month()+1, 1, 0, 0, 0, 0, s.Zone())
	if s.Month(end) != month && s.Month(end.Add(-1)) == month {
		return end
	}
	const around = 3 * time.Hour // longer than any clock is changed by
	from := end.Add(-around)
	return from.Add(time.Second * time.Duration(sort.Search(int(2*around/time.Second), func(i int) bool {
		return s.Month(from.Add(time.Duration(i)*time.Second)) != month
	})))
}

// Setting is how many minutes a seller was given, when and by whom.
type Setting struct {
	At         time.Time
	By         string // the event's actor
	Monthly    int    // minutes
	Conference int    // minutes; 0: no limit
}

// AddSetting takes one more event of the seller; one that changes no minutes adds nothing.
func AddSetting(settings []Setting, e Event) []Setting {
	var p Profile
	switch b := e.Body.(type) {
	case SellerRegistered:
		p = b.Profile
	case SellerChanged:
		p = b.Profile
	default:
		return settings
	}
	if n := len(settings); n > 0 && settings[n-1].Monthly == p.MonthlyMinutes && settings[n-1].Conference == p.ConferenceMinutes {
		return settings
	}
	return append(settings, Setting{At: e.At, By: e.Actor, Monthly: p.MonthlyMinutes, Conference: p.ConferenceMinutes})
}

// UsageThen is the account of a month with the cap that it had in the end, by the settings of the seller.
func (s Seller) UsageThen(month string, settings []Setting) (Usage, error) {
	start, err := s.MonthStart(month)
	if err != nil {
		return Usage{}, err
	}
	u, end := s.Usage(month), s.monthEnd(start)
	for _, set := range settings {
		if set.At.Before(end) {
			u.Cap = set.Monthly * 60
		}
	}
	u.Remaining = max(0, u.Cap-u.Used)
	return u, nil
}
