package static

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/chromedp"
)

// subscribing stands in for the push service of the browser's vendor, which a headless Chromium on a machine of its own has not.
const subscribing = `
	let made = null;
	PushManager.prototype.getSubscription = async () => made;
	PushManager.prototype.subscribe = async (o) => made = {
		options: { applicationServerKey: o.applicationServerKey.buffer }, unsubscribe: async () => { made = null; return true; },
		toJSON: () => ({ endpoint: 'https://push.example/1', expirationTime: null, keys: { p256dh: 'BA', auth: 'AA' }, visible: o.userVisibleOnly }),
	};
`

const vapid = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"

// shelf keeps the devices that pages register.
type shelf struct {
	sent    chan message
	devices []message
}

func (s *shelf) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.Method {
	case http.MethodPost:
		var in message
		_ = json.NewDecoder(r.Body).Decode(&in)
		d := message{"id": "dev_1", "platform": in["platform"], "app": in["app"], "created_at": "2026-11-20T12:00:00Z", "seen_at": "2026-11-20T12:00:00Z"}
		s.devices = []message{d}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(d)
		s.sent <- in
	case http.MethodDelete:
		s.devices = nil
		w.WriteHeader(http.StatusNoContent)
		s.sent <- message{"removed": r.URL.Path}
	default:
		_ = json.NewEncoder(w).Encode(list(s.devices))
	}
}

// TestTellMeHere: the buyer asks to be told on this device, a push is shown once and replaced by its like, and both the buyer and the seller take it back.
func TestTellMeHere(t *testing.T) {
	devices := &shelf{sent: make(chan message, 8)}
	phone := &shelf{sent: make(chan message, 8), devices: []message{{"id": "dev_9", "platform": "apns", "app": "Cars 4.2 (iOS 26)", "created_at": "2026-11-20T12:00:00Z", "seen_at": "2026-11-20T12:00:00Z"}}}
	f := newFake(t, answers{
		"GET /invitation":         message{"role": "buyer", "participant": "buyer", "name": "Bruno Lima", "conference": conferenceOf(time.Now().Add(26 * time.Hour)), "webpush_key": vapid},
		"GET /invitation/devices": http.HandlerFunc(devices.ServeHTTP), "POST /invitation/devices": http.HandlerFunc(devices.ServeHTTP), "DELETE /invitation/devices/dev_1": http.HandlerFunc(devices.ServeHTTP),
		"GET /me": message{"name": "dev", "scope": "crm"}, "GET /push": message{"platforms": []string{"webpush"}, "webpush_key": vapid},
		"GET /sellers/sell_1":         message{"id": "sell_1", "name": "Ana Souza", "time_zone": "UTC", "language": "en", "monthly_minutes": 60, "retention_days": 0, "without_consent": "unrecorded"},
		"GET /sellers/sell_1/usage":   message{"month": "2026-11", "time_zone": "UTC", "cap_seconds": 3600, "used_seconds": 0, "remaining_seconds": 3600},
		"GET /sellers/sell_1/devices": http.HandlerFunc(phone.ServeHTTP), "POST /sellers/sell_1/devices": http.HandlerFunc(phone.ServeHTTP), "DELETE /sellers/sell_1/devices/dev_9": http.HandlerFunc(phone.ServeHTTP),
	})
	b := newTab(t)
	b.permit("denied")
	b.open(f.url + "/join#token")
	b.until(visible("tell-here"))
	b.run(subscribing)
	b.shot("tell")
	b.click("tell-here")
	b.until(element("tell-status") + ".textContent.includes('does not allow')")
	b.shot("tell-denied")
	b.permit("granted")
	b.click("tell-here")
	in := <-devices.sent
	if s, _ := in["subscription"].(message); in["platform"] != "webpush" || s["endpoint"] != "https://push.example/1" || s["visible"] != true || !strings.HasPrefix(in["app"].(string), "Chrome ") {
		t.Errorf("registered %v", in)
	}
	b.until("document.querySelector('.tell').dataset.state === 'on'")
	b.shot("tell-on")
	b.pushes(f.url)
	b.click("tell-here")
	if in := <-devices.sent; in["removed"] != "/api/v1/invitation/devices/dev_1" {
		t.Errorf("taken back: %v", in)
	}
	b.until("document.querySelector('.tell').dataset.state === 'off' && !localStorage.getItem('showroom.push.join')")

	b.open(f.url + "/console#key=sk_good")
	b.until("!document.getElementById('nav').hidden")
	b.run("location.hash = '#/sellers/sell_1'")
	b.until(visible("device") + " && " + visible("tell-here"))
	b.run(subscribing)
	b.click("remove-device")
	<-phone.sent
	b.until(visible("no-devices"))
	b.until("document.querySelector('.tell').dataset.state === 'off'")
	b.click("tell-here")
	<-phone.sent
	b.until(visible("device") + " && document.querySelector('.tell').dataset.state === 'on'")
	b.shot("devices")
}

// permit says what Chromium answers when a page asks whether it may show notifications.
func (b *tab) permit(setting browser.PermissionSetting) {
	b.t.Helper()
	if _, err := chromedp.CallBrowser(b.ctx, browser.SetPermission, browser.SetPermissionParams{Permission: &browser.PermissionDescriptor{Name: "notifications"}, Setting: setting}); err != nil {
		b.t.Fatal(err)
	}
}

// pushes has Chromium deliver messages to the service worker, as its vendor's service would, and holds what is shown.
func (b *tab) pushes(url string) {
	b.t.Helper()
	registration := make(chan serviceworker.RegistrationID, 8)
	err := chromedp.Listen(b.ctx, func(ev any) {
		if e, is := ev.(*serviceworker.EventWorkerRegistrationUpdated); is {
			for _, r := range e.Registrations {
				if strings.HasSuffix(r.ScopeURL, "/push/join") {
					select {
					case registration <- r.RegistrationID:
					default:
					}
				}
			}
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := chromedp.Call(b.ctx, serviceworker.Enable, cdp.Empty{}); err != nil {
		b.t.Fatal(err)
	}
	id := <-registration
	for _, text := range []string{`{"id": "m1", "title": "In an hour", "body": "Hatchback", "url": "/join#token", "tag": "t"}`, `{"id": "m2", "title": "In ten minutes", "tag": "t", "urgent": true}`, `not ours`} {
		if _, err := chromedp.Call(b.ctx, serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{Origin: url, RegistrationID: id, Data: text}); err != nil {
			b.t.Fatal(err)
		}
	}
	b.run(`window.look = setInterval(async () => {
		const all = await (await navigator.serviceWorker.getRegistration('/push/join')).getNotifications();
		window.shown = all.map((n) => n.title + (n.requireInteraction ? '!' : '')).sort().join();
	}, 100)`)
	b.until("window.shown === 'In ten minutes!,Showroom'")
	b.run("clearInterval(window.look)")
}

func init() { composed["devices"] = "fcm apns apns_voip webpush" }
