package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// hostile texts would run a script if a page took text for anything else.
var hostile = []string{
	`<img src=x onerror=pwned.push(1)>`,
	`<script>pwned.push(2)</script>`,
	`"><svg onload=pwned.push(3)>`,
	`'><iframe srcdoc="<script>parent.pwned.push(4)</script>">`,
	`javascript:pwned.push(5)`,
	`<a href="javascript:pwned.push(6)" autofocus onfocus=pwned.push(6)>x</a>`,
	`{{constructor.constructor('pwned.push(7)')()}}`,
	"${pwned.push(8)}`${pwned.push(8)}`",
	`</textarea></title></style></script><body onload=pwned.push(9)>`,
	`<input autofocus onfocus=pwned.push(10)>`,
	`<details open ontoggle=pwned.push(11)>x`,
	`<math><mi xlink:href="data:text/html,<script>pwned.push(12)</script>">`,
	`&lt;img src=x onerror=pwned.push(13)&gt;`,
	`\u003cimg src=x onerror=pwned.push(14)\u003e`,
	`<style>@import'javascript:pwned.push(15)'</style>`,
	`<base href=//evil.example><meta http-equiv=refresh content="0;url=//evil.example">`,
}

// witness notes scripts that ran, markup that the policy stopped, and what goes over the socket.
const witness = `
window.pwned = []; window.stopped = []; window.frames_ = [];
for (const name of ['alert', 'confirm', 'prompt']) window[name] = () => window.pwned.push(name);
addEventListener('securitypolicyviolation', e => window.stopped.push(e.violatedDirective + ' ' + e.sample));
const RealSocket = window.WebSocket;
window.WebSocket = class extends RealSocket {
	constructor(...a) { super(...a); this.addEventListener('message', e => window.frames_.push(e.data)); }
	send(data) { window.frames_.push(data); super.send(data); }
};`

// unharmed says whether a page shows the text as text, and nothing came of it.
func unharmed(t *testing.T, b tab, where, shown string) {
	t.Helper()
	if shown != "" {
		until(t, b, fmt.Sprintf(`[document.body.innerText, document.title, ...[...document.querySelectorAll('input, textarea')].map(e => e.value), ...[...document.querySelectorAll('[title], [aria-label]')].map(e => e.title + e.ariaLabel)].some(s => s.includes(%s))`, quote(shown)))
	}
	const markup = `[...document.querySelectorAll('[onerror],[onload],[onfocus],[ontoggle],iframe,base,math,[srcdoc],[href^="javascript:"],[src="x"]')].map(e => e.outerHTML)`
	for what, expression := range map[string]string{"scripts ran": "window.pwned", "markup the policy stopped": "window.stopped", "markup": markup} {
		if got := b.eval(expression); got != "[]" {
			t.Errorf("%s: %s: %s", where, what, got)
		}
	}
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

type created struct{ ID, URL, Token string }

// meet makes a conference in which every text is hostile, and its three links.
func (p *program) meet(seller, buyer, subject, guest string) (conference created, links map[string]created) {
	p.t.Helper()
	var s, b created
	p.api("POST", "/sellers", map[string]any{"name": seller, "email": seller, "reference": seller, "time_zone": "UTC", "language": "en", "monthly_minutes": 60}, &s)
	p.api("POST", "/buyers", map[string]any{"name": buyer, "email": buyer, "phone": buyer, "reference": buyer}, &b)
	p.api("POST", "/conferences", map[string]any{"seller": s.ID, "buyer": b.ID, "subject": subject,
		"starts_at": time.Now().UTC().Format(time.RFC3339), "duration_minutes": 30}, &conference)
	links = map[string]created{}
	for _, role := range []string{"seller", "buyer", "guest"} {
		body := map[string]any{"role": role}
		if role == "guest" {
			body["name"] = guest
		}
		var l created
		p.api("POST", "/conferences/"+conference.ID+"/links", body, &l)
		links[role] = l
	}
	return conference, links
}

// TestHostileCallInChromium is a call of people with hostile names who write hostile things, on every page, at the most talkative
// level of the log. No script runs, and the log has nothing with which one could join, resume, decrypt or read.
func TestHostileCallInChromium(t *testing.T) {
	t.Parallel()
	p := start(t, "demo", "--log-level", "debug", "--empty-timeout", "1s")
	all := func(n int) string { return hostile[n] + hostile[(n+1)%len(hostile)] }
	c, links := p.meet(all(0), all(2), all(4), all(8))
	p.seller, p.buyer = links["seller"].URL, links["buyer"].URL
	secrets := map[string]string{"API key": p.key}
	for role, l := range links {
		secrets[role+"'s token"] = l.Token
	}
	one, two := newChromium(t), newChromium(t)
	for _, b := range []tab{one, two} {
		b.inject(witness)
		b.inject(pattern)
	}
	s, b := pair(t, p, one, two)
	for _, who := range []*person{s, b} {
		click(t, who, "chat-toggle")
	}
	for i, text := range hostile[:10] { // as many at once as one may write
		s.eval(fmt.Sprintf(`(() => { const i = %s; i.value = %s; i.form.requestSubmit(); })()`, element("chat-input"), quote(text)))
		until(t, b, fmt.Sprintf(`document.querySelectorAll('[data-testid="chat-message"]').length >= %d`, i+1))
	}
	unharmed(t, s, "the seller's call", all(2))
	unharmed(t, b, "the buyer's call", all(0))
	unharmed(t, b, "the buyer's chat", hostile[9])
	b.screenshot("hostile-call")
	collect(t, s, secrets)
	collect(t, b, secrets)
	click(t, s, "hangup")
	click(t, s, "end-for-all")
	b.phase("ended")
	unharmed(t, b, "the buyer's goodbye", "")
	for _, f := range p.recording(c.ID) {
		u, err := url.Parse(f.URL)
		if err != nil {
			t.Fatal(err)
		}
		secrets["signature of "+f.Name] = u.Query().Get("sig")
		p.status(strings.TrimPrefix(f.URL, p.url))
		p.status(strings.TrimPrefix(f.URL, p.url) + "x") // refused
	}

	var watch created
	p.api("POST", "/conferences/"+c.ID+"/recording/links", map[string]any{}, &watch)
	secrets["watch token"] = watch.URL[strings.IndexByte(watch.URL, '#')+1:]
	b.open(watch.URL)
	until(t, b, visible("player"))
	unharmed(t, b, "the watch page", all(2))

	// Each text by itself: on the invitation, and in the console's lists and forms.
	var conferences []created
	for _, text := range hostile {
		conference, links := p.meet(text, text, text, text)
		conferences = append(conferences, conference)
		b.open(links["guest"].URL)
		until(t, b, visible("continue"))
		unharmed(t, b, "the invitation", text)
	}
	s.open(p.url + "/console#key=" + p.key)
	until(t, s, fmt.Sprintf(`document.querySelectorAll('[data-testid="conference"]').length >= %d`, len(hostile)))
	unharmed(t, s, "the list of conferences", hostile[0])
	s.screenshot("hostile-console")
	for i, conference := range conferences {
		s.eval(fmt.Sprintf("location.hash = '#/conferences/%s'", conference.ID))
		until(t, s, fmt.Sprintf(`location.hash.includes('%s') && document.querySelectorAll('[data-testid="event"]').length > 0`, conference.ID))
		unharmed(t, s, "a conference", hostile[i])
	}
	s.eval("location.hash = '#/sellers'")
	until(t, s, fmt.Sprintf(`document.querySelectorAll('[data-testid="seller"]').length >= %d`, len(hostile)))
	unharmed(t, s, "the list of sellers", hostile[0])
	s.eval(`document.querySelector('[data-testid="seller"] a, a[data-testid="seller"]').click()`)
	until(t, s, visible("seller-form"))
	unharmed(t, s, "a seller", hostile[len(hostile)-1])

	secrets["wrong API key"] = "sk_wrongwrongwrongwrongwrongwrong"
	req, err := http.NewRequest("GET", p.url+"/api/v1/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secrets["wrong API key"])
	if resp, err := http.DefaultClient.Do(req); err != nil || resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong key: %v %v", resp, err)
	}
	p.close()
	p.log.mu.Lock()
	log := string(p.log.text)
	p.log.mu.Unlock()
	if !strings.Contains(log, "level=DEBUG") || !strings.Contains(log, "participant joins") {
		t.Error("this test sees no log")
	}
	if len(secrets) < 12 {
		t.Errorf("only %d secrets are known", len(secrets))
	}
	for name, secret := range secrets {
		if len(secret) < 16 || strings.Contains(log, secret) {
			t.Errorf("the log has the %s %q", name, secret)
		}
	}
}

// collect adds what went over the page's socket and is nobody else's business.
func collect(t *testing.T, who *person, secrets map[string]string) {
	t.Helper()
	var frames []string
	if err := json.Unmarshal([]byte(who.eval("window.frames_")), &frames); err != nil {
		t.Fatal(err)
	}
	password := regexp.MustCompile(`a=ice-pwd:(\S+)`)
	resume := 0
	for _, frame := range frames {
		var m struct{ SDP, Resume string }
		if err := json.Unmarshal([]byte(frame), &m); err != nil {
			t.Fatalf("%v: %s", err, frame)
		}
		if m.Resume != "" {
			resume++
			secrets[fmt.Sprintf("resume secret %d of the %s's other", resume, who.role)] = m.Resume
		}
		for i, match := range password.FindAllStringSubmatch(m.SDP, -1) {
			secrets[fmt.Sprintf("ICE password %d %s of the %s's other", i, match[1][:3], who.role)] = match[1]
		}
	}
}
