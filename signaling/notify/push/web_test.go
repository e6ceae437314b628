package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"showroom/call"
)

// browser is the receiving side: it decrypts by RFC 8291 and RFC 8188 with the standard library alone.
type browser struct {
	key  *ecdh.PrivateKey
	auth []byte
}

func newBrowser(t *testing.T) browser {
	t.Helper()
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := browser{key, make([]byte, 16)}
	rand.Read(b.auth)
	return b
}

// decrypt reads one record (RFC 8188, section 2; RFC 8291, section 3.4).
func (b browser) decrypt(body []byte) ([]byte, error) {
	if len(body) < 21+65 || body[20] != 65 {
		return nil, errors.New("no header with a key")
	}
	salt, size, sender, sealed := body[:16], binary.BigEndian.Uint32(body[16:]), body[21:21+65], body[21+65:]
	if len(sealed) > int(size) || size > 4096 {
		return nil, fmt.Errorf("a record of %d bytes where %d are said", len(sealed), size)
	}
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	secret, err := b.key.ECDH(public)
	if err != nil {
		return nil, err
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		out, err2 := hkdf.Key(sha256.New, secret, salt, info, n)
		err = errors.Join(err, err2)
		return out
	}
	ikm := derive(secret, b.auth, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(sender), 32)
	key, nonce := derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16), derive(ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nonce, sealed, nil)
	if err != nil {
		return nil, err
	}
	plain = []byte(strings.TrimRight(string(plain), "\x00"))
	if len(plain) == 0 || plain[len(plain)-1] != 2 {
		return nil, errors.New("the last record's delimiter is missing")
	}
	return plain[:len(plain)-1], nil
}

func unbase64(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestBrowserOfTheTest holds what the test decrypts with against RFC 8291, section 5.
func TestBrowserOfTheTest(t *testing.T) {
	key, err := ecdh.P256().NewPrivateKey(unbase64(t, "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
	if err != nil {
		t.Fatal(err)
	}
	b := browser{key, unbase64(t, "BTBZMqHH6r4Tts7J_aSIgg")}
	got, err := b.decrypt(unbase64(t, "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"))
	if err != nil || string(got) != "When I grow up, I want to be a watermelon" {
		t.Errorf("%q, %v", got, err)
	}
}

// pushService stands in for a browser vendor's: it checks what RFC 8030 and 8292 ask for.
type pushService struct {
	*httptest.Server
	public  string // the key of the subscription
	browser browser
	answer  func(http.ResponseWriter)
	taken   []map[string]any
	headers []http.Header
}

var topic = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

func (p *pushService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = p.check(r, body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if p.answer != nil {
		p.answer(w)
		return
	}
	w.Header().Set("Location", p.URL+"/message/1")
	w.WriteHeader(http.StatusCreated)
}

func (p *pushService) check(r *http.Request, body []byte) error {
	var t, k string
	if _, err := fmt.Sscanf(strings.Replace(r.Header.Get("Authorization"), ",", " ", 1), "vapid t=%s k=%s", &t, &k); err != nil || k != p.public {
		return fmt.Errorf("authorization %q: %w", r.Header.Get("Authorization"), err)
	}
	point, err := base64.RawURLEncoding.DecodeString(k)
	if err != nil {
		return fmt.Errorf("key %q: %w", k, err)
	}
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return err
	}
	token, err := jwt.Parse(t, func(*jwt.Token) (any, error) { return key, nil }, jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience(p.URL), jwt.WithExpirationRequired())
	if err != nil {
		return err
	}
	if until, _ := token.Claims.GetExpirationTime(); time.Until(until.Time) > 24*time.Hour {
		return errors.New("the token holds longer than a day")
	}
	if sub, _ := token.Claims.GetSubject(); sub != "mailto:ops@cars.example" {
		return fmt.Errorf("contact %q", sub)
	}
	if r.Header.Get("Content-Encoding") != "aes128gcm" || r.Header.Get("TTL") == "" || !topic.MatchString(r.Header.Get("Topic")) {
		return fmt.Errorf("headers %v", r.Header)
	}
	plain, err := p.browser.decrypt(body)
	if err != nil {
		return err
	}
	var message map[string]any
	if err := json.Unmarshal(plain, &message); err != nil {
		return err
	}
	p.taken, p.headers = append(p.taken, message), append(p.headers, r.Header)
	return nil
}

func newPushService(t *testing.T) (*pushService, *Web, call.Device) {
	t.Helper()
	p := &pushService{browser: newBrowser(t)}
	p.Server = httptest.NewTLSServer(p)
	t.Cleanup(p.Close)
	w := NewWeb([]byte("a seed"), "mailto:ops@cars.example", p.Client(), func() time.Time { return noon })
	p.public = w.PublicKey()
	return p, w, call.Device{ID: "dev_1", Platform: call.PlatformWebPush, Address: call.Address{Token: p.URL + "/wpush/v2/secret", P256dh: p.browser.key.PublicKey().Bytes(), Auth: p.browser.auth}}
}

func TestWebMessages(t *testing.T) {
	p, w, d := newPushService(t)
	if err := w.Send(t.Context(), d, waitingMessage(noon.Add(15*time.Minute))); err != nil {
		t.Fatal(err)
	}
	past := waitingMessage(noon.Add(-time.Minute))
	past.Urgent = false
	if err := w.Send(t.Context(), d, past); err != nil {
		t.Fatal(err)
	}
	m, h := p.taken[0], p.headers[0]
	if m["title"] != "Bruno is here" || m["url"] != "https://calls.example/join#secret" || m["urgent"] != true || m["tag"] != h.Get("Topic") ||
		h.Get("TTL") != "900" || h.Get("Urgency") != "high" {
		t.Errorf("%v %v", m, h)
	}
	if h := p.headers[1]; h.Get("TTL") != "0" || h.Get("Urgency") != "normal" || h.Get("Topic") != p.headers[0].Get("Topic") {
		t.Errorf("%v", h)
	}
	if again := NewWeb([]byte("a seed"), "", nil, time.Now); again.PublicKey() != w.PublicKey() {
		t.Error("the key changes with the process")
	}
}

func TestWebVerdicts(t *testing.T) {
	p, w, d := newPushService(t)
	for _, tt := range []struct {
		status  int
		header  string
		verdict Verdict
		after   time.Duration
	}{
		{404, "", Gone, 0}, {410, "", Gone, 0}, {413, "", Refused, 0}, {403, "", Refused, 0}, {302, "", Refused, 0}, {429, "60", Later, time.Minute}, {503, "999999", Later, time.Hour}, {500, "soon", Later, 0},
	} {
		p.answer = func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", tt.header)
			w.WriteHeader(tt.status)
		}
		if e := wants(t, w.Send(t.Context(), d, waitingMessage(noon)), tt.verdict, fmt.Sprint(tt.status), "wpush", "secret"); e.After != tt.after {
			t.Errorf("%d: after %s", tt.status, e.After)
		}
	}
	long := waitingMessage(noon)
	long.Body = strings.Repeat("x", 4000)
	wants(t, w.Send(t.Context(), d, long), Refused, "too long")
	p.Close()
	wants(t, w.Send(t.Context(), d, waitingMessage(noon)), Later, "refused", "wpush", "secret")
}
