package notify

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"code.dny.dev/ssrf"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"showroom/call"
)

func guarded(t *testing.T, networks ...string) *Webhooks {
	t.Helper()
	g, err := NewGuard(networks)
	if err != nil {
		t.Fatal(err)
	}
	client := g.Client()
	t.Cleanup(client.CloseIdleConnections)
	return &Webhooks{Client: client, Logger: slog.New(slog.DiscardHandler), Now: time.Now}
}

// TestSignatures: an independent implementation of Standard Webhooks takes what we sign, by the new secret and by the old one while it holds.
func TestSignatures(t *testing.T) {
	now := time.Now()
	hook, err := call.AddWebhook("hook_a", call.Endpoint{URL: "http://127.0.0.1/", Events: []string{"*"}}, bytes.Repeat([]byte{1}, 32), 0, true, now)
	if err != nil {
		t.Fatal(err)
	}
	old := hook.Secrets[0].Text()
	hook = hook.Rotate(bytes.Repeat([]byte{2}, 32), now)
	var verified []error
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		for _, secret := range []string{old, hook.Secrets[0].Text(), call.Secret{Key: bytes.Repeat([]byte{3}, 32)}.Text()} {
			oracle, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				t.Error(err)
			}
			verified = append(verified, oracle.Verify(body, r.Header))
		}
		verified = append(verified, json.Unmarshal(body, &struct{}{}))
		if r.Header.Get("Webhook-Id") != "evt_7" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", r.Header)
		}
	}))
	t.Cleanup(s.Close)
	hook.URL = s.URL
	e := call.Event{Seq: 7, Stream: "conf_a", At: now, Body: call.Accepted{}}
	if a := guarded(t, "127.0.0.0/8").deliver(t.Context(), hook, e); a.Error != "" || a.Status != 200 {
		t.Fatalf("attempt %+v", a)
	}
	if verified[0] != nil || verified[1] != nil || verified[2] == nil || verified[3] != nil {
		t.Errorf("old, new, foreign secret, JSON: %v", verified)
	}
}

// TestMessagesToWebhooks: a message goes out with its words; of one that is gone the event is all that there is; and what fails is tried again.
func TestMessagesToWebhooks(t *testing.T) {
	var sent []string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = append(sent, string(body))
	}))
	t.Cleanup(s.Close)
	w := guarded(t, "127.0.0.0/8")
	w.Message = func(_ context.Context, conference, message string) (any, error) {
		switch message {
		case "gone":
			return nil, call.ErrNotFound
		case "unread":
			return nil, errors.New("disk on fire")
		}
		return map[string]string{"text": "words of " + conference}, nil
	}
	hook := call.Webhook{ID: "hook_a", URL: s.URL}
	try := func(message string) call.Attempt {
		return w.deliver(t.Context(), hook, call.Event{Seq: 7, Stream: "conf_a", Body: call.Queued{Message: message, Kind: call.KindReminder}})
	}
	if a := try("there"); a.Error != "" || !strings.Contains(sent[0], "words of conf_a") {
		t.Errorf("%+v, %q", a, sent)
	}
	if a := try("gone"); a.Error != "" || !strings.Contains(sent[1], `"kind":"reminder"`) {
		t.Errorf("%+v, %q", a, sent)
	}
	if a := try("unread"); a.Error != "disk on fire" || len(sent) != 2 || a.Seq != 7 {
		t.Errorf("%+v, %q", a, sent)
	}
}

// TestGuard: none of the addresses that are not public is dialed, and http only in the operator's networks.
func TestGuard(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		if c, err := listener.Accept(); err == nil {
			t.Error("the guard let a connection through")
			c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	closed := guarded(t)
	for _, host := range []string{"127.0.0.1", "localhost", "127.1", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::]", "10.0.0.1", "172.16.0.1", "192.168.0.1",
		"169.254.169.254", "100.64.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "[fe80::1]", "[fc00::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"} {
		for _, scheme := range []string{"https", "http"} {
			_, err := closed.Client.Get(scheme + "://" + host + ":" + port + "/")
			dns := (*net.DNSError)(nil)
			if !errors.Is(err, ssrf.ErrProhibitedIP) && !errors.Is(err, errPlain) && !errors.As(err, &dns) {
				t.Errorf("%s://%s: %v", scheme, host, err)
			}
		}
	}
	if _, err := NewGuard([]string{"10.0.0.1"}); err == nil {
		t.Error("an address passes as a network")
	}
}

// TestAnswers: a redirect is no delivery and is not followed; of a long answer only the beginning is read.
func TestAnswers(t *testing.T) {
	followed := false
	mux := http.NewServeMux()
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/there", func(http.ResponseWriter, *http.Request) { followed = true })
	mux.HandleFunc("/long", func(w http.ResponseWriter, _ *http.Request) {
		for range 1000 {
			if _, err := io.WriteString(w, strings.Repeat("\xffé", 500)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/headers", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X", strings.Repeat("x", 2*maxResponseHeader))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	w := guarded(t, "127.0.0.0/8")
	for path, want := range map[string]string{"/moved": "answered 307 Temporary Redirect", "/long": "", "/headers": "exceeded", "/none": "answered 404 Not Found"} {
		a := w.Test(t.Context(), call.Webhook{ID: "hook_a", URL: s.URL + path})
		if (a.Error == "") != (want == "") || !strings.Contains(a.Error, want) || len(a.Response) > excerptSize {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if followed {
		t.Error("a redirect was followed")
	}
	s.Close()
	if a := w.Test(t.Context(), call.Webhook{ID: "hook_a", URL: s.URL}); !strings.Contains(a.Error, "refused") || strings.Contains(a.Error, "Post ") {
		t.Errorf("nobody there: %q", a.Error)
	}
}

// TestConnectionClosedMeanwhile: that a receiver closed a kept connection is no failure of this delivery.
func TestConnectionClosedMeanwhile(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveOnce(c)
		}
	}()
	w := guarded(t, "127.0.0.0/8")
	for n := range 5 {
		if a := w.Test(t.Context(), call.Webhook{ID: "hook_a", URL: "http://" + l.Addr().String()}); a.Error != "" {
			t.Fatalf("delivery %d: %s", n, a.Error)
		}
	}
}

// serveOnce answers the first request of a connection as if it kept it, and closes it when the second begins.
func serveOnce(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	r, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	if _, err := io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n"); err != nil {
		return
	}
	_, _ = in.Peek(1)
}
