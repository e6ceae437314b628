package call

import (
	"errors"
	"net/mail"
	"strings"
	"time"
)

// The roles of people who sign in, which are scopes of API keys too.
const (
	OperatorsRole = "operator" // everything
	SellersRole   = "seller"   // what belongs to one seller
)

// ErrDisabled is why a user gets no link.
var ErrDisabled = errors.New("the user is disabled")

// User is a person who may sign in to the console.
type User struct {
	ID           string    `json:"id"`
	Email        string    `json:"email"` // in lower case, of one user only
	Name         string    `json:"name"`
	Role         string    `json:"role"`
	Seller       string    `json:"seller,omitempty"` // the only one a seller's user may act for
	CreatedAt    time.Time `json:"created_at"`
	CreatedBy    string    `json:"created_by,omitempty"`
	PasswordAt   time.Time `json:"password_at,omitzero"` // zero: never set
	DisabledAt   time.Time `json:"disabled_at,omitzero"`
	SignedInAt   time.Time `json:"signed_in_at,omitzero"`
	SignedInFrom string    `json:"signed_in_from,omitempty"`
}

const (
	SessionIdle = 12 * time.Hour     // a session that is not used for so long has ended
	SessionLife = 7 * 24 * time.Hour // so long after signing in it ends in any case
	InviteLife  = 3 * 24 * time.Hour // of a link to set a password
)

// Session is a browser in which a user is signed in.
type Session struct {
	ID        string    `json:"id"`
	User      string    `json:"user"`
	CreatedAt time.Time `json:"created_at"`
	UsedAt    time.Time `json:"used_at"` // a minute late at most
	From      string    `json:"from"`    // IP address at that time
	Agent     string    `json:"agent,omitempty"`
}

// Ends is when the session ends if it is not used any more.
func (s Session) Ends() time.Time {
	idle, life := s.UsedAt.Add(SessionIdle), s.CreatedAt.Add(SessionLife)
	if idle.Before(life) {
		return idle
	}
	return life
}

// Holds says whether the session lets anybody in at a time.
func (s Session) Holds(now time.Time) bool { return now.Before(s.Ends()) }

const maxEmail = 254 // bytes, RFC 5321 section 4.5.3.1

// Check is an InvalidError of the field of a user that is wrong; now is how they are kept.
func (u User) Check() (now User, err error) {
	u.Email, u.Name = strings.ToLower(strings.TrimSpace(u.Email)), strings.TrimSpace(u.Name)
	address, err := mail.ParseAddress(u.Email)
	switch {
	case err != nil || address.Address != u.Email || len(u.Email) > maxEmail:
		return u, Invalid("email", "not an e-mail address")
	case u.Name == "" || len(u.Name) > 200:
		return u, Invalid("name", "a name of 1 to 200 bytes is needed")
	case u.Role != OperatorsRole && u.Role != SellersRole:
		return u, Invalid("role", "neither operator nor seller")
	case (u.Role == SellersRole) != (u.Seller != ""):
		return u, Invalid("seller", "the id of a seller goes with the role seller, and only with it")
	}
	return u, nil
}
