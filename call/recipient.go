package call

import (
	"cmp"
	"time"
)

// Recipient is who a message is for.
type Recipient struct {
	Role     Role
	ID       string // of the seller or the buyer; a colleague has none of their own: the seller's
	Name     string
	Email    string
	Phone    string
	Language string
	Zone     *time.Location
}

// RecipientOf is who messages to a role are for: in the buyer's language or else the conference's, in the buyer's zone or else the seller's.
func (c Case) RecipientOf(role Role) Recipient {
	s, b := c.Seller, c.Buyer
	switch role {
	case RoleBuyer:
		return Recipient{Role: role, ID: b.ID, Name: b.Name, Email: b.Email, Phone: b.Phone, Language: cmp.Or(b.Language, c.Conference.Language), Zone: zone(cmp.Or(b.TimeZone, s.TimeZone))}
	case RoleColleague:
		return Recipient{Role: role, ID: s.ID, Name: s.ColleagueName, Email: s.ColleagueEmail, Language: s.Language, Zone: s.Zone()}
	}
	return Recipient{Role: RoleSeller, ID: s.ID, Name: s.Name, Email: s.Email, Language: s.Language, Zone: s.Zone()}
}
