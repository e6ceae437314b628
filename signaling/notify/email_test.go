package notify

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	ical "github.com/emersion/go-ical"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"showroom/call"
)

// postOffice is a real mail server that keeps what it takes.
type postOffice struct {
	mu      sync.Mutex
	letters []letter
	refuse  map[string]*smtp.SMTPError // by recipient
	took    chan string                // recipients, for who wants to hear of each letter
}

type letter struct {
	from, to string
	tls      bool
	user     string
	text     []byte
}

type counter struct {
	office *postOffice
	conn   *smtp.Conn
	letter letter
}

func (p *postOffice) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &counter{office: p, conn: c}, nil
}

func (c *counter) AuthMechanisms() []string { return []string{sasl.Plain} }

func (c *counter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "showroom" || password != "secret" {
			return errors.New("wrong password")
		}
		c.letter.user = user
		return nil
	}), nil
}

func (c *counter) Mail(from string, _ *smtp.MailOptions) error {
	c.letter.from = from
	return nil
}

func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.letter.to = to
	if err := c.office.refuse[to]; err != nil {
		return err
	}
	return nil
}

func (c *counter) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.letter.text = text
	_, c.letter.tls = c.conn.TLSConnectionState()
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	c.office.letters = append(c.office.letters, c.letter)
	if c.office.took != nil {
		c.office.took <- c.letter.to
	}
	return nil
}

func (c *counter) Reset()        {}
func (c *counter) Logout() error { return nil }

// certificate is one for 127.0.0.1, and what trusts it.
func certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// openPostOffice serves mail on a port of its own, and says how to send to it.
func openPostOffice(t testing.TB, security string) (*postOffice, EmailConfig) {
	t.Helper()
	p := &postOffice{refuse: map[string]*smtp.SMTPError{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	config := EmailConfig{Host: "127.0.0.1", Security: security, From: "Showroom <calls@cars.example>"}
	if config.Port, err = strconv.Atoi(port); err != nil {
		t.Fatal(err)
	}
	s := smtp.NewServer(p)
	s.Domain, s.ErrorLog = "localhost", quietLog{}
	if security != "none" {
		cert, pool := certificate(t)
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}}
		config.TLS = &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}
		config.User, config.Password = "showroom", "secret"
	}
	if security == "tls" {
		l = tls.NewListener(l, s.TLSConfig)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	return p, config
}

type quietLog struct{}

func (quietLog) Printf(string, ...any) {}
func (quietLog) Println(...any)        {}

func (p *postOffice) only(t *testing.T) letter {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.letters) != 1 {
		t.Fatalf("%d letters", len(p.letters))
	}
	return p.letters[0]
}

// parts are the decoded bodies of a letter by media type, as whoever reads mail decodes them (RFC 2045, RFC 2046).
func parts(t *testing.T, header map[string][]string, body io.Reader) map[string]string {
	t.Helper()
	get := func(name string) string { return strings.Join(header[name], "") }
	kind, params, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		if get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(body)
		} else if get("Content-Transfer-Encoding") == "base64" {
			body = base64Lines(body)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if d := get("Content-Disposition"); d != "" {
			kind = strings.SplitN(d, ";", 2)[0] + " " + kind
		}
		if method := params["method"]; method != "" {
			kind += " " + method
		}
		return map[string]string{kind: string(text)}
	}
	all := map[string]string{}
	for r := multipart.NewReader(body, params["boundary"]); ; {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for kind, text := range parts(t, part.Header, part) {
			all[kind] = text
		}
	}
}

// written is a message of a plan, made by the writer.
func written(t *testing.T, change func(*call.Case, *call.Message)) Message {
	t.Helper()
	at := time.Date(2026, 11, 25, 18, 0, 0, 0, time.UTC)
	c := call.Case{
		Conference: call.Conference{ID: "conf_a", Subject: "Fiat Pulse 2025; automático, \"novo\"", StartsAt: at, Seconds: 1800, Language: "pt-BR",
			Links: map[string]call.Link{"link_a": {ID: "link_a", Role: call.RoleBuyer, Participant: "buyer"}}},
		Seller: call.Seller{ID: "sell_a", Profile: call.Profile{Name: "Ana \"A.\" Souza: Carros", Email: "ana@cars.example", TimeZone: "America/Sao_Paulo", Language: "pt-BR"}},
		Buyer:  call.Buyer{ID: "buy_a", Contact: call.Contact{Name: "João, da Silva", Email: "joao@mail.example"}},
	}
	m := call.Message{ID: "invitation_buyer_0", Kind: call.KindInvitation, To: call.RoleBuyer, Link: "link_a", At: at.Add(-24 * time.Hour), Until: at}
	if change != nil {
		change(&c, &m)
	}
	w := NewWriter("https://calls.example:8443", "calls@cars.example", func(p call.Pass) (string, error) { return strings.Repeat("t", 300) + p.Link, nil })
	out, err := w.Write(c, m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEmail: over each kind of connection the whole message arrives: text, HTML, and the calendar file twice.
func TestEmail(t *testing.T) {
	for _, security := range []string{"starttls", "tls", "none"} {
		t.Run(security, func(t *testing.T) {
			office, config := openPostOffice(t, security)
			e, err := NewEmail(config)
			if err != nil {
				t.Fatal(err)
			}
			m := written(t, nil)
			if err := e.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			got := office.only(t)
			if got.from != "calls@cars.example" || got.to != "joao@mail.example" || got.tls != (security != "none") || (got.user == "showroom") != (security != "none") {
				t.Errorf("envelope %q %q, TLS %v, user %q", got.from, got.to, got.tls, got.user)
			}
			letter, err := mail.ReadMessage(bytes.NewReader(got.text))
			if err != nil {
				t.Fatal(err)
			}
			h := letter.Header
			subject, _ := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
			to, err := mail.ParseAddress(h.Get("To"))
			if err != nil || to.Name != "João, da Silva" || subject != m.Subject || h.Get("Message-Id") != "<conf_a.invitation_buyer_0@cars.example>" ||
				h.Get("Reply-To") != "<ana@cars.example>" || h.Get("Auto-Submitted") != "auto-generated" {
				t.Errorf("headers %v, %v", h, err)
			}
			found := parts(t, h, letter.Body)
			if strings.ReplaceAll(found["text/plain"], "\r\n", "\n") != m.Text || !strings.Contains(found["text/html"], m.URL) {
				t.Errorf("text %q\nHTML %q", found["text/plain"], found["text/html"])
			}
			for _, kind := range []string{"text/calendar REQUEST", "attachment text/calendar REQUEST"} {
				if _, err := ical.NewDecoder(strings.NewReader(found[kind])).Decode(); err != nil {
					t.Errorf("%s: %v in %q", kind, err, found[kind])
				}
			}
		})
	}
}

// TestEmailRefusals: who cannot be reached is told from what may come right by itself.
func TestEmailRefusals(t *testing.T) {
	office, config := openPostOffice(t, "starttls")
	office.refuse["joao@mail.example"] = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	office.refuse["full@mail.example"] = &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
	send := func(change func(*EmailConfig), address string) error {
		t.Helper()
		c := config
		if change != nil {
			change(&c)
		}
		e, err := NewEmail(c)
		if err != nil {
			t.Fatal(err)
		}
		return e.Send(t.Context(), written(t, func(c *call.Case, _ *call.Message) { c.Buyer.Email = address }))
	}
	if err := send(nil, "joao@mail.example"); !isPermanent(err) || !strings.Contains(err.Error(), "no such user") {
		t.Errorf("no such user: %v", err)
	}
	if err := send(nil, "full@mail.example"); err == nil || isPermanent(err) {
		t.Errorf("mailbox full: %v", err)
	}
	if err := send(nil, ""); !errors.Is(err, ErrNoAddress) {
		t.Errorf("no address: %v", err)
	}
	if err := send(nil, "not an address"); !isPermanent(err) {
		t.Errorf("no address at all: %v", err)
	}
	if err := send(func(c *EmailConfig) { c.Password = "wrong" }, "x@mail.example"); err == nil || isPermanent(err) {
		t.Errorf("wrong password: %v", err)
	}
	if err := send(func(c *EmailConfig) { c.TLS = nil }, "x@mail.example"); err == nil || isPermanent(err) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("foreign certificate: %v", err)
	}
	plain, none := openPostOffice(t, "none")
	none.Security = "starttls"
	if e, err := NewEmail(none); err != nil || e.Send(t.Context(), written(t, nil)) == nil || len(plain.letters) != 0 {
		t.Errorf("a letter went out in clear: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if e, err := NewEmail(config); err != nil || e.Send(ctx, written(t, nil)) == nil {
		t.Errorf("sent after the end: %v", err)
	}
	if _, err := NewEmail(EmailConfig{Host: "h", Port: 25, Security: "none", From: "nobody"}); err == nil {
		t.Error("a sender without address passes")
	}
}

// TestCalendar: another implementation reads what we write: one event of the same UID, later versions above earlier ones, at the right instant.
func TestCalendar(t *testing.T) {
	for _, c := range []struct {
		kind              call.Kind
		sequence          int
		method, status    string
		wanted            string
		withURL, isSeller bool
	}{
		{call.KindInvitation, 0, "REQUEST", "CONFIRMED", "0", true, false},
		{call.KindUpdate, 2, "REQUEST", "CONFIRMED", "2", true, false},
		{call.KindCancellation, 2, "CANCEL", "CANCELLED", "3", false, false},
	} {
		m := written(t, func(k *call.Case, m *call.Message) {
			m.Kind, m.Sequence = c.kind, c.sequence
			if c.kind == call.KindCancellation {
				k.Conference.State = call.StateCancelled
			}
		})
		for _, line := range strings.Split(strings.TrimRight(string(m.Calendar), "\r\n"), "\r\n") {
			if len(line) > 75 {
				t.Errorf("a line of %d bytes: RFC 5545 §3.1 wants 75: %q", len(line), line)
			}
		}
		cal, err := ical.NewDecoder(bytes.NewReader(m.Calendar)).Decode()
		if err != nil {
			t.Fatalf("%s: %v in %s", c.kind, err, m.Calendar)
		}
		method, _ := cal.Props.Text(ical.PropMethod)
		if len(cal.Events()) != 1 || method != c.method || m.Method != c.method {
			t.Fatalf("%s: method %q, %d events", c.kind, method, len(cal.Events()))
		}
		e := cal.Events()[0]
		start, err := e.DateTimeStart(nil)
		end, err2 := e.DateTimeEnd(nil)
		if errors.Join(err, err2) != nil || !start.Equal(time.Date(2026, 11, 25, 18, 0, 0, 0, time.UTC)) || end.Sub(start) != 30*time.Minute {
			t.Errorf("%s: from %s to %s, %v %v", c.kind, start, end, err, err2)
		}
		text := func(name string) string { s, _ := e.Props.Text(name); return s }
		if text(ical.PropUID) != "conf_a@calls.example" || text(ical.PropStatus) != c.status || text(ical.PropSummary) != m.Subject || text(ical.PropDescription) != m.Text ||
			e.Props.Get(ical.PropSequence).Value != c.wanted {
			t.Errorf("%s: %v", c.kind, e.Props)
		}
		if url := e.Props.Get(ical.PropURL); (url != nil) != c.withURL || c.withURL && url.Value != m.URL {
			t.Errorf("%s: URL %v", c.kind, url)
		}
		organizer, attendee := e.Props.Get(ical.PropOrganizer), e.Props.Get(ical.PropAttendee)
		if organizer.Value != "mailto:calls@cars.example" || attendee.Value != "mailto:joao@mail.example" || attendee.Params.Get("RSVP") != "FALSE" ||
			attendee.Params.Get("CN") != "João da Silva" || organizer.Params.Get("CN") != "Ana A. Souza Carros" {
			t.Errorf("%s: organizer %v, attendee %v", c.kind, organizer, attendee)
		}
	}
	if m := written(t, func(c *call.Case, _ *call.Message) { c.Buyer.Email = "" }); m.Calendar != nil {
		t.Error("a calendar file for nobody")
	}
}

func base64Lines(r io.Reader) io.Reader { return base64.NewDecoder(base64.StdEncoding, r) }
