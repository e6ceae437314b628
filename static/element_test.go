package static

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestElement: <showroom-call> in a page of another site plays a recording, tells and obeys.
func TestElement(t *testing.T) {
	var server string
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprintf(w, `<!doctype html><meta name="viewport" content="width=device-width"><title>CRM</title>
			<script>const told = []; for (const e of ['ready', 'loaded', 'playing', 'paused', 'error']) addEventListener('showroom-' + e, (m) => told.push({ type: e, on: m.target.id, ...m.detail }));</script>
			<script type="module" src="%[1]s/static/sdk/showroom-call.js"></script>
			<showroom-call id="call" link="%[1]s/watch#token" lang="es" accent="#c2410c" style="height: 90vh"></showroom-call>`, server)
	}))
	defer site.Close()
	f := newFake(t, recordingOf(t), site.URL)
	server = f.url
	b := newTab(t)
	b.open(site.URL)
	b.until("told.some((m) => m.type === 'loaded' && m.on === 'call' && Math.round(m.duration) === 20)")
	b.run("await call.seek(4)")
	b.until("told[0].type === 'ready' && told[0].page === 'watch'")
	b.run("window.now = await call.status()")
	if s := b.text("now.playing + ' ' + now.seconds"); s != "false 4" {
		t.Errorf("after seek(4): %s", s)
	}
	b.run("await call.play()")
	b.until("told.some((m) => m.type === 'playing')")
	b.run("await call.pause()")
	b.until("told.some((m) => m.type === 'paused' && m.seconds >= 4)")
	b.run("window.code = await call.leave().catch((err) => err.code)")
	b.until("code === 'unknown_command'")
	b.shot("embedded-watch")
	b.run("window.gone = call.status().catch((err) => err.code); call.remove(); window.why = await gone")
	b.until("why === 'closed'")
}
