package static

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

// texts reads the table of i18n.js, which is JSON between "export default" and the last semicolon.
func texts(t *testing.T) map[string][]string {
	t.Helper()
	src, err := files.ReadFile("i18n.js")
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(src), "export default ")
	if !ok {
		t.Fatal("i18n.js has no default export")
	}
	var table map[string][]string
	if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimSpace(body), ";")), &table); err != nil {
		t.Fatalf("i18n.js is not a JSON table: %v", err)
	}
	if len(table) < 150 {
		t.Fatalf("only %d texts found", len(table))
	}
	return table
}

// each calls f for every embedded file with one of the extensions.
func each(t *testing.T, f func(name, body string), extensions ...string) {
	t.Helper()
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		for _, e := range extensions {
			if path.Ext(name) == e {
				body, err := files.ReadFile(name)
				if err != nil {
					return err
				}
				f(name, string(body))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryTextInEveryLanguage(t *testing.T) {
	place := regexp.MustCompile(`\{\w+\}`)
	for key, row := range texts(t) {
		if len(row) != 3 {
			t.Errorf("%s: %d languages, want 3 (pt-BR, en, es)", key, len(row))
			continue
		}
		for i, text := range row {
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: column %d is empty", key, i)
			}
			for _, p := range place.FindAllString(row[1], -1) {
				if !strings.Contains(text, p) {
					t.Errorf("%s: column %d lacks %s", key, i, p)
				}
			}
		}
	}
}

func TestNoTextTwice(t *testing.T) {
	src, err := files.ReadFile("i18n.js")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^"([^"]+)": \[`).FindAllStringSubmatch(string(src), -1) {
		if seen[m[1]] {
			t.Errorf("%s is in the table twice", m[1])
		}
		seen[m[1]] = true
	}
}

// Keys put together at run time, by the words of docs/protocol.md and docs/http-api.md.
var composed = map[string]string{
	"scope":              "operator crm seller read",
	"api.who":            "accessLink watchLink signature",
	"code":               "left ended denied removed replaced lost minutes_exhausted revoked expired cancelled time_limit violation server_closing bad_message unknown_type too_large too_many join_first already_joined_here token_invalid token_expired token_revoked already_joined not_admitted forbidden bad_sdp bad_candidate too_many_offers room_full too_early no_minutes seller_unavailable conference_over conference_cancelled no_such_participant consent_required no_consent bad_text unavailable internal rate_limited network timeout failed no_token",
	"problem.both":       "denied blocked missing in_use insecure failed",
	"problem.camera":     "denied blocked missing in_use insecure failed",
	"problem.mic":        "denied blocked missing in_use insecure failed",
	"help":               "denied blocked missing in_use insecure failed without",
	"quality":            "good fair poor lost unknown",
	"ended":              "left over closed later elsewhere broken",
	"call.mic":           "on off",
	"call.camera":        "on off",
	"device":             "mic camera speaker",
	"device.lost":        "mic camera",
	"console":            "end cancel",
	"console.recording":  "none soon",
	"minutes":            "most mostConference low lowConference last lastConference",
	"finish":             "buyer_erased no_show declined time_limit ended left minutes_exhausted server_restarted",
	"state":              "scheduled standby waiting ongoing finished cancelled",
	"composed":           "video audio",
	"composed.is":        "none waiting failed off",
	"recording.state":    "none recording processing ready failed deleting deleted",
	"role":               "seller buyer guest colleague",
	"role.is":            "operator seller",
	"refused":            "overlap changed forbidden not_found no_minutes storage_full",
	"storage":            "uploading waiting stored deleting deleted store_unavailable store_denied store_full store_corrupts failed",
	"webhook":            "test rotate remove resume",
	"webhook.state":      "active failing set_aside",
	"outbox.state":       "queued sent failed kept handed skipped",
	"outbox.kind":        "invitation update cancellation reminder declined waiting no_show",
	"outbox.channel":     "email push",
	"access":             "watched downloaded shared share_revoked deletion_ordered deleted",
	"privacy.recordings": "list files none",
}

func TestEveryKeyUsedExists(t *testing.T) {
	table := texts(t)
	used := map[string]bool{}
	for prefix, words := range composed {
		for word := range strings.FieldsSeq(words) {
			used[prefix+"."+word] = true
			if _, ok := table[prefix+"."+word]; !ok {
				t.Errorf("no text %s.%s", prefix, word)
			}
		}
	}
	static := regexp.MustCompile(`\bdata-t(?:-label|-placeholder)?="([^"]+)"`)
	call := regexp.MustCompile(`\b(?:t|put|label)\((?:[^'()]*(?:\([^()]*\))?,\s*)?'([\w.]+)'`)
	literal := regexp.MustCompile(`'([a-z]\w*(?:\.[\w]+)+)'`)
	each(t, func(name, body string) {
		for _, m := range static.FindAllStringSubmatch(body, -1) {
			used[m[1]] = true
			if _, ok := table[m[1]]; !ok {
				t.Errorf("%s uses the text %q, which is not in the table", name, m[1])
			}
		}
		if name == "i18n.js" || strings.HasPrefix(name, "sdk/") {
			return
		}
		for _, m := range call.FindAllStringSubmatch(body, -1) {
			if _, ok := table[m[1]]; !ok {
				t.Errorf("%s uses the text %q, which is not in the table", name, m[1])
			}
		}
		for _, m := range literal.FindAllStringSubmatch(body, -1) {
			used[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`'(\w+)'`).FindAllStringSubmatch(body, -1) {
			used[m[1]] = true
		}
	}, ".html", ".js")
	for key := range table {
		if !used[key] {
			t.Errorf("the text %q is used nowhere", key)
		}
	}
}

// The pages are safe against text of others by construction: no markup is made from strings (faults A22).
func TestNoMarkupFromStrings(t *testing.T) {
	forbidden := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|\beval\(|new Function|setTimeout\(['"` + "`" + `]|javascript:|setAttribute\('(?:style|on\w+)'`)
	each(t, func(name, body string) {
		for _, m := range forbidden.FindAllString(body, -1) {
			t.Errorf("%s uses %s", name, m)
		}
	}, ".js", ".html")
	inline := regexp.MustCompile(`(?i)<style|\sstyle\s*=|\son\w+\s*=|<script(?:\s[^>]*)?>[^<]|<script(?:\s+type="module")?\s*>`)
	each(t, func(name, body string) {
		for _, m := range inline.FindAllString(body, -1) {
			t.Errorf("%s has inline code or style: %q", name, m)
		}
	}, ".html", ".svg")
}

func TestNothingFromElsewhere(t *testing.T) {
	external := regexp.MustCompile(`(?:https?:|wss?:)?//[a-z0-9-]+\.[a-z]+|@import|url\(\s*["']?(?:https?:)?//`)
	each(t, func(name, body string) {
		for _, m := range external.FindAllString(body, -1) {
			if m != "http://www.w" { // the SVG name space
				t.Errorf("%s refers to %s", name, m)
			}
		}
	}, ".js", ".html", ".css", ".svg")
}

func TestEveryFileReferredToExists(t *testing.T) {
	absolute := regexp.MustCompile(`["'(]/static/([\w./-]+)`)
	relative := regexp.MustCompile(`(?:from|import\()\s*'(\.[^']+)'`)
	exists := func(from, name string) {
		if _, err := fs.Stat(files, name); err != nil {
			t.Errorf("%s refers to %s: %v", from, name, err)
		}
	}
	each(t, func(name, body string) {
		for _, m := range absolute.FindAllStringSubmatch(body, -1) {
			exists(name, m[1])
		}
		for _, m := range relative.FindAllStringSubmatch(body, -1) {
			exists(name, path.Join(path.Dir(name), m[1]))
		}
	}, ".js", ".html", ".css")
}

func TestEveryIconExists(t *testing.T) {
	svg, err := files.ReadFile("icons.svg")
	if err != nil {
		t.Fatal(err)
	}
	used := regexp.MustCompile(`data-icon="([\w-]+)"|\bicon\('([\w-]+)'\)`)
	each(t, func(name, body string) {
		for _, m := range used.FindAllStringSubmatch(body, -1) {
			if !strings.Contains(string(svg), `id="`+m[1]+m[2]+`"`) {
				t.Errorf("%s uses the icon %q, which icons.svg lacks", name, m[1]+m[2])
			}
		}
	}, ".js", ".html")
}

// Every element the scripts ask for by id is in one of the pages.
func TestEveryIDExists(t *testing.T) {
	ids := map[string]bool{}
	each(t, func(_, body string) {
		for _, m := range regexp.MustCompile(`\bid="([\w-]+)"`).FindAllStringSubmatch(body, -1) {
			ids[m[1]] = true
		}
	}, ".html")
	each(t, func(name, body string) {
		for _, m := range regexp.MustCompile(`byID\('([\w-]+)'\)`).FindAllStringSubmatch(body, -1) {
			if !ids[m[1]] {
				t.Errorf("%s asks for #%s, which no page has", name, m[1])
			}
		}
	}, ".js")
}

func TestHandler(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		status       int
		contentType  string
	}{
		{"GET", "/join", 200, "text/html; charset=utf-8"},
		{"HEAD", "/watch", 200, "text/html; charset=utf-8"},
		{"GET", "/console", 200, "text/html; charset=utf-8"},
		{"GET", "/api", 200, "text/html; charset=utf-8"},
		{"GET", "/embed.json", 200, "application/json"},
		{"GET", "/favicon.ico", 200, "image/svg+xml"},
		{"GET", "/static/sdk/showroom.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/static/css/base.css", 200, "text/css; charset=utf-8"},
		{"GET", "/static/icons.svg", 200, "image/svg+xml"},
		{"GET", "/example-crm", 200, "text/html; charset=utf-8"},
		{"GET", "/static/sdk/package.json", 200, "application/json"},
		{"GET", "/static/sdk/types/showroom.d.ts", 200, "text/plain; charset=utf-8"},
		{"GET", "/static/", 404, ""},
		{"GET", "/static/js", 404, ""},
		{"GET", "/static/../static.go", 404, ""},
		{"GET", "/static/static.go", 404, ""},
		{"GET", "/join/", 404, ""},
		{"GET", "/join.html", 404, ""},
		{"POST", "/join", 405, ""},
	} {
		rec := httptest.NewRecorder()
		Handler().ServeHTTP(rec, &http.Request{Method: tt.method, URL: httptest.NewRequest("GET", tt.path, nil).URL, Header: http.Header{}})
		if rec.Code != tt.status {
			t.Errorf("%s %s: status %d, want %d", tt.method, tt.path, rec.Code, tt.status)
		}
		if tt.status == 200 && rec.Header().Get("Content-Type") != tt.contentType {
			t.Errorf("%s %s: %s, want %s", tt.method, tt.path, rec.Header().Get("Content-Type"), tt.contentType)
		}
	}
}

func TestHandlerHeaders(t *testing.T) {
	rec := httptest.NewRecorder()
	Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/join", nil))
	csp := rec.Header().Get("Content-Security-Policy")
	if strings.Contains(csp, "unsafe") || !strings.Contains(csp, "script-src 'self';") {
		t.Errorf("policy %q", csp)
	}
	again := httptest.NewRequest("GET", "/join", nil)
	again.Header.Set("If-None-Match", rec.Header().Get("ETag"))
	rec = httptest.NewRecorder()
	Handler().ServeHTTP(rec, again)
	if rec.Code != http.StatusNotModified {
		t.Errorf("the same ETag gives %d, want 304", rec.Code)
	}
}

// TestConsentVersion: the words of the question are evidence under a version. Whoever changes them gives them a new one, in js/consent.js and here.
func TestConsentVersion(t *testing.T) {
	const version, sum = "2026-11-25", "faf0d2619b5bb0b2"
	row := texts(t)["consent.text"]
	if got := fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(row, "\n"))))[:16]; got != sum {
		t.Errorf("the words of consent.text have changed (%s): give them a new version", got)
	}
	each(t, func(name, body string) {
		if name == "js/consent.js" && !strings.Contains(body, "VERSION = '"+version+"'") {
			t.Errorf("%s does not have the version %s", name, version)
		}
	}, ".js")
}
