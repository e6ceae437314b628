package main

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestPushOfTheProgram: a browser that was registered through the API is told of a new conference, and is forgotten when its service says that it is gone.
func TestPushOfTheProgram(t *testing.T) {
	requests, gone := make(chan http.Header, 16), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests <- r.Header
		select {
		case <-gone:
			w.WriteHeader(http.StatusGone)
		default:
			w.WriteHeader(http.StatusCreated)
		}
	}))
	t.Cleanup(s.Close)
	p := start(t, "demo", "--webhook-networks", "127.0.0.0/8", "--push-contact", "ops@cars.example")
	var buyer, device, conf struct{ ID string }
	p.api("POST", "/buyers", map[string]any{"name": "Bruno"}, &buyer)
	devices := "/buyers/" + buyer.ID + "/devices"
	p.api("POST", devices, map[string]any{"platform": "webpush", "subscription": map[string]any{"endpoint": s.URL + "/secret", "keys": map[string]any{
		"p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4", "auth": "BTBZMqHH6r4Tts7J_aSIgg"}}}, &device)
	schedule := func(start time.Time) {
		t.Helper()
		p.api("POST", "/conferences", map[string]any{"seller": p.newest().Seller.ID, "buyer": buyer.ID, "subject": "Fiat Pulse 2025", "starts_at": start}, &conf)
	}
	schedule(time.Now().Add(48 * time.Hour).UTC())
	select {
	case h := <-requests:
		if h.Get("Content-Encoding") != "aes128gcm" || h.Get("TTL") == "" || !strings.HasPrefix(h.Get("Authorization"), "vapid t=") {
			t.Errorf("pushed with %v", h)
		}
	case <-time.After(within):
		t.Fatal("nothing was pushed")
	}
	type delivery struct{ Channel, State string }
	type message struct {
		Kind       string
		Deliveries []delivery
	}
	p.until("the delivery is in the log", func() bool {
		var messages struct{ Data []message }
		p.api("GET", "/messages?conference="+conf.ID, nil, &messages)
		return slices.ContainsFunc(messages.Data, func(m message) bool {
			return m.Kind == "invitation" && slices.Contains(m.Deliveries, delivery{"push", "sent"})
		})
	})
	close(gone)
	schedule(time.Now().Add(96 * time.Hour).UTC())
	p.until("the device is forgotten", func() bool {
		var left struct{ Data []struct{ ID string } }
		p.api("GET", devices, nil, &left)
		return len(left.Data) == 0
	})
	var log struct {
		Data []struct {
			Type string
			Data struct{ Device, Reason string }
		}
	}
	p.api("GET", "/events?type=device.removed", nil, &log)
	if len(log.Data) != 1 || log.Data[0].Data.Device != device.ID || log.Data[0].Data.Reason != "gone" {
		t.Errorf("the log says %+v", log.Data)
	}
	if strings.Contains(p.log.all(), s.URL+"/secret") {
		t.Error("a device's address is in the server's log")
	}
}

func TestPushSettings(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{{"--push-contact", "nobody"}, {"--apns-key", none}, {"--apns-topic", "x"}, {"--fcm-credentials", none},
		{"--apns-key", none, "--apns-key-id", "K", "--apns-team", "T", "--apns-topic", "x"}} {
		out := newLines()
		code := run(t.Context(), t.Context(), append([]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--media-udp", "127.0.0.1:0", "--media-tcp", "off"}, args...), out, out)
		if text := out.all(); code == 0 || !strings.Contains(text, args[0]) && !strings.Contains(text, "--apns-key") {
			t.Errorf("%v: %d %s", args, code, text)
		}
	}
}
