package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"showroom/call"
)

// apple stands in for APNs: HTTP/2 over TLS, and it takes a request only if all of it is right.
type apple struct {
	*httptest.Server
	key *ecdsa.PublicKey

	mu     sync.Mutex
	now    time.Time
	taken  []appleRequest
	tokens map[string]bool
	conns  map[string]bool
}

type appleRequest struct {
	header http.Header
	body   map[string]any
}

const bundle = "example.cars.showroom"

func newApple(t *testing.T) (*apple, *APNs) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &apple{key: &key.PublicKey, now: noon, tokens: map[string]bool{}, conns: map[string]bool{}}
	a.Server = httptest.NewUnstartedServer(a)
	a.EnableHTTP2 = true
	a.StartTLS()
	t.Cleanup(a.Close)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	client := HTTP2Client(&tls.Config{RootCAs: roots})
	t.Cleanup(client.CloseIdleConnections)
	s, err := NewAPNs(APNsConfig{Key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), KeyID: "ABC123DEFG", Team: "DEF123GHIJ", Topic: bundle,
		URL: "https://unused.invalid", SandboxURL: a.URL}, client, a.clock)
	if err != nil {
		t.Fatal(err)
	}
	return a, s
}

func (a *apple) clock() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

func (a *apple) advance(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = a.now.Add(d)
}

var (
	devicePath = regexp.MustCompile(`^/3/device/([0-9a-f]{64})$`)
	uuid       = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
)

func (a *apple) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := a.clock()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conns[r.RemoteAddr] = true
	fail := func(status int, reason string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"reason":%q}`, reason)
	}
	h := r.Header
	path := devicePath.FindStringSubmatch(r.URL.Path)
	voip := h.Get("apns-push-type") == "voip"
	topic := map[bool]string{false: bundle, true: bundle + ".voip"}[voip]
	body, _ := io.ReadAll(r.Body)
	in := appleRequest{header: h}
	switch text, isBearer := strings.CutPrefix(h.Get("authorization"), "bearer "); {
	case r.ProtoMajor != 2 || r.Method != http.MethodPost:
		fail(405, "MethodNotAllowed")
	case path == nil:
		fail(400, "BadDeviceToken")
	case !isBearer:
		fail(403, "MissingProviderToken")
	case a.check(text, now) != nil:
		fail(403, a.check(text, now).Error())
	case h.Get("apns-topic") != topic:
		fail(400, "BadTopic")
	case !voip && h.Get("apns-push-type") != "alert":
		fail(400, "InvalidPushType")
	case h.Get("apns-priority") != "10":
		fail(400, "BadPriority")
	case !uuid.MatchString(h.Get("apns-id")):
		fail(400, "BadMessageId")
	case len(h.Get("apns-collapse-id")) > 64:
		fail(400, "BadCollapseId")
	case json.Unmarshal(body, &in.body) != nil || in.body["aps"] == nil:
		fail(400, "PayloadEmpty")
	case path[1][0] == 'd':
		w.WriteHeader(410)
		fmt.Fprintf(w, `{"reason":"Unregistered","timestamp":%d}`, noon.UnixMilli())
	case path[1][0] == 'b':
		fail(400, "BadDeviceToken")
	case path[1][0] == 'f':
		h := w.Header()
		h.Set("Retry-After", "12")
		fail(503, "ServiceUnavailable")
	case path[1][0] == 'e':
		w.Header().Set("Retry-After", "7")
		fail(429, "TooManyRequests")
	default:
		a.tokens[text] = true
		a.taken = append(a.taken, in)
		w.Header().Set("apns-id", h.Get("apns-id"))
	}
}

// check holds a provider token against the rules; the error is Apple's word.
func (a *apple) check(text string, now time.Time) error {
	t, err := jwt.Parse(text, func(*jwt.Token) (any, error) { return a.key, nil }, jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer("DEF123GHIJ"), jwt.WithTimeFunc(func() time.Time { return now }))
	if err != nil || t.Header["kid"] != "ABC123DEFG" {
		return fmt.Errorf("InvalidProviderToken")
	}
	if at, err := t.Claims.GetIssuedAt(); err != nil || now.Sub(at.Time) > time.Hour {
		return fmt.Errorf("ExpiredProviderToken")
	}
	return nil
}

func iPhone(p call.Platform, digit string) call.Device {
	return call.Device{ID: "dev_1", Platform: p, Address: call.Address{Token: strings.Repeat(digit, 64), Sandbox: true}}
}

func TestAPNsMessages(t *testing.T) {
	a, s := newApple(t)
	if err := s.Send(t.Context(), iPhone(call.PlatformAPNs, "1"), waitingMessage(noon.Add(15*time.Minute))); err != nil {
		t.Fatal(err)
	}
	for range 2 { // once more, as after a lost answer
		if err := s.Send(t.Context(), iPhone(call.PlatformAPNsVoIP, "2"), ring(noon.Add(30*time.Second))); err != nil {
			t.Fatal(err)
		}
	}
	alert, voip, again := a.taken[0], a.taken[1], a.taken[2]
	aps := alert.body["aps"].(map[string]any)
	if aps["alert"].(map[string]any)["title"] != "Bruno is here" || aps["interruption-level"] != "time-sensitive" || alert.body["conference"] != "conf_1" ||
		alert.header.Get("apns-expiration") != fmt.Sprint(noon.Add(15*time.Minute).Unix()) {
		t.Errorf("alert: %v", alert)
	}
	if len(voip.body["aps"].(map[string]any)) != 0 || voip.body["call"] != "call_1" || voip.header.Get("apns-expiration") != "0" {
		t.Errorf("call: %v", voip)
	}
	if voip.header.Get("apns-id") != again.header.Get("apns-id") || voip.header.Get("apns-collapse-id") != again.header.Get("apns-collapse-id") {
		t.Error("a repetition has other ids")
	}
	if strings.Contains(fmt.Sprint(a.taken), "join#secret") {
		t.Error("the access link went out to Apple")
	}
	if len(a.conns) != 1 || len(a.tokens) != 1 {
		t.Errorf("%d connections, %d provider tokens for three messages", len(a.conns), len(a.tokens))
	}
	a.advance(51 * time.Minute)
	if err := s.Send(t.Context(), iPhone(call.PlatformAPNs, "1"), ring(noon.Add(time.Hour))); err != nil || len(a.tokens) != 2 {
		t.Errorf("%v with %d provider tokens after 51 minutes", err, len(a.tokens))
	}
}

func TestAPNsVerdicts(t *testing.T) {
	a, s := newApple(t)
	for _, tt := range []struct {
		digit   string
		verdict Verdict
		word    string
		after   time.Duration
		scope   string
	}{
		{"d", Gone, "Unregistered", 0, "apns"}, {"b", Gone, "BadDeviceToken", 0, "apns"}, {"f", Later, "ServiceUnavailable", 12 * time.Second, "apns"},
		{"e", Later, "TooManyRequests", 7 * time.Second, "device dev_1"},
	} {
		e := wants(t, s.Send(t.Context(), iPhone(call.PlatformAPNs, tt.digit), waitingMessage(noon)), tt.verdict, tt.word, strings.Repeat(tt.digit, 64))
		if e.After != tt.after || e.Scope != tt.scope {
			t.Errorf("%s: after %s of %q", tt.word, e.After, e.Scope)
		}
		if tt.digit == "d" && !e.Since.Equal(noon) {
			t.Errorf("gone since %s", e.Since)
		}
	}
	long := waitingMessage(noon)
	long.Body = strings.Repeat("x", 4097)
	wants(t, s.Send(t.Context(), iPhone(call.PlatformAPNs, "1"), long), Refused, "more than 4096")

	// A server whose clock is an hour behind Apple's does not ask with token after token.
	s.issued, s.token = noon.Add(-time.Minute), ""
	if _, err := s.authorization(); err != nil {
		t.Fatal(err)
	}
	first := s.token
	a.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(403)
		io.WriteString(w, `{"reason":"ExpiredProviderToken"}`)
	})
	wants(t, s.Send(t.Context(), iPhone(call.PlatformAPNs, "1"), ring(noon)), Later, "ExpiredProviderToken", first)
	if s.token != first {
		t.Error("a new provider token within 20 minutes")
	}
	a.advance(21 * time.Minute)
	wants(t, s.Send(t.Context(), iPhone(call.PlatformAPNs, "1"), ring(noon)), Later, "ExpiredProviderToken")
	if s.token == first {
		t.Error("no new provider token after 20 minutes")
	}
}

// TestAPNsIsHTTP2: a server without it is told from one that works, and neither key nor token is in the error.
func TestAPNsIsHTTP2(t *testing.T) {
	a, s := newApple(t)
	old := httptest.NewTLSServer(a)
	defer old.Close()
	roots := x509.NewCertPool()
	roots.AddCert(old.Certificate())
	s.client = HTTP2Client(&tls.Config{RootCAs: roots})
	s.config.SandboxURL = old.URL
	wants(t, s.Send(t.Context(), iPhone(call.PlatformAPNs, "1"), ring(noon)), Later, "", strings.Repeat("1", 64))
	if _, err := NewAPNs(APNsConfig{Key: []byte("none"), KeyID: "k", Team: "t", Topic: "b"}, nil, time.Now); err == nil {
		t.Error("a key that is none was taken")
	}
}
