package static

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// within is how long a page has for anything it is waited for.
const within = 60 * time.Second

func keyframe(in *webrtc.TrackRemote) []rtcp.Packet {
	return []rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(in.SSRC())}}
}

// tab is a page in Chromium with fake camera and microphone.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func newTab(t *testing.T, flags ...chromedp.ExecAllocatorOption) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.Flag("headless", "new"), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("use-fake-device-for-media-stream", true), chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("auto-select-desktop-capture-source", "Entire screen"),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.Flag("lang", "en-US"),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 800))
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), append(options, flags...)...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() { cancel(); cancelAllocator() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	b := &tab{t, ctx}
	script := page.AddScriptToEvaluateOnNewDocumentParams{Source: faults}
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, script); err != nil {
		t.Fatal(err)
	}
	return b
}

// faults collects what must not happen in a page: uncaught errors and breaches of the content security policy.
const faults = `
	window.faults = [];
	addEventListener('error', e => faults.push(e.message || 'a resource could not be loaded: ' + (e.target.src || e.target.href)));
	addEventListener('unhandledrejection', e => faults.push('unhandled: ' + e.reason));
	addEventListener('securitypolicyviolation', e => faults.push(e.violatedDirective + ' ' + e.blockedURI));
`

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, within)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) open(url string) { b.t.Helper(); b.do(chromedp.Navigate(url)) }

// run runs statements in the page.
func (b *tab) run(script string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void]("(async () => {"+script+"})()", chromedp.EvalAwaitPromise))
}

func (b *tab) text(expression string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, within)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return s
}

// until waits until an expression is true in the page.
func (b *tab) until(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, within+5*time.Second)
	defer cancel()
	look := chromedp.Evaluate[bool](fmt.Sprintf(`new Promise(resolve => {
		const end = performance.now() + %d;
		const look = () => {
			let is = false;
			try { is = Boolean(%s); } catch {}
			if (is || performance.now() > end) resolve(is); else setTimeout(look, 30);
		};
		look();
	})`, within.Milliseconds(), expression), chromedp.EvalAwaitPromise)
	ok, err := chromedp.Run(ctx, look)
	if err != nil && strings.Contains(err.Error(), "navigated") { // look again on the new page
		ok, err = chromedp.Run(ctx, look)
	}
	if err != nil || !ok {
		b.shot(filepath.Base(b.t.Name()) + "-failed")
		b.t.Fatalf("in vain: %s (%v)\nthe page says: %s", expression, err, b.text("document.body.innerText"))
	}
}

func element(id string) string { return fmt.Sprintf(`document.querySelector('[data-testid=%q]')`, id) }

func visible(id string) string {
	return fmt.Sprintf(`(e => e && e.getClientRects().length > 0)(%s)`, element(id))
}

func (b *tab) click(id string) {
	b.t.Helper()
	b.until(visible(id) + " && !" + element(id) + ".disabled")
	b.run(element(id) + ".click()")
}

func (b *tab) phase(name string) {
	b.t.Helper()
	b.until(fmt.Sprintf("document.body.dataset.phase === %q", name))
}

// shot keeps a picture of the page in three sizes in the folder that SHOWROOM_SCREENSHOTS names, if it does, and holds
// that nothing is wider than the narrowest of them.
func (b *tab) shot(name string) {
	b.t.Helper()
	if f := b.text("faults.join('; ')"); f != "" {
		b.t.Errorf("%s: %s", name, f)
	}
	dir := os.Getenv("SHOWROOM_SCREENSHOTS")
	for _, size := range [][2]int64{{390, 844}, {360, 740}, {1280, 800}} {
		b.do(chromedp.EmulateViewport(size[0], size[1]))
		b.run("await new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
		if w := b.text("document.documentElement.scrollWidth > innerWidth"); w != "false" {
			b.t.Errorf("%s scrolls sideways at %d pixels", name, size[0])
		}
		if dir == "" {
			continue
		}
		png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			b.t.Error(err)
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", name, size[0])), png, 0o644); err != nil {
			b.t.Error(err)
		}
	}
}
