package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// tab is a page in a real browser, whichever.
type tab interface {
	open(url string)
	// eval runs an expression, waits for its promise, and returns the value as JSON.
	eval(expression string) string
	// inject runs a script before those of every page to come.
	inject(script string)
	// resize sets the size of the page in CSS pixels.
	resize(width, height int)
	screenshot(name string)
}

// within is how long a page has for anything it is waited for.
const within = 90 * time.Second

// until waits until the expression is true in the tab. What fails is named by the expression itself, with what the page says.
func until(t *testing.T, b tab, expression string) {
	t.Helper()
	ok := b.eval(fmt.Sprintf(`new Promise(resolve => {
		const end = performance.now() + %d;
		const look = async () => {
			let is = false;
			try { is = !!(await (%s)); } catch (e) { is = false; }
			if (is) resolve(true);
			else if (performance.now() > end) resolve(false);
			else setTimeout(look, 50);
		};
		look();
	})`, within.Milliseconds(), expression))
	if ok != "true" {
		b.screenshot(t.Name() + "-failed")
		t.Fatalf("in vain: %s\nthe page says: %s", expression, b.eval("document.body.innerText"))
	}
}

// number evaluates to a number.
func number(t *testing.T, b tab, expression string) float64 {
	t.Helper()
	var n float64
	if s := b.eval(expression); json.Unmarshal([]byte(s), &n) != nil {
		t.Fatalf("%s is %s, want a number", expression, s)
	}
	return n
}

// text evaluates to a string.
func text(t *testing.T, b tab, expression string) string {
	t.Helper()
	var s string
	if j := b.eval(expression); json.Unmarshal([]byte(j), &s) != nil {
		t.Fatalf("%s is %s, want a string", expression, j)
	}
	return s
}

// click presses the visible, enabled element with the test id, as a person would once it can be pressed.
func click(t *testing.T, b tab, id string) {
	t.Helper()
	until(t, b, visible(id)+" && !"+element(id)+".disabled")
	b.eval(element(id) + ".click()")
}

func element(id string) string { return fmt.Sprintf(`document.querySelector('[data-testid=%q]')`, id) }

func visible(id string) string {
	return fmt.Sprintf(`(e => e && e.getClientRects().length > 0)(%s)`, element(id))
}

// screenshots go to the folder that SHOWROOM_SCREENSHOTS names, if it does.
func saveScreenshot(t *testing.T, name string, png []byte) {
	t.Helper()
	dir := os.Getenv("SHOWROOM_SCREENSHOTS")
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".png"), png, 0o644); err != nil {
		t.Error(err)
	}
}

// chromium is a tab of a Chromium of its own.
type chromium struct {
	t   *testing.T
	ctx context.Context
}

func newChromium(t *testing.T, flags ...chromedp.ExecAllocatorOption) *chromium {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.Flag("headless", "new"), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("auto-accept-this-tab-capture", true), chromedp.Flag("auto-select-desktop-capture-source", "Entire screen"),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-background-timer-throttling", true), chromedp.Flag("disable-renderer-backgrounding", true),
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 800))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), append(options, flags...)...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() { cancel(); cancelAllocator() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium (make test installs it): %v", err)
	}
	return &chromium{t, ctx}
}

func (c *chromium) do(actions ...chromedp.Action[chromedp.Void]) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 2*within)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chromium) open(url string) {
	c.t.Helper()
	c.do(chromedp.Navigate(url))
}

func (c *chromium) eval(expression string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.ctx, 2*within)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[json.RawMessage]("Promise.resolve("+expression+").then(v => v === undefined ? null : v)", chromedp.EvalAwaitPromise))
	if err != nil {
		if strings.Contains(err.Error(), "null") {
			return "null"
		}
		c.t.Fatalf("%s: %v", expression, err)
	}
	return string(value)
}

func (c *chromium) inject(script string) {
	c.t.Helper()
	if _, err := chromedp.Call(c.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chromium) resize(width, height int) {
	c.t.Helper()
	c.do(chromedp.EmulateViewport(int64(width), int64(height)))
}

func (c *chromium) screenshot(name string) {
	c.t.Helper()
	png, err := chromedp.Run(c.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		c.t.Error(err)
		return
	}
	saveScreenshot(c.t, name, png)
}
