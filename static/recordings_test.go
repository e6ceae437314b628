package static

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// archive is the part of a CRM's API that has recordings, links to them, and buyers.
type archive struct {
	mu     sync.Mutex
	shares []message
	gone   bool
	buyer  message
	asked  []string // method and path with its query
}

func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var in message
	if r.Body != nil {
		_ = json.NewDecoder(r.Body).Decode(&in)
	}
	path := r.Method + " " + strings.TrimPrefix(r.URL.Path, "/api/v1")
	a.asked = append(a.asked, path+"?"+r.URL.RawQuery)
	say := func(status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if v != nil {
			_ = json.NewEncoder(w).Encode(v)
		}
	}
	people := func(subject, conference string) message {
		return message{"conference": conference, "subject": subject, "seller": message{"id": "sell_1", "name": "Ana Souza"}, "buyer": message{"id": "buy_1", "name": "Bruno Lima"},
			"recorded_at": "2026-11-20T15:01:00Z", "duration_ms": 754000, "bytes": 123456789, "derived": []message{}, "shares": len(a.shares)}
	}
	first := people("Hatchback 2023, automatic, with a long name that goes over a line", "conf_1")
	first["state"], first["files"], first["deletable"], first["archive_url"] = "ready", 2, true, "/zip?exp=1"
	first["derived"] = []message{{"name": "conference.webm", "kind": "video", "media_type": "video/webm", "size": 1000, "url": "/v?exp=1"}, {"name": "poster.jpg", "kind": "poster", "media_type": "image/jpeg", "url": "/static/favicon.svg"}}
	if a.gone {
		first["state"], first["files"], first["deletable"], first["derived"], first["archive_url"] = "deleting", 0, false, []message{}, nil
	}
	second := people("", "conf_2")
	second["state"], second["files"], second["deletable"], second["duration_ms"] = "processing", 0, false, 0
	switch path {
	case "GET /me":
		say(200, message{"name": "dev", "scope": "crm"})
	case "GET /sellers":
		say(200, list([]message{{"id": "sell_1", "name": "Ana Souza"}}))
	case "GET /recordings":
		if r.URL.Query().Get("state") == "failed" {
			say(200, list(nil))
			return
		}
		say(200, list([]message{first, second}))
	case "GET /conferences/conf_1/recording/links":
		say(200, list(a.shares))
	case "POST /conferences/conf_1/recording/links":
		a.shares = append(a.shares, message{"id": "share_1", "name": in["name"], "created_at": "2026-11-20T16:00:00Z", "created_by": "key_1", "expires_at": "2099-11-20T16:00:00Z"})
		say(201, message{"id": "share_1", "expires_at": "2099-11-20T16:00:00Z", "url": "/watch#shared-" + in["name"].(string)})
	case "DELETE /conferences/conf_1/recording/links/share_1":
		a.shares[0]["revoked_at"] = "2026-11-20T17:00:00Z"
		say(204, nil)
	case "DELETE /conferences/conf_1/recording":
		a.gone = true
		say(202, message{})
	case "GET /buyers":
		if q := r.URL.Query().Get("q"); q != "" && !strings.HasPrefix("bruno lima", strings.ToLower(q)) {
			say(200, list(nil))
			return
		}
		say(200, list([]message{a.buyer}))
	case "GET /buyers/buy_1":
		say(200, a.buyer)
	case "GET /conferences":
		say(200, list([]message{{"id": "conf_1", "subject": "Hatchback 2023", "state": "finished", "starts_at": "2026-11-20T15:00:00Z", "seller": message{"id": "sell_1", "name": "Ana Souza"}, "buyer": message{"id": "buy_1", "name": "Bruno Lima"}}}))
	case "POST /buyers/buy_1/export":
		say(201, message{"url": "/console#exported-" + in["recordings"].(string), "expires_at": "2099-11-20T16:00:00Z"})
	case "POST /buyers/buy_1/erase":
		a.buyer = message{"id": "buy_1", "name": "", "created_at": "2026-11-01T12:00:00Z", "erasure": message{"state": "erasing", "by": "key_1", "ordered_at": "2026-11-20T16:00:00Z", "error": "store_unavailable"}}
		say(202, a.buyer)
	default:
		say(404, problem{404, "not_found", "There is no such thing here."})
	}
}

func (a *archive) was(path string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, asked := range a.asked {
		if strings.HasPrefix(asked, path) {
			return true
		}
	}
	return false
}

// TestRecordingsAndBuyers: the list of recordings with its filters, a link made and taken back, a deletion; then a buyer found, exported and erased.
func TestRecordingsAndBuyers(t *testing.T) {
	a := &archive{buyer: message{"id": "buy_1", "name": "Bruno Lima", "email": "bruno@example.com", "phone": "+55 11 91234-5678", "reference": "CRM-77", "created_at": "2026-11-01T12:00:00Z"}}
	f := newFake(t, a)
	b := newTab(t)
	b.open(f.url + "/console?lang=en#key=sk_good")
	b.until(visible("nav-recordings"))
	b.click("nav-recordings")
	b.until(`document.querySelectorAll('[data-testid="recording-row"]').length === 2`)
	b.shot("recordings")
	b.run(element("state") + ".value = 'failed'; " + element("state") + ".dispatchEvent(new Event('change', { bubbles: true }))")
	b.until(visible("empty"))
	b.shot("recordings-none")
	b.run(element("state") + ".value = ''; " + element("state") + ".dispatchEvent(new Event('change', { bubbles: true }))")
	b.run(element("buyer-filter") + ".value = 'bru'; " + element("buyer-filter") + ".dispatchEvent(new Event('input', { bubbles: true }))")
	b.run(element("from") + ".value = '2026-11-20'; " + element("from") + ".dispatchEvent(new Event('change', { bubbles: true }))")
	for !a.was("GET /recordings?limit=50&buyer=buy_1&from=2026-11-") {
		b.until(visible("recordings"))
	}
	b.click("share")
	fillIn(b, "share-form", map[string]string{"name": "Caio", "expires_in_seconds": "604800"})
	b.until(element("share-url") + ".value === '/watch#shared-Caio' && " + element("share") + " && document.querySelector('dialog [data-testid=\"share\"]').textContent.includes('Caio')")
	b.shot("recordings-share")
	b.click("revoke-share")
	b.click("revoke-share")
	b.until("!" + visible("revoke-share"))
	b.click("dialog-close")
	b.click("delete")
	b.until(visible("delete-sure") + " && " + element("dialog") + ".textContent.includes('Hatchback 2023')")
	b.shot("recordings-delete")
	b.click("delete-sure")
	b.until(`document.querySelector('[data-id="conf_1"]').dataset.state === 'deleting'`)

	b.click("nav-buyers")
	b.until(visible("buyer"))
	b.shot("buyers")
	b.run(element("search") + ".value = 'nobody'; " + element("search") + ".dispatchEvent(new Event('input'))")
	b.until(visible("empty"))
	b.run(element("search") + ".value = 'Bruno'; " + element("search") + ".dispatchEvent(new Event('input'))")
	b.until(visible("buyer"))
	b.run(element("buyer") + ".click()")
	b.until(visible("export") + " && " + visible("conference"))
	b.shot("buyer")
	b.click("export")
	b.until(visible("export-go"))
	b.shot("buyer-export")
	b.run(element("recordings") + ".value = 'files'; " + element("export-go") + ".click()")
	b.until("location.hash === '#exported-files'")
	b.run("location.hash = '#/buyers/buy_1'")
	b.until(visible("erase"))
	b.click("erase")
	b.until(visible("erase-sure") + " && " + element("erase-sure") + ".disabled")
	b.run(element("erase-name") + ".value = 'Bruno'; " + element("erase-name") + ".dispatchEvent(new Event('input'))")
	b.until(element("erase-sure") + ".disabled") // not the whole name
	b.run(element("erase-name") + ".value = 'Bruno Lima'; " + element("erase-name") + ".dispatchEvent(new Event('input'))")
	b.until("!" + element("erase-sure") + ".disabled")
	b.shot("buyer-erase")
	b.click("erase-sure")
	b.until(element("erasure") + ".dataset.state === 'erasing' && !" + visible("export"))
	a.mu.Lock()
	a.buyer["erasure"] = message{"state": "erased", "by": "key_1", "ordered_at": "2026-11-20T16:00:00Z", "done_at": "2026-11-20T16:00:05Z", "proof": message{"conferences": 1, "recordings": 1, "files": 2, "bytes": 123456789, "events": 31, "attempts": 2}}
	a.mu.Unlock()
	b.until(element("erasure") + ".dataset.state === 'erased'")
	b.shot("buyer-erased")
}
