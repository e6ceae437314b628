package call_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"showroom/call"
)

// point is a public key of P-256 (RFC 8291, section 5).
var point = call.SubscriptionKey("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")

func TestDeviceCheck(t *testing.T) {
	hex, auth := strings.Repeat("0a", 32), make([]byte, 16)
	web := func(endpoint string) call.Address { return call.Address{Token: endpoint, P256dh: point, Auth: auth} }
	for _, tt := range []struct {
		field string // that is wrong
		d     call.Device
	}{
		{"", call.Device{Platform: call.PlatformFCM, Address: call.Address{Token: "dQw4w9WgXcQ:APA91b-_x"}}},
		{"", call.Device{Platform: call.PlatformFCM, Address: call.Address{Token: "dQw4w9WgXcQ", FID: true}, Language: "pt-BR", App: "Cars 1.0"}},
		{"", call.Device{Platform: call.PlatformAPNs, Address: call.Address{Token: hex, Sandbox: true}}},
		{"", call.Device{Platform: call.PlatformAPNsVoIP, Address: call.Address{Token: hex}}},
		{"", call.Device{Platform: call.PlatformWebPush, Address: web("https://push.example/x")}},
		{"platform", call.Device{Platform: "gcm"}},
		{"language", call.Device{Platform: call.PlatformAPNs, Language: "tlh"}},
		{"app", call.Device{Platform: call.PlatformAPNs, App: strings.Repeat("x", 201)}},
		{"token", call.Device{Platform: call.PlatformFCM}},
		{"token", call.Device{Platform: call.PlatformFCM, Address: call.Address{Token: "with/slashes/in/it"}}},
		{"token", call.Device{Platform: call.PlatformFCM, Address: call.Address{Token: strings.Repeat("x", 4097)}}},
		{"token", call.Device{Platform: call.PlatformAPNs, Address: call.Address{Token: hex + "0"}}},
		{"token", call.Device{Platform: call.PlatformAPNs, Address: call.Address{Token: "../" + hex}}},
		{"fid", call.Device{Platform: call.PlatformAPNs, Address: call.Address{Token: hex, FID: true}}},
		{"sandbox", call.Device{Platform: call.PlatformFCM, Address: call.Address{Token: "dQw4w9WgXcQ", Sandbox: true}}},
		{"subscription", call.Device{Platform: call.PlatformFCM, Address: web("dQw4w9WgXcQ")}},
		{"subscription", call.Device{Platform: call.PlatformWebPush, Address: web("http://push.example/x")}},
		{"subscription", call.Device{Platform: call.PlatformWebPush, Address: web("https://user:secret@push.example/x")}},
		{"subscription", call.Device{Platform: call.PlatformWebPush, Address: call.Address{Token: "https://push.example/x", P256dh: point}}},
		{"subscription", call.Device{Platform: call.PlatformWebPush, Address: call.Address{Token: "https://push.example/x", P256dh: make([]byte, 65), Auth: auth}}},
	} {
		err := tt.d.Check(false)
		var invalid *call.InvalidError
		if tt.field == "" && err != nil || tt.field != "" && (!errors.As(err, &invalid) || invalid.Field != tt.field) {
			t.Errorf("%s %v: %v, want %q", tt.d.Platform, tt.d.App, err, tt.field)
		}
	}
	plain := call.Device{Platform: call.PlatformWebPush, Address: web("http://10.1.2.3/x")}
	if err := plain.Check(true); err != nil {
		t.Errorf("http where it is allowed: %v", err)
	}
}

// TestDeviceIsDiscreet: neither a log nor an error that has a device in it tells its address.
func TestDeviceIsDiscreet(t *testing.T) {
	d := call.Device{ID: "dev_1", Platform: call.PlatformFCM, Address: call.Address{Token: "secret-token"}}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "device", d)
	fmt.Fprintf(&out, "%v %+v %s", d, d, d.Address)
	if text := out.String(); strings.Contains(text, "secret-token") || !strings.Contains(text, "dev_1") {
		t.Error(text)
	}
}

func TestSubscriptionKey(t *testing.T) {
	for text, want := range map[string]string{"-_8": "\xfb\xff", "+/8=": "\xfb\xff", "": "", "a": "", "AA\nAA": "", "AAB": ""} {
		if got := call.SubscriptionKey(text); string(got) != want {
			t.Errorf("%q is %x, want %x", text, got, want)
		}
	}
}

// FuzzDevice holds that what is taken can be sent to: its address makes no other request of the one it is put into.
func FuzzDevice(f *testing.F) {
	f.Add("fcm", "dQw4w9WgXcQ:APA91b", "", "", false)
	f.Add("apns", strings.Repeat("0a", 32), "", "", true)
	f.Add("webpush", "https://push.example/x", base64.RawURLEncoding.EncodeToString(point), "BTBZMqHH6r4Tts7J_aSIgg", false)
	f.Fuzz(func(t *testing.T, platform, token, key, auth string, flag bool) {
		d := call.Device{Platform: call.Platform(platform), Address: call.Address{Token: token, Sandbox: flag, P256dh: call.SubscriptionKey(key), Auth: call.SubscriptionKey(auth)}}
		if d.Check(false) != nil {
			return
		}
		if d.Platform != call.PlatformWebPush && strings.ContainsAny(token, "/?#%\r\n \"") {
			t.Errorf("%s takes %q", platform, token)
		}
		if d.Platform == call.PlatformWebPush && (!strings.HasPrefix(strings.ToLower(token), "https://") || strings.ContainsAny(token, "\r\n")) {
			t.Errorf("a subscription at %q", token)
		}
	})
}
