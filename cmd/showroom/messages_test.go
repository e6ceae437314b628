package main

import (
	"bytes"
	"io"
	"mime"
	"net"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/gorilla/websocket"
)

// mailbox is a real mail server that keeps what it takes.
type mailbox struct {
	mu      sync.Mutex
	letters []letter
}

type letter struct{ to, subject, text string }

type mailSession struct {
	box *mailbox
	to  string
}

func (m *mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{box: m}, nil }

func (s *mailSession) Mail(string, *smtp.MailOptions) error { return nil }
func (s *mailSession) Reset()                               {}
func (s *mailSession) Logout() error                        { return nil }
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	m, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		return err
	}
	text, err := io.ReadAll(m.Body)
	if err != nil {
		return err
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.letters = append(s.box.letters, letter{s.to, subject, strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(text))})
	return nil
}

// openMailbox serves mail, and gives the settings by which the program sends to it.
func openMailbox(t *testing.T) (*mailbox, []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box := &mailbox{}
	s := smtp.NewServer(box)
	s.Domain = "localhost"
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close(); <-done })
	host, port, _ := net.SplitHostPort(l.Addr().String())
	return box, []string{"--smtp-host", host, "--smtp-port", port, "--smtp-security", "none", "--smtp-from", "Showroom <calls@cars.example>"}
}

// to are the subjects of what somebody got.
func (m *mailbox) to(address string) (subjects []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.letters {
		if l.to == address {
			subjects = append(subjects, l.subject)
		}
	}
	return subjects
}

// token is what the first letter's link has.
func (m *mailbox) token(t *testing.T, address string) string {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.letters {
		if found := regexp.MustCompile(`/join#([\w.-]+)`).FindStringSubmatch(l.text); l.to == address && found != nil {
			return found[1]
		}
	}
	t.Fatalf("%s got no link: %+v", address, m.letters)
	return ""
}

// TestMessagesOfTheProgram: buyer and seller get mail with links that open the call; the seller hears that the buyer waits; a new process sends nothing again; and
// nothing that is kept has a token.
func TestMessagesOfTheProgram(t *testing.T) {
	box, settings := openMailbox(t)
	data := t.TempDir()
	p := startIn(t, data, append([]string{"demo"}, settings...)...)
	var seller, buyer, conf struct{ ID string }
	p.api("POST", "/sellers", map[string]any{"name": "Ana Souza", "email": "ana@cars.example", "time_zone": "America/Sao_Paulo", "language": "pt-BR", "monthly_minutes": 60}, &seller)
	p.api("POST", "/buyers", map[string]any{"name": "Bruno Lima", "email": "bruno@mail.example", "language": "en", "time_zone": "Europe/Lisbon"}, &buyer)
	p.api("POST", "/conferences", map[string]any{"seller": seller.ID, "buyer": buyer.ID, "subject": "Fiat Pulse 2025", "starts_at": time.Now().Add(5 * time.Minute)}, &conf)
	p.until("both are invited", func() bool { return len(box.to("ana@cars.example")) == 1 && len(box.to("bruno@mail.example")) == 1 })
	if subject := box.to("bruno@mail.example")[0]; !strings.HasPrefix(subject, "Video call with Ana Souza: Fiat Pulse 2025") {
		t.Errorf("the buyer's subject: %q", subject)
	}
	type shown struct {
		ID, State, Kind, URL, Text string
		Deliveries                 []struct{ Channel, State string }
	}
	messages := func() (all []shown) {
		var page struct{ Data []shown }
		p.api("GET", "/messages?conference="+conf.ID, nil, &page)
		return page.Data
	}
	p.until("both are seen to be sent", func() bool {
		all := messages()
		return len(all) == 2 && all[0].State == "sent" && all[1].State == "sent"
	})
	token := box.token(t, "bruno@mail.example")
	if all := messages(); !slices.ContainsFunc(all, func(m shown) bool { return strings.HasSuffix(m.URL, "/join#"+token) }) {
		t.Error("the console's link is another than the mail's")
	}
	key := p.key
	p.close()

	p = startIn(t, data, append([]string{"serve"}, settings...)...)
	p.key = key
	ws, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	if err := ws.WriteJSON(map[string]any{"type": "join", "token": token}); err != nil {
		t.Fatal(err)
	}
	p.until("the seller is told that the buyer waits", func() bool { return len(box.to("ana@cars.example")) == 2 })
	if subject := box.to("ana@cars.example")[1]; !strings.Contains(subject, "Bruno Lima") {
		t.Errorf("the seller's subject: %q", subject)
	}
	if err := ws.WriteJSON(map[string]any{"type": "leave"}); err != nil {
		t.Fatal(err)
	}
	p.until("the buyer has gone", func() bool { return p.conference(conf.ID).State == "scheduled" })
	p.api("POST", "/conferences/"+conf.ID+"/cancel", map[string]any{"reason": "sold"}, nil)
	p.until("both hear of the end", func() bool { return len(box.to("ana@cars.example")) == 3 && len(box.to("bruno@mail.example")) == 2 })
	p.close()
	for _, secret := range []string{token, token[strings.LastIndex(token, ".")+1:]} {
		db, err := os.ReadFile(databaseFile(data))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(db, []byte(secret)) || strings.Contains(p.log.lines.all(), secret) {
			t.Error("a link's token is kept in the database or in the log")
		}
	}
}
