package static

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// crm is a small API by docs/http-api.md that keeps what it is told.
type crm struct {
	mu      sync.Mutex
	sellers []message
	buyers  []message
	calls   []message
	links   []message
	keys    []message
	state   string
	storage message
	deleted bool
	made    message // where composing stands
}

func (c *crm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	say := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if v != nil {
			_ = json.NewEncoder(w).Encode(v)
		}
	}
	if r.Header.Get("Authorization") != "Bearer sk_good" {
		say(401, problem{401, "unauthorized", "This key is not known."})
		return
	}
	var in message
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&in)
	}
	path := strings.TrimPrefix(r.URL.Path, "/api/v1")
	switch r.Method + " " + path {
	case "GET /me":
		say(200, message{"name": "dev", "scope": "operator"})
	case "GET /sellers":
		say(200, list(c.sellers))
	case "GET /buyers":
		say(200, list(c.buyers))
	case "GET /conferences":
		say(200, list(c.calls))
	case "POST /sellers":
		if in["name"] == "bad" {
			say(422, message{"status": 422, "code": "invalid", "field": "name", "detail": "name: this one is not allowed"})
			return
		}
		in["id"] = "sell_1"
		c.sellers = append(c.sellers, in)
		say(201, in)
	case "POST /buyers":
		in["id"] = "buy_1"
		c.buyers = append(c.buyers, in)
		say(201, in)
	case "POST /conferences":
		in["id"] = "conf_1"
		in["state"], in["seller"], in["buyer"] = "scheduled", message{"id": "sell_1", "name": "Ana Souza"}, message{"id": "buy_1", "name": "Bruno Lima"}
		in["participants"], in["files"], in["connected_seconds"] = []any{}, []any{}, 0
		in["consents"] = []message{{"participant": "buy_1", "accepted": true}}
		c.calls = append(c.calls, in)
		say(201, in)
	case "GET /keys":
		say(200, list(c.keys))
	case "POST /keys":
		in["id"], in["created_at"], in["last_used_at"], in["last_used_from"] = "key_1", time.Now().UTC(), time.Now().UTC(), "192.0.2.1"
		c.keys = append(c.keys, in)
		say(201, message{"id": "key_1", "name": in["name"], "scope": in["scope"], "secret": "sk_fresh"})
	case "POST /keys/key_1/rotate":
		say(201, message{"id": "key_1", "name": c.keys[0]["name"], "scope": "crm", "secret": "sk_rotated"})
	case "DELETE /keys/key_1":
		c.keys[0]["revoked_at"] = time.Now().UTC()
		say(204, nil)
	case "GET /sellers/sell_1":
		say(200, c.sellers[0])
	case "PATCH /sellers/sell_1":
		for k, v := range in {
			c.sellers[0][k] = v
		}
		say(200, c.sellers[0])
	case "GET /sellers/sell_1/usage":
		say(200, message{"month": "2026-11", "time_zone": "UTC", "cap_seconds": 36000, "used_seconds": 12345, "remaining_seconds": 23655})
	case "GET /conferences/conf_1":
		c.calls[0]["state"] = c.state
		say(200, c.calls[0])
	case "GET /conferences/conf_1/events":
		one := message{"seq": 1, "id": "evt_1", "type": "conference.scheduled", "at": "2026-11-20T15:00:00Z", "actor": "key:dev", "data": message{"subject": "Hatchback"}}
		two := message{"seq": 2, "id": "evt_2", "type": "actor.entered", "at": "2026-11-20T15:01:00Z", "actor": "Bruno Lima", "data": message{}}
		if r.URL.Query().Get("after") == "" { // the log has two pages
			say(200, message{"data": []message{one}, "next": "1"})
			return
		}
		say(200, list([]message{two}))
	case "GET /conferences/conf_1/recording":
		rec := message{"state": "none", "files": []any{}, "duration_ms": 0, "storage": message{"state": "none"}}
		if c.deleted {
			rec["state"], rec["storage"] = "deleted", message{"state": "deleted", "bytes": 0, "sent_bytes": 0}
			rec["deletion"] = message{"reason": "request", "by": "key_dev", "ordered_at": time.Now().UTC(), "done_at": time.Now().UTC()}
		} else if c.state == "finished" {
			rec = message{"state": "ready", "composition": c.made, "derived": []message{}, "archive_url": "/zip?exp=1", "duration_ms": 754000, "files": []message{{"name": "a.webm", "participant": "p", "participant_name": "Ana Souza", "source": "camera", "duration_ms": 754000, "size": 123456789, "url": "/x"}},
				"keep_until": "2027-02-18T15:00:00Z", "storage": c.storage}
		}
		if c.made["state"] == "ready" && !c.deleted {
			rec["derived"] = []message{
				{"name": "conference.webm", "kind": "video", "media_type": "video/webm", "size": 12345678, "duration_ms": 754000, "url": "/v?exp=1"},
				{"name": "conference.m4a", "kind": "audio", "media_type": "audio/mp4", "size": 2345678, "duration_ms": 754000, "url": "/a?exp=1"},
				{"name": "poster.jpg", "kind": "poster", "media_type": "image/jpeg", "url": "/static/favicon.svg", "width": 1280, "height": 360},
				{"name": "strip.jpg", "kind": "strip", "media_type": "image/jpeg", "url": "/static/favicon.svg", "width": 1600, "height": 44},
			}
		}
		say(200, rec)
	case "DELETE /conferences/conf_1/recording":
		c.deleted = true
		say(202, message{})
	case "GET /conferences/conf_1/recording/links":
		say(200, list(nil))
	case "GET /conferences/conf_1/recording/accesses":
		say(200, list([]message{{"seq": 7, "at": "2026-11-20T16:00:00Z", "what": "watched", "file": "a.webm", "by": message{"kind": "link", "id": "share_1", "name": "Caio"}, "from": "192.0.2.7"},
			{"seq": 6, "at": "2026-11-20T15:59:00Z", "what": "shared", "share": "share_1", "by": message{"kind": "key", "id": "key_1", "name": "CRM"}, "from": "192.0.2.8"}}))
	case "GET /storage":
		say(200, message{"waiting": 3, "failing": 2, "failing_since": "2026-11-20T15:00:00Z", "error": "store_denied"})
	case "POST /conferences/conf_1/recording/compose":
		c.made = message{"state": "composing", "progress": 0.42}
		say(200, message{})
	case "GET /conferences/conf_1/links":
		say(200, list(c.links))
	case "POST /conferences/conf_1/links":
		l := message{"id": "link_" + in["role"].(string), "role": in["role"], "name": in["name"], "created_at": time.Now().UTC(), "expires_at": time.Now().Add(12 * time.Hour).UTC()}
		c.links = append(c.links, l)
		say(201, message{"id": l["id"], "role": l["role"], "expires_at": l["expires_at"], "token": "t", "url": "https://HOST/join#token-of-" + in["role"].(string)})
	case "DELETE /conferences/conf_1/links/link_buyer":
		c.links[1]["revoked_at"] = time.Now().UTC()
		say(204, nil)
	case "GET /conferences/conf_1/recording/watch":
		say(200, message{"url": "/watch#own", "expires_at": time.Now().Add(time.Hour).UTC()})
	case "POST /conferences/conf_1/recording/links":
		say(201, message{"url": "/watch#shared", "expires_at": time.Now().Add(time.Hour).UTC()})
	default:
		say(404, problem{404, "not_found", "There is no such thing here."})
	}
}

func list(data []message) message { return message{"data": append([]message{}, data...), "next": nil} }

func (c *crm) seller() message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sellers[0]
}

func (c *crm) store(storage message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.storage = storage
}

func (c *crm) set(state string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = state
}

func (c *crm) make(made message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = made
}

// fillIn sets fields by name and sends the form.
func fillIn(b *tab, form string, values map[string]string) {
	b.t.Helper()
	b.until(visible(form))
	for name, v := range values {
		b.run(`const i = ` + element(form) + `.elements[` + "`" + name + "`" + `]; i.value = ` + "`" + v + "`" + `; i.dispatchEvent(new Event('change', { bubbles: true }))`)
	}
	b.run(element(form) + ".requestSubmit()")
}

func TestConsole(t *testing.T) {
	c := &crm{state: "scheduled"}
	f := newFake(t, c)
	b := newTab(t)
	b.open(f.url + "/console#key=sk_wrong")
	b.until(visible("key-sign-in") + " && " + element("key-sign-in-error") + ".textContent !== ''")
	if got := b.text("location.href"); strings.Contains(got, "sk_") {
		t.Errorf("the key stays in the address: %s", got)
	}
	b.shot("console-sign-in")
	fillIn(b, "key-sign-in", map[string]string{"key": "sk_good"})
	b.until(visible("empty"))
	b.shot("console-empty")

	b.run("location.hash = '#/sellers/new'")
	fillIn(b, "seller-form", map[string]string{"name": "bad"})
	b.until(element("form-error") + ".textContent.includes('not allowed') && document.activeElement.name === 'name'")
	fillIn(b, "seller-form", map[string]string{"name": "Ana Souza", "email": "ana@example.com", "monthly_minutes": "600"})
	b.until(element("used") + ".dataset.seconds === '12345'")
	b.shot("console-seller")
	fillIn(b, "seller-form", map[string]string{"monthly_minutes": "900", "retention_days": "90", "without_consent": "no_call"})
	b.until("document.querySelector('p.ok').textContent !== ''")
	if s := c.seller(); s["retention_days"] != 90.0 || s["without_consent"] != "no_call" {
		t.Errorf("the seller was saved as %v", s)
	}

	b.run("location.hash = '#/new'")
	b.until(visible("conference-form"))
	b.shot("console-new")
	fillIn(b, "conference-form", map[string]string{"subject": "Hatchback 2023, automatic", "buyer_name": "Bruno Lima", "starts_at": "2026-11-20T15:00"})
	b.until("location.hash === '#/conferences/conf_1'")
	b.click("link-seller")
	b.click("link-buyer")
	b.until(`document.querySelectorAll('[data-testid="link-url"]').length === 2`)
	b.until(`document.querySelectorAll('[data-testid="event"]').length === 2`)
	b.shot("console-conference")
	c.set("ongoing")
	b.until(element("state") + ".dataset.state === 'ongoing'")
	b.run(element("guest-name") + ".value = 'Carla Dias'; " + element("link-guest") + ".click()")
	b.until(`document.querySelector('[data-role="guest"]').textContent.includes('Carla Dias')`)
	b.run(`document.querySelector('[data-role="buyer"] [data-testid="revoke"]').click()`)
	b.until(`document.querySelector('[data-role="buyer"] [data-testid="revoke"]').textContent.includes('again')`) // it puts a person out
	b.run(`document.querySelector('[data-role="buyer"] [data-testid="revoke"]').click()`)
	b.until(`!document.querySelector('[data-role="buyer"] [data-testid="revoke"]')`)
	c.store(message{"state": "waiting", "files": 1, "stored": 0, "bytes": 123456789, "sent_bytes": 40000000, "failures": 4, "error": "store_unavailable", "next_try_at": "2026-11-20T15:30:00Z"})
	c.make(message{"state": "failed", "progress": 0, "reason": "ffmpeg failed: no <b>luck</b>"})
	c.set("finished")
	b.until(visible("storage-error") + " && " + element("storage") + ".textContent.includes('32%')")
	b.shot("console-upload")
	c.store(message{"state": "stored", "files": 1, "stored": 1, "bytes": 123456789, "sent_bytes": 123456789, "failures": 0})
	b.until(element("storage") + ".dataset.state === 'stored' && " + visible("keep-until"))
	b.until(visible("watch") + " && !" + visible("links")) // nobody enters any more
	b.click("share-recording")
	fillIn(b, "share-form", map[string]string{"expires_in_seconds": "3600"})
	b.run(element("accesses") + ".open = true")
	b.until(`document.querySelectorAll('[data-testid="access"]').length === 2 && ` + element("access") + ".textContent.includes('Caio')")
	b.until(element("share-url") + ".value === '/watch#shared'")
	b.until(element("composing") + ".textContent.includes('ffmpeg failed: no <b>luck</b>')")
	b.shot("console-recording")
	b.click("compose")
	b.until(element("composing") + ".textContent.includes('42') && " + visible("save-archive"))
	b.shot("console-composing")
	c.make(message{"state": "ready", "progress": 1, "left_out": []string{"buyer-2.webm"}})
	b.until(visible("poster") + " && " + visible("strip"))
	if got := b.text(element("save-video") + ".href"); !strings.HasSuffix(got, "/v?exp=1&download=1") {
		t.Errorf("the one video is saved from %s", got)
	}
	b.shot("console-composed")
	b.click("delete-recording")
	b.until(visible("delete-sure"))
	b.shot("console-delete")
	b.run(element("delete-dialog") + ".close()") // changed one's mind: nothing happens
	b.until("!" + visible("delete-sure") + " && " + visible("watch"))
	b.click("delete-recording")
	b.click("delete-sure")
	b.until(element("recording-state") + ".dataset.state === 'deleted' && " + visible("deleted") + " && !" + visible("watch"))
	b.shot("console-deleted")
	b.run("location.hash = '#/'")
	b.until(visible("conference") + " && " + visible("storage-banner"))
	b.shot("console-list")
	b.run("location.hash = '#/conferences/conf_2'")
	b.until(visible("error") + " && !" + visible("details") + " && document.querySelectorAll('.card').length === 0")
	b.run(`const s = document.getElementById('language'); s.value = 'pt-BR'; s.dispatchEvent(new Event('change'))`)
	b.until(element("error") + ".textContent.includes('apagado')") // not in the API's English
	b.shot("console-not-found")
	b.run(`const s = document.getElementById('language'); s.value = 'en'; s.dispatchEvent(new Event('change'))`)
	b.run("location.hash = '#/sellers'")
	b.until(visible("seller"))
	b.shot("console-sellers")
	b.click("nav-keys")
	fillIn(b, "key-form", map[string]string{"name": "CRM", "scope": "seller"})
	b.until(element("secret") + ".value === 'sk_fresh' && " + visible("key-row"))
	b.click("rotate")
	b.click("rotate")
	b.until(element("secret") + ".value === 'sk_rotated'")
	b.shot("console-keys")
	b.click("revoke-key")
	b.click("revoke-key")
	b.until("!" + visible("revoke-key"))
	b.click("sign-out")
	b.until(visible("sign-in"))
	if got := b.text("sessionStorage.getItem('showroom.key')"); got != "null" {
		t.Errorf("the key is kept after signing out: %s", got)
	}
}
