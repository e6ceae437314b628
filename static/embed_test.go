package static

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// around is a page of another site with a frame of ours in it, as docs/embedding.md tells to write one.
const around = `<!doctype html><meta name="viewport" content="width=device-width"><title>CRM</title>
<style>body { margin: 0 } iframe { border: 0; display: block; width: 100%%; height: 100vh }</style>
<script>
const told = [];
addEventListener('message', (e) => {
  const frame = document.querySelector('iframe');
  if (e.source === frame.contentWindow && e.origin === new URL(frame.src).origin && e.data.showroom === 1) told.push(e.data);
});
const last = (event) => told.findLast((m) => m.event === event)?.detail;
function command(command, more = {}) {
  const frame = document.querySelector('iframe');
  frame.contentWindow.postMessage({ showroom: 1, command, ...more }, new URL(frame.src).origin);
}
const answer = (id) => told.find((m) => m.event === 'answer' && m.detail.id === id)?.detail;
</script>
<iframe src="%s" allow="camera; microphone; display-capture; autoplay; fullscreen" onload="window.loaded = true"></iframe>`

// siteAround is another site, an origin of its own; /?frame= names what is in its frame.
func siteAround(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, around, html.EscapeString(r.FormValue("frame")))
	}))
	t.Cleanup(s.Close)
	return s
}

// hurry joins in a frame without anybody's hand: script cannot reach into a frame of another origin.
const hurry = `if (parent !== window) setInterval(() => {
	for (const id of ['continue', 'consent-yes', 'join']) {
		const e = document.querySelector('[data-testid="' + id + '"]');
		if (e?.getClientRects().length && !e.disabled && !e.checked) e.click();
	}
}, 100);
Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('refused', 'SecurityError'); } });
Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('refused', 'SecurityError'); } });`

// TestEmbeddedCall: a call in a frame of an allowed site, with the browser refusing storage, tells and obeys; one of another site is not shown.
func TestEmbeddedCall(t *testing.T) {
	site, stranger := siteAround(t), siteAround(t)
	f := newFake(t, invitationOf("buyer", time.Now()), site.URL)
	f.other = "seller"
	f.welcomes = []message{welcomeOf("buyer", "present", participant("seller", "seller", "Ana Souza"))}
	b := newTab(t)
	if _, err := chromedp.Call(b.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: hurry}); err != nil {
		t.Fatal(err)
	}
	frame := "/?frame=" + strings.NewReplacer("&", "%26", "#", "%23").Replace(f.url+"/join?lang=pt-BR&accent=c2410c&logo=/static/favicon.svg&hide=chat,share,fullscreen#token")

	b.open(stranger.URL + frame)
	b.until("window.loaded") // Chromium's own page, which says that the connection was refused
	if told := b.text("JSON.stringify(told)"); told != "[]" {
		t.Errorf("a site that is not allowed is told %s", told)
	}

	b.open(site.URL + frame)
	b.until("last('joined')?.role === 'buyer'")
	f.expect("join")
	if first := b.text("JSON.stringify(told[0])"); first != `{"showroom":1,"event":"ready","detail":{"page":"join"}}` {
		t.Errorf("first it says %s", first)
	}
	b.until("last('people').people[0].name === 'Ana Souza' && last('phase').phase === 'call'")
	b.until("last('devices')?.microphone && last('devices').camera")
	b.run("command('microphone', { id: 1, on: false })")
	b.until("answer(1)?.ok && last('devices').microphone === false")
	f.send(message{"type": "recording", "state": "on", "participants": []any{"buyer"}})
	b.until("last('recording')?.state === 'on'")

	for id, command := range map[int]string{
		2: "command('dance', { id: 2 })", 3: "command('end', { id: 3 })", 4: "command('camera', { id: 4, on: 'yes' })", 5: "command('language', { id: 5, language: 'la' })",
		6: "command('leave', { id: 6, showroom: 2 })", 7: "command('toString', { id: 7 })",
	} {
		want := map[int]string{2: "unknown_command", 3: "forbidden", 4: "bad_command", 5: "bad_command", 6: "unknown_version", 7: "unknown_command"}[id]
		b.run(command)
		b.until(fmt.Sprintf("answer(%d)?.ok === false && answer(%d).code === %q", id, id, want))
	}
	// Another frame of the same site is not the page around.
	b.run(`const other = document.createElement('iframe');
		other.hidden = true;
		document.body.append(other);
		const script = other.contentDocument.createElement('script');
		script.textContent = "parent.frames[0].postMessage({ showroom: 1, command: 'leave', id: 8 }, '*')";
		other.contentDocument.body.append(script);
		command('status', { id: 9 });`)
	b.until("answer(9)?.result.phase === 'call' && answer(9).result.recording === 'on' && !answer(8)")
	b.shot("embedded-call")

	b.run("command('leave', { id: 10 })")
	f.expect("leave")
	b.until("last('left')?.reason === 'left' && last('phase').phase === 'ended' && answer(10)?.ok")
	b.run("command('leave', { id: 11 })")
	b.until("answer(11)?.code === 'not_in_call'")
}

func TestWhoMayFrame(t *testing.T) {
	const site = "https://crm.example.com"
	for path, want := range map[string]string{
		"/join": "frame-ancestors 'self' " + site + ";", "/watch": "frame-ancestors 'self' " + site + ";",
		"/console": "frame-ancestors 'none';", "/api": "frame-ancestors 'none';", "/static/sdk/showroom.js": "frame-ancestors 'none';",
	} {
		rec := httptest.NewRecorder()
		Handler(site).ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
		if csp := rec.Header().Get("Content-Security-Policy"); !strings.Contains(csp, want) {
			t.Errorf("%s: policy %q, want %s", path, csp, want)
		}
	}
	for _, tt := range []struct {
		origins []string
		want    string
	}{{nil, `{"origins":[],"version":1}`}, {[]string{site}, `{"origins":["` + site + `"],"version":1}`}} {
		rec := httptest.NewRecorder()
		Handler(tt.origins...).ServeHTTP(rec, httptest.NewRequest("GET", "/embed.json", nil))
		if body, _ := io.ReadAll(rec.Body); string(body) != tt.want {
			t.Errorf("/embed.json says %s, want %s", body, tt.want)
		}
	}
}
