package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"
)

// Email sends messages by a mail server (SMTP, RFC 5321).
type Email struct {
	client *gomail.Client
	from   *mail.Address
	domain string // of message ids
}

// EmailConfig says which mail server to use.
type EmailConfig struct {
	Host     string
	Port     int
	Security string // starttls, tls or none
	User     string // empty: no authentication
	Password string
	From     string      // address, with a name or without
	TLS      *tls.Config // nil: the system's certificates
}

// NewEmail checks a configuration. It connects to nothing.
func NewEmail(c EmailConfig) (*Email, error) {
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address such as \"Showroom <calls@cars.example>\"", c.From)
	}
	options := []gomail.Option{gomail.WithPort(c.Port), gomail.WithTimeout(sendTimeout)}
	switch c.Security {
	case "tls":
		options = append(options, gomail.WithSSL())
	case "starttls":
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if c.TLS != nil {
		options = append(options, gomail.WithTLSConfig(c.TLS))
	}
	if c.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(c.User), gomail.WithPassword(c.Password))
	}
	client, err := gomail.NewClient(c.Host, options...)
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	return &Email{client: client, from: from, domain: domain}, nil
}

// Name is the log's word for it.
func (e *Email) Name() string { return "email" }

// Address is what mail comes from.
func (e *Email) Address() string { return e.from.Address }

// Send hands a message to the mail server. The same message has the same Message-ID at each try, by which mailboxes know it again.
func (e *Email) Send(ctx context.Context, m Message) error {
	if m.To.Email == "" {
		return fmt.Errorf("the %s has %w for e-mail", m.To.Role, ErrNoAddress)
	}
	letter, err := e.letter(m)
	if err != nil {
		return Permanent(err)
	}
	err = e.client.DialAndSendWithContext(ctx, letter)
	refused := (*gomail.SendError)(nil)
	switch {
	case letter.IsDelivered(): // an error comes from taking leave
		return nil
	case errors.As(err, &refused) && refused.ErrorCode() >= 500 && (refused.Reason == gomail.ErrSMTPRcptTo || refused.Reason == gomail.ErrSMTPDataClose):
		return Permanent(err)
	}
	return err // what else is refused for good, such as our password, is for the operator to mend
}

func (e *Email) letter(m Message) (*gomail.Msg, error) {
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	letter.FromMailAddress(e.from)
	if err := letter.AddToFormat(m.To.Name, m.To.Email); err != nil {
		return nil, fmt.Errorf("the e-mail address of the %s is none: %w", m.To.Role, err)
	}
	if m.ReplyTo != "" {
		letter.SetAddrHeaderIgnoreInvalid(gomail.HeaderReplyTo, m.ReplyTo) // without it answers go to the sender
	}
	letter.SetMessageIDWithValue(m.ID + "@" + e.domain)
	letter.SetDate()
	letter.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 §5: no vacation notes, please
	letter.SetGenHeader("Content-Language", m.To.Language)
	letter.Subject(m.Subject)
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	letter.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	if len(m.Calendar) > 0 { // twice: mail programs look for the one or the other
		kind := gomail.ContentType("text/calendar; method=" + m.Method)
		letter.AddAlternativeString(kind, string(m.Calendar))
		if err := letter.AttachReader("call.ics", strings.NewReader(string(m.Calendar)), gomail.WithFileContentType(kind)); err != nil {
			return nil, err
		}
	}
	return letter, nil
}
