package notify

import (
	"context"
	"errors"
	"time"

	"showroom/call"
)

// Channel carries messages to people: e-mail, push.
type Channel interface {
	// Name is the log's word for it, such as "email".
	Name() string
	// Send hands one message over. nil says that the service took it. [ErrNoAddress] (wrapped, to say what is missing) says that there is nothing by
	// which this channel could reach the recipient; an error of [Permanent] that trying again is no use; every other error is tried again, later and
	// later, until the message is worth nothing any more. It may be called with the same message again: Message.ID is then the same.
	Send(ctx context.Context, m Message) error
}

// ErrNoAddress says that a channel knows no address of the recipient.
var ErrNoAddress = errors.New("no address")

// Permanent marks an error of [Channel.Send] after which the message will never be taken.
func Permanent(err error) error { return &permanentError{err} }

type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

// isPermanent says whether trying again is no use.
func isPermanent(err error) bool {
	p := (*permanentError)(nil)
	return errors.As(err, &p)
}

// Recipient is who a message is for.
type Recipient struct {
	Role     call.Role // seller, buyer or colleague
	ID       string    // of the seller or the buyer; for a colleague the seller's
	Name     string
	Email    string // may be empty
	Phone    string // may be empty
	Language string // of [call.Languages]
	Zone     *time.Location
}

// Message is one message as it goes out, in the recipient's language and time zone. URL and everything that contains it are secrets: they let their
// holder into the conference.
type Message struct {
	ID         string // the same at each try: conference id, a dot and a word
	Kind       call.Kind
	Conference string
	To         Recipient
	Subject    string // one line; also the title of a push
	Short      string // one or two sentences without the URL, for a push
	Text       string // all of it as plain text, the URL included
	HTML       string // the same to be looked at
	Action     string // what opening the URL does, for a button
	URL        string // the recipient's access link; empty where there is nothing to open any more
	Calendar   []byte // RFC 5545, or empty
	Method     string // of the calendar: REQUEST or CANCEL (RFC 5546)
	ReplyTo    string // e-mail address that answers go to, or empty
	Until      time.Time
}
