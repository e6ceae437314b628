package rest

import (
	"strings"
	"testing"

	"showroom/call"
)

// deviceOf registers a device of a visit's seller or buyer, as the store has it.
func (b *bench) deviceOf(v visit, sellers bool) string {
	b.t.Helper()
	d := call.Device{Owner: v.buyer, Platform: call.PlatformFCM, Address: call.Address{Token: "token-of-" + v.buyer}}
	if sellers {
		d.Owner, d.Token = v.seller, "token-of-"+v.seller
	}
	kept, _, err := b.store.RegisterDevice(b.t.Context(), "test", d)
	if err != nil {
		b.t.Fatal(err)
	}
	return kept.ID
}

// fillDevice is [bench.fill] for routes of devices.
func (b *bench) fillDevice(rt route, v visit, owner string) (path, body string) {
	b.t.Helper()
	device := ""
	if strings.Contains(rt.path, "{device}") {
		device = b.deviceOf(v, strings.HasPrefix(rt.path, "/sellers"))
	}
	if rt.method == "POST" {
		body = `{"platform": "fcm", "token": "token-of-a-phone"}`
	}
	return strings.NewReplacer("{id}", owner, "{device}", device).Replace(rt.path), body
}

const browsers = `{"platform": "webpush", "language": "pt-BR", "app": "Firefox 145", "subscription": {"endpoint": "https://push.example/secret", "expirationTime": null,
	"keys": {"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}}}`

func TestDevices(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	at := "/sellers/" + v.seller + "/devices"
	for _, body := range []string{browsers, `{"platform": "fcm", "fid": "dQw4w9WgXcQ"}`, `{"platform": "apns", "sandbox": true, "token": "` + strings.Repeat("0A", 32) + `"}`} {
		first := b.wantAs(201, v.secret, "POST", at, body)
		again := b.wantAs(200, v.secret, "POST", at, body)
		if id := first.str("id"); !strings.HasPrefix(id, "dev_") || again.str("id") != id || strings.Contains(again.Body.String(), "secret") {
			t.Errorf("%s %s", first.Body, again.Body)
		}
	}
	all := b.want(200, "GET", at, "")
	if text := all.Body.String(); len(all.body["data"].([]any)) != 3 || strings.Contains(text, "push.example") || strings.Contains(text, "0a0a") {
		t.Errorf("devices: %s", text)
	}
	if log := b.log.String(); strings.Contains(log, "push.example") {
		t.Error("an address is in the log")
	}

	// The buyer opens the link in the seller's browser.
	mine := b.wantAs(201, v.token, "POST", "/invitation/devices", browsers)
	if all := b.want(200, "GET", at, ""); len(all.body["data"].([]any)) != 2 {
		t.Errorf("a browser that has moved is still there: %s", all.Body)
	}
	own := b.want(200, "GET", "/buyers/"+v.buyer+"/devices", "")
	if !strings.Contains(own.Body.String(), mine.str("id")) {
		t.Errorf("the buyer's: %s", own.Body)
	}
	if a := b.wantAs(200, v.token, "GET", "/invitation/devices", ""); !strings.Contains(a.Body.String(), mine.str("id")) {
		t.Errorf("by the link: %s", a.Body)
	}
	b.wantAs(404, v.secret, "DELETE", at+"/"+mine.str("id"), "")
	b.wantAs(204, v.token, "DELETE", "/invitation/devices/"+mine.str("id"), "")
	b.wantAs(404, v.token, "DELETE", "/invitation/devices/"+mine.str("id"), "")

	if p := b.want(200, "GET", "/push", ""); p.str("webpush_key") != "BKey" || len(p.body["platforms"].([]any)) != 4 {
		t.Errorf("push: %s", p.Body)
	}
	if i := b.wantAs(200, v.token, "GET", "/invitation", ""); i.str("webpush_key") != "BKey" {
		t.Errorf("invitation: %s", i.Body)
	}
	seller := b.want(201, "POST", "/conferences/"+v.conference+"/links", `{"role": "seller"}`).str("token")
	b.wantAs(403, seller, "POST", "/invitation/devices", browsers)
	b.want(204, "DELETE", "/conferences/"+v.conference+"/links/"+v.link, "")
	b.wantAs(401, v.token, "POST", "/invitation/devices", browsers)
}

func TestBadDevices(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	at := "/buyers/" + v.buyer + "/devices"
	for body, field := range map[string]string{
		`{}`:                      "platform",
		`{"platform": "gcm"}`:     "platform",
		`{"platform": "fcm"}`:     "token",
		`{"platform": "webpush"}`: "subscription",
		`{"platform": "fcm", "token": "token-token", "fid": "fid-fid-fid"}`: "fid",
		`{"platform": "apns", "token": "not-hex"}`:                          "token",
		`{"platform": "fcm", "token": "token-token", "language": "xx"}`:     "language",
		strings.Replace(browsers, "https:", "http:", 1):                     "subscription",
		strings.Replace(browsers, "BCVx", "ACVx", 1):                        "subscription",
		strings.Replace(browsers, "BTBZ", "BT", 1):                          "subscription",
		strings.Replace(browsers, `"app"`, `"token": "x", "app"`, 1):        "subscription",
		strings.Replace(browsers, `"app"`, `"colour": "x", "app"`, 1):       "colour",
	} {
		if a := b.want(422, "POST", at, body); a.str("field") != field {
			t.Errorf("%s: %s, want %s", body, a.Body, field)
		}
	}
	b.config.Platforms = []call.Platform{call.PlatformWebPush}
	b.restart()
	if a := b.want(422, "POST", at, `{"platform": "fcm", "token": "token-token"}`); a.str("field") != "platform" || !strings.Contains(a.str("detail"), "not set up") {
		t.Errorf("%s", a.Body)
	}
	b.want(404, "POST", "/buyers/buy_unknown/devices", browsers)
	b.want(404, "GET", "/sellers/sell_unknown/devices", "")
}
