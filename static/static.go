// Package static holds the pages (/join, /watch, /console, /api, /example-crm) and the JavaScript SDK, embedded, and serves them.
// It owns no goroutine and no lock.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed *.html *.js *.svg css js sdk
var files embed.FS

// FS is everything embedded, read-only: the pages at the root, the SDK under sdk/.
func FS() fs.FS { return files }

// pages are the addresses that are not file names.
var pages = map[string]string{
	"/join":        "join.html",
	"/watch":       "watch.html",
	"/console":     "console.html",
	"/api":         "api.html",
	"/example-crm": "example-crm.html",
	"/favicon.ico": "favicon.svg",

	"/push/worker.js": "push-worker.js", // below /push/ are the only scopes it may have, and no pages
}

// policy forbids inline script and style and any foreign origin; what a page of ours does not need is not allowed.
// The pages create no HTML from text, so Trusted Types are required; the one policy is for the address of the service worker, see js/push/here.js.
// ancestors is who may show the page in a frame.
func policy(pictures, ancestors string) string {
	return strings.Join([]string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'" + pictures, "connect-src 'self'",
		"media-src 'self' blob:", "frame-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors " + ancestors,
		"require-trusted-types-for 'script'", "trusted-types worker",
	}, "; ")
}

// embeddable are the pages that other sites may show in a frame. A vehicle's picture and a logo are where the CRM keeps them.
var embeddable = map[string]bool{"join.html": true, "watch.html": true}

// Handler serves the pages and, under /static/, all files. Everything else is 404. Pages of the origins, such as
// https://crm.example.com, may show the join and the watch page in a frame; /embed.json tells these pages who may.
// Answers carry an ETag and are revalidated each time, so that a new binary is a new page.
func Handler(origins ...string) http.Handler {
	csp := policy("", "'none'")
	framed := policy(" https:", strings.Join(append([]string{"'self'"}, origins...), " "))
	allowed, err := json.Marshal(map[string]any{"version": 1, "origins": append([]string{}, origins...)})
	if err != nil {
		panic(err) // strings
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ok := pages[r.URL.Path]
		if !ok {
			name, ok = strings.CutPrefix(r.URL.Path, "/static/")
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD here", http.StatusMethodNotAllowed)
			return
		}
		body, err := files.ReadFile(name)
		if r.URL.Path == "/embed.json" {
			name, body, ok, err = "embed.json", allowed, true, nil
		}
		if !ok || err != nil {
			http.NotFound(w, r)
			return
		}
		sum := sha256.Sum256(body)
		h := w.Header()
		h.Set("Content-Type", contentType(name))
		h.Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
		h.Set("Cache-Control", "no-cache")
		h.Set("Content-Security-Policy", csp)
		if strings.HasPrefix(name, "sdk/") { // for <script type="module"> of other sites
			h.Set("Access-Control-Allow-Origin", "*")
		}
		if embeddable[name] {
			h.Set("Content-Security-Policy", framed)
		}
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), speaker-selection=(self)")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
	})
}

// contentType does not ask the machine's mime files, which differ.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json":
		return "application/json"
	case ".md", ".ts":
		return "text/plain; charset=utf-8"
	}
	return mime.TypeByExtension(path.Ext(name))
}
