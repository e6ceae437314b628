package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// firefox is a tab of a Firefox of its own, driven by WebDriver BiDi (w3.org/TR/webdriver-bidi).
type firefox struct {
	t    *testing.T
	conn *websocket.Conn
	tab  string // browsing context
	id   int
}

const firefoxPrefs = `user_pref("media.navigator.streams.fake", true);
user_pref("media.navigator.permission.disabled", true);
user_pref("media.peerconnection.ice.loopback", true);
user_pref("media.peerconnection.ice.obfuscate_host_addresses", false);
user_pref("media.autoplay.default", 0);
user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.reportingpolicy.firstRun", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("services.settings.server", "http://127.0.0.1:1/");
user_pref("browser.safebrowsing.provider.mozilla.updateURL", "");
user_pref("browser.newtabpage.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("media.gmp-manager.url", "http://127.0.0.1:1/");
`

var listening = regexp.MustCompile(`ws://127\.0\.0\.1:\d+`)

func newFirefox(t *testing.T) *firefox {
	t.Helper()
	profile := t.TempDir()
	if err := os.WriteFile(filepath.Join(profile, "user.js"), []byte(firefoxPrefs), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "firefox-esr", "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0")
	cmd.Env = append(os.Environ(), "HOME="+profile, "MOZ_DISABLE_CONTENT_SANDBOX=1")
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start Firefox (make test installs it): %v", err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	url := ""
	lines := bufio.NewScanner(out)
	for url == "" && lines.Scan() {
		url = listening.FindString(lines.Text())
	}
	if url == "" {
		t.Fatal("Firefox did not say where it listens")
	}
	go func() { // ends with Firefox
		for lines.Scan() {
		}
	}()
	conn, _, err := websocket.DefaultDialer.Dial(url+"/session", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	f := &firefox{t: t, conn: conn}
	f.call("session.new", map[string]any{"capabilities": map[string]any{}})
	var made struct{ Context string }
	f.decode(f.call("browsingContext.create", map[string]any{"type": "tab"}), &made)
	f.tab = made.Context
	return f
}

// call sends one command and waits for its answer.
func (f *firefox) call(method string, params any) json.RawMessage {
	f.t.Helper()
	f.id++
	if err := f.conn.WriteJSON(map[string]any{"id": f.id, "method": method, "params": params}); err != nil {
		f.t.Fatalf("%s: %v", method, err)
	}
	for {
		if err := f.conn.SetReadDeadline(time.Now().Add(2 * within)); err != nil {
			f.t.Fatal(err)
		}
		var answer struct {
			ID             int
			Result         json.RawMessage
			Error, Message string
		}
		if err := f.conn.ReadJSON(&answer); err != nil {
			f.t.Fatalf("%s: %v", method, err)
		}
		if answer.ID != f.id {
			continue // an event
		}
		if answer.Error != "" {
			f.t.Fatalf("%s: %s: %s", method, answer.Error, answer.Message)
		}
		return answer.Result
	}
}

func (f *firefox) decode(result json.RawMessage, into any) {
	f.t.Helper()
	if err := json.Unmarshal(result, into); err != nil {
		f.t.Fatal(err)
	}
}

func (f *firefox) open(url string) {
	f.t.Helper()
	f.call("browsingContext.navigate", map[string]any{"context": f.tab, "url": url, "wait": "complete"})
}

func (f *firefox) eval(expression string) string {
	f.t.Helper()
	var answer struct {
		Type   string
		Result struct {
			Type  string
			Value json.RawMessage
		}
		ExceptionDetails struct{ Text string }
	}
	f.decode(f.call("script.evaluate", map[string]any{
		"expression":   fmt.Sprintf("Promise.resolve(%s).then(v => JSON.stringify(v === undefined ? null : v))", expression),
		"target":       map[string]any{"context": f.tab},
		"awaitPromise": true, "userActivation": true,
	}), &answer)
	if answer.Type != "success" {
		f.t.Fatalf("%s: %s", expression, answer.ExceptionDetails.Text)
	}
	var text string
	f.decode(answer.Result.Value, &text)
	return text
}

func (f *firefox) inject(script string) {
	f.t.Helper()
	f.call("script.addPreloadScript", map[string]any{"functionDeclaration": "() => {" + script + "}"})
}

func (f *firefox) resize(width, height int) {
	f.t.Helper()
	f.call("browsingContext.setViewport", map[string]any{"context": f.tab, "viewport": map[string]any{"width": width, "height": height}})
}

func (f *firefox) screenshot(name string) {
	f.t.Helper()
	var shot struct{ Data string }
	f.decode(f.call("browsingContext.captureScreenshot", map[string]any{"context": f.tab}), &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		f.t.Fatal(err)
	}
	saveScreenshot(f.t, name, png)
}
