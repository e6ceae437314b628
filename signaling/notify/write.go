package notify

import (
	"cmp"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"net/url"
	"strings"
	"text/template"

	"showroom/call"
)

//go:embed text
var texts embed.FS

var (
	words  = readWords()
	layout = htmltemplate.Must(htmltemplate.ParseFS(texts, "text/mail.html.tmpl"))
)

func readWords() map[string]*template.Template {
	all := map[string]*template.Template{}
	for _, language := range call.Languages {
		all[language] = template.Must(template.ParseFS(texts, "text/"+language+".tmpl"))
	}
	return all
}

// Writer words messages.
type Writer struct {
	url   string
	from  string
	issue func(call.Pass) (string, error)
}

// NewWriter makes messages of the installation that people reach at publicURL. Calendar files name from, an e-mail address, as their sender; empty is
// an address that takes no mail. issue makes the tokens of access links.
func NewWriter(publicURL, from string, issue func(call.Pass) (string, error)) *Writer {
	if from == "" {
		from = "noreply@" + hostOf(publicURL)
	}
	return &Writer{url: publicURL, from: from, issue: issue}
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "localhost"
}

// facts is what the templates know.
type facts struct {
	Name, Seller, Buyer, About, Reason string
	When, Date, Time, Since            string
	Minutes                            int
	Again, Asked                       bool // said before; the buyer is to answer
}

// Write makes a message as it goes out.
func (w *Writer) Write(c call.Case, m call.Message) (Message, error) {
	to, f := c.RecipientOf(m.To), c.Conference
	if words[to.Language] == nil {
		to.Language = "en"
	}
	out := Message{
		ID: f.ID + "." + m.ID, Kind: m.Kind, Conference: f.ID, Until: m.Until,
		To: Recipient{Role: m.To, ID: to.ID, Name: to.Name, Email: to.Email, Phone: to.Phone, Language: to.Language, Zone: to.Zone},
	}
	if link, ok := f.Links[m.Link]; ok && link.RevokedAt.IsZero() && !f.Over() {
		token, err := w.issue(call.PassOf(f.ID, link))
		if err != nil {
			return Message{}, fmt.Errorf("issue token: %w", err)
		}
		out.URL = w.url + "/join#" + token
	}
	if m.To == call.RoleBuyer {
		out.ReplyTo = c.Seller.Email
	}
	page := newPage(words[to.Language], c, m, to)
	if err := page.fill(&out); err != nil {
		return Message{}, fmt.Errorf("text of %s to the %s in %s: %w", m.Kind, m.To, to.Language, err)
	}
	return out, w.addCalendar(&out, c, m)
}

// page gathers the parts of a message in one language.
type page struct {
	words *template.Template
	name  string // of the templates: kind.role
	facts facts
	err   error
}

func newPage(words *template.Template, c call.Case, m call.Message, to call.Recipient) *page {
	f := c.Conference
	starts := f.StartsAt.In(to.Zone)
	return &page{words: words, name: string(m.Kind) + "." + string(m.To) + ".", facts: facts{
		Name: firstName(to.Name), Seller: oneLine(c.Seller.Name), Buyer: oneLine(c.Buyer.Name), About: oneLine(cmp.Or(f.Vehicle.Title, f.Subject)), Reason: reasonOf(f),
		When: longDate(starts, to.Language) + ", " + timeOfDay(starts) + " (" + zoneName(starts) + ")",
		Date: shortDate(starts, to.Language), Time: timeOfDay(starts), Since: timeOfDay(m.Since.In(to.Zone)), Minutes: f.Seconds / 60, Again: m.Again, Asked: f.AcceptedAt.IsZero(),
	}}
}

// reasonOf is why a conference will not take place, in the words of whoever said so.
func reasonOf(f call.Conference) string {
	if f.DeclineReason != "" && !f.Over() {
		return strings.TrimRight(oneLine(f.DeclineReason), ".")
	}
	return strings.TrimRight(oneLine(f.FinishReason), ".")
}

func firstName(name string) string {
	if words := strings.Fields(name); len(words) > 0 {
		return strings.TrimRight(words[0], ",;:")
	}
	return name
}

// oneLine keeps what others wrote from making lines or headers of its own.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// say is a template's text.
func (p *page) say(name string) string {
	var b strings.Builder
	if err := p.words.ExecuteTemplate(&b, name, p.facts); err != nil && p.err == nil {
		p.err = err
	}
	return b.String()
}

type fact struct{ Name, Value string }

// fill writes the parts of a message.
func (p *page) fill(m *Message) error {
	m.Subject, m.Short = p.say(p.name+"subject"), p.say(p.name+"short")
	hello, body := p.say("hello"), p.say(p.name+"body")
	facts := []fact{{p.say("when"), p.facts.When + ", " + p.say("length")}, {p.say("about"), p.facts.About}}
	notes := []string{p.say(p.name + "note")}
	if m.URL != "" {
		m.Action = p.say("join")
		notes = append(notes, p.say("secret"))
	}
	if p.err != nil {
		return p.err
	}
	lines := []string{hello, "", body, ""}
	for _, f := range facts {
		lines = append(lines, f.Name+": "+f.Value)
	}
	if m.URL != "" {
		lines = append(lines, "", m.Action+":", m.URL)
	}
	lines = append(lines, "")
	m.Text = strings.Join(append(lines, notes...), "\n") + "\n"
	var html strings.Builder
	err := layout.Execute(&html, map[string]any{
		"Language": m.To.Language, "Subject": m.Subject, "Hello": hello, "Body": body, "Facts": facts, "Notes": notes, "URL": m.URL, "Action": m.Action,
	})
	m.HTML = html.String()
	return err
}
