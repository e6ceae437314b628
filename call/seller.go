package call

import (
	"fmt"
	"net/mail"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// Profile is what a CRM says of a seller.
type Profile struct {
	Name           string `json:"name"`
	Email          string `json:"email,omitempty"`
	TimeZone       string `json:"time_zone"` // IANA name; the seller's months begin there
	Language       string `json:"language"`
	MonthlyMinutes int    `json:"monthly_minutes"`
	// ConferenceMinutes is how long one conference may take at most; 0: as long as the month lets it.
	ConferenceMinutes int `json:"conference_minutes"`

	Reference string `json:"reference,omitempty"` // the CRM's own id

	RetentionDays  int            `json:"retention_days"`  // after which a recording is deleted; 0: never
	WithoutConsent WithoutConsent `json:"without_consent"` // of new arrivals from now on

	ColleagueName  string `json:"colleague_name,omitempty"`
	ColleagueEmail string `json:"colleague_email,omitempty"` // who is told when a buyer waits and the seller does not come
	Reminders      []int  `json:"reminder_minutes,omitzero"` // before the start; nil: the installation's, none: none
}

// Seller is the fold of one seller's stream.
type Seller struct {
	ID string `json:"id"`
	Profile
	CreatedAt time.Time          `json:"created_at"`
	Taken     map[string]int     `json:"taken,omitempty"` // month → seconds spent or reserved
	Open      map[string][]Block `json:"open,omitempty"`  // conference → reserved blocks that may not be spent yet, in time order
	Version   uint64             `json:"version"`
}

// Block is a reserved stretch of one month.
type Block struct {
	Month string    `json:"month"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// Contact is what a CRM says of a buyer.
type Contact struct {
	Name      string `json:"name"`
	Email     string `json:"email,omitempty"`
	Phone     string `json:"phone,omitempty"`
	Language  string `json:"language,omitempty"`
	Reference string `json:"reference,omitempty"`
	Seller    string `json:"seller,omitempty"`    // whose buyer it is, if one seller's only
	TimeZone  string `json:"time_zone,omitempty"` // IANA name, for times in messages; empty: the seller's
}

// Buyer is the fold of one buyer's stream.
type Buyer struct {
	ID string `json:"id"`
	Contact
	CreatedAt time.Time `json:"created_at"`
	Erasure   Erasure   `json:"erasure,omitzero"`
	Version   uint64    `json:"version"`
}

// Apply folds one event in and returns the new state.
func (b Buyer) Apply(e Event) Buyer {
	b.Version = e.Seq
	switch r := e.Body.(type) {
	case BuyerRegistered:
		b.ID, b.Contact, b.CreatedAt = e.Stream, r.Contact, e.At
	case BuyerChanged:
		b.Contact = r.Contact
	default:
		return b.applyErasure(e)
	}
	return b
}

// Apply folds one event in and returns the new state; the old one stays as it was.
func (s Seller) Apply(e Event) Seller {
	s.Version = e.Seq
	switch b := e.Body.(type) {
	case SellerRegistered:
		s.ID, s.Profile, s.CreatedAt = e.Stream, b.Profile.whole(), e.At
	case SellerChanged:
		s.Profile = b.Profile.whole()
	case Reserved:
		s.Taken = with(s.Taken, b.Month, s.Taken[b.Month]+b.Seconds)
		open := slices.DeleteFunc(slices.Clone(s.Open[b.Conference]), func(o Block) bool { return !o.Until.After(e.At) })
		s.Open = with(s.Open, b.Conference, append(open, Block{Month: b.Month, From: b.From, Until: b.Until}))
	case Returned:
		s.Taken = with(s.Taken, b.Month, s.Taken[b.Month]-b.Seconds)
		s.Open = with(s.Open, b.Conference, nil)
		delete(s.Open, b.Conference)
	}
	return s
}

// zones are the time zones that were asked for, by name: loading one reads files.
var zones sync.Map

// Zone is the seller's time zone; one that this machine doesn't know counts as UTC.
func (s Seller) Zone() *time.Location { return zone(s.TimeZone) }

func zone(name string) *time.Location {
	if known, ok := zones.Load(name); ok {
		return known.(*time.Location)
	}
	found, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	zones.Store(name, found)
	return found
}

// Month is the name (2026-11) of the seller's month that t is in.
func (s Seller) Month(t time.Time) string { return t.In(s.Zone()).Format("2006-01") }

// Usage is a seller's account of one month, in seconds.
type Usage struct {
	Month     string `json:"month"`
	TimeZone  string `json:"time_zone"`
	Cap       int    `json:"cap_seconds"`
	Used      int    `json:"used_seconds"` // spent, and reserved by calls that run
	Remaining int    `json:"remaining_seconds"`
}

// Usage is the account of a month, 2026-11.
func (s Seller) Usage(month string) Usage {
	limit := s.MonthlyMinutes * 60
	used := s.Taken[month]
	return Usage{Month: month, TimeZone: s.TimeZone, Cap: limit, Used: used, Remaining: max(0, limit-used)}
}

// whole is a profile with defaults in place of what older logs do not say.
func (p Profile) whole() Profile {
	if p.WithoutConsent == "" {
		p.WithoutConsent = Unrecorded
	}
	return p
}

// Register opens the stream of a seller.
func Register(id, actor string, p Profile, now time.Time) ([]Event, error) {
	p = p.whole()
	if err := p.check(); err != nil {
		return nil, err
	}
	return []Event{{Stream: id, At: now, Actor: actor, Body: SellerRegistered{p}}}, nil
}

// Change replaces a seller's settings.
func (s Seller) Change(actor string, p Profile, now time.Time) ([]Event, error) {
	p = p.whole()
	if err := p.check(); err != nil {
		return nil, err
	}
	if reflect.DeepEqual(p, s.Profile) {
		return nil, nil
	}
	return []Event{{Stream: s.ID, At: now, Actor: actor, Body: SellerChanged{p}}}, nil
}

// RegisterBuyer opens the stream of a buyer.
func RegisterBuyer(id, actor string, c Contact, now time.Time) ([]Event, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return []Event{{Stream: id, At: now, Actor: actor, Body: BuyerRegistered{c}}}, nil
}

// Change replaces what is said of a buyer; whose buyer it is stays.
func (b Buyer) Change(actor string, c Contact, now time.Time) ([]Event, error) {
	if b.Erasure.Ordered() {
		return nil, ErrErased
	}
	c.Seller = b.Seller
	if err := c.check(); err != nil {
		return nil, err
	}
	if c == b.Contact {
		return nil, nil
	}
	return []Event{{Stream: b.ID, At: now, Actor: actor, Body: BuyerChanged{c}}}, nil
}

func (c Contact) check() error {
	if err := checkName(c.Name); err != nil {
		return err
	}
	if c.Language != "" {
		if err := checkLanguage(c.Language); err != nil {
			return err
		}
	}
	if c.TimeZone != "" {
		if err := checkZone(c.TimeZone); err != nil {
			return err
		}
	}
	return checkShort("email", c.Email, "phone", c.Phone, "reference", c.Reference)
}

// Languages are those the pages speak.
var Languages = []string{"pt-BR", "en", "es"}

const (
	maxText           = 200     // characters of a name, subject or reference
	maxRetentionDays  = 36500   // a hundred years
	maxMonthlyMinutes = 1000000 // more than a month has for twenty calls at once
	maxCallMinutes    = 24 * 60 // of one conference
)

func (p Profile) check() error {
	if err := checkName(p.Name); err != nil {
		return err
	}
	if err := checkZone(p.TimeZone); err != nil {
		return err
	}
	if p.MonthlyMinutes < 0 || p.MonthlyMinutes > maxMonthlyMinutes {
		return Invalid("monthly_minutes", fmt.Sprintf("%d is not between 0 and %d", p.MonthlyMinutes, maxMonthlyMinutes))
	}
	if p.ConferenceMinutes < 0 || p.ConferenceMinutes > maxCallMinutes {
		return Invalid("conference_minutes", fmt.Sprintf("%d is not between 0 (no limit) and %d", p.ConferenceMinutes, maxCallMinutes))
	}
	if p.RetentionDays < 0 || p.RetentionDays > maxRetentionDays {
		return Invalid("retention_days", fmt.Sprintf("%d is not between 0 (recordings are kept) and %d", p.RetentionDays, maxRetentionDays))
	}
	if err := p.WithoutConsent.check(); err != nil {
		return err
	}
	if err := checkLanguage(p.Language); err != nil {
		return err
	}
	if err := checkReminders(p.Reminders); err != nil {
		return err
	}
	if err := checkEmail("colleague_email", p.ColleagueEmail); err != nil {
		return err
	}
	return checkShort("email", p.Email, "reference", p.Reference, "colleague_name", p.ColleagueName)
}

func checkZone(name string) error {
	if name == "" || name == "Local" {
		return Invalid("time_zone", "an IANA name is needed, such as America/Sao_Paulo")
	}
	if _, err := time.LoadLocation(name); err != nil {
		return Invalid("time_zone", fmt.Sprintf("%q is not a time zone; use an IANA name such as America/Sao_Paulo", name))
	}
	return nil
}

func checkReminders(minutes []int) error {
	if len(minutes) > maxReminders {
		return Invalid("reminder_minutes", fmt.Sprintf("%d reminders; at most %d", len(minutes), maxReminders))
	}
	for _, m := range minutes {
		if last := int(maxRemindLead / time.Minute); m < 1 || m > last {
			return Invalid("reminder_minutes", fmt.Sprintf("%d is not between 1 and %d", m, last))
		}
	}
	return nil
}

// checkEmail takes an e-mail address or nothing.
func checkEmail(field, address string) error {
	if address == "" {
		return nil
	}
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
		return Invalid(field, fmt.Sprintf("%.60q is not an e-mail address such as ana@cars.example", address))
	}
	return checkShort(field, address)
}

func checkName(name string) error {
	if strings.TrimSpace(name) == "" {
		return Invalid("name", "a name is needed")
	}
	return checkShort("name", name)
}

func checkLanguage(language string) error {
	if !slices.Contains(Languages, language) {
		return Invalid("language", fmt.Sprintf("%q is not one of %s", language, strings.Join(Languages, ", ")))
	}
	return nil
}

// checkShort takes pairs of field and value.
func checkShort(pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if len([]rune(pairs[i+1])) > maxText {
			return Invalid(pairs[i], fmt.Sprintf("longer than %d characters", maxText))
		}
	}
	return nil
}
