package push

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
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

// google stands in for the token service and FCM: it takes a request only if all of it is right.
type google struct {
	*httptest.Server
	key *rsa.PublicKey

	mu      sync.Mutex
	tokens  int // given out
	valid   string
	taken   []fcmRequest
	failing http.HandlerFunc // in place of the token service, if there is one
}

type fcmRequest struct {
	Message struct {
		Token        string            `json:"token"`
		FID          string            `json:"fid"`
		Data         map[string]string `json:"data"`
		Notification *struct {
			Title string `json:"title"`
			Body  string `json:"body"`
		} `json:"notification"`
		Android struct {
			Priority     string `json:"priority"`
			TTL          string `json:"ttl"`
			CollapseKey  string `json:"collapse_key"`
			Notification *struct {
				Tag string `json:"tag"`
			} `json:"notification"`
		} `json:"android"`
	} `json:"message"`
}

const clientEmail = "push@calls.iam.gserviceaccount.com"

func newGoogle(t *testing.T) (*google, *FCM) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	g := &google{key: &key.PublicKey}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", g.token)
	mux.HandleFunc("POST /v1/projects/calls-1/messages:send", g.send)
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file, err := json.Marshal(map[string]string{
		"type": "service_account", "project_id": "calls-1", "client_email": clientEmail, "private_key_id": "key1", "token_uri": g.URL + "/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	f, err := NewFCM(file, g.URL, client, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	return g, f
}

// token is RFC 7523, section 2.1.
func (g *google) token(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failing != nil {
		g.failing(w, r)
		return
	}
	t, err := jwt.Parse(r.FormValue("assertion"), func(*jwt.Token) (any, error) { return g.key, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(clientEmail), jwt.WithAudience(g.URL+"/token"), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
	if err == nil && (r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || t.Header["kid"] != "key1" ||
		t.Claims.(jwt.MapClaims)["scope"] != "https://www.googleapis.com/auth/firebase.messaging") {
		err = fmt.Errorf("%v %v", r.Form, t)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"error":"invalid_grant","error_description":%q}`, err)
		return
	}
	g.tokens++
	g.valid = fmt.Sprintf("ya29.secret%d", g.tokens)
	fmt.Fprintf(w, `{"access_token":%q,"expires_in":3599,"token_type":"Bearer"}`, g.valid)
}

var seconds = regexp.MustCompile(`^\d+s$`)

func (g *google) send(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+g.valid {
		fcmFails(w, 401, "UNAUTHENTICATED", "")
		return
	}
	body, _ := io.ReadAll(r.Body)
	var in fcmRequest
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil || (in.Message.Token == "") == (in.Message.FID == "") || !seconds.MatchString(in.Message.Android.TTL) || r.Header.Get("Content-Type") != "application/json" {
		fcmFails(w, 400, "INVALID_ARGUMENT", "INVALID_ARGUMENT")
		return
	}
	switch strings.TrimSuffix(in.Message.Token, "-token") {
	case "unregistered":
		fcmFails(w, 404, "NOT_FOUND", "UNREGISTERED")
	case "busy":
		w.Header().Set("Retry-After", "37")
		fcmFails(w, 503, "UNAVAILABLE", "UNAVAILABLE")
	case "quota":
		w.Header().Set("Retry-After", noon.Add(90*time.Second).Format(http.TimeFormat))
		fcmFails(w, 429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
	case "other-sender":
		fcmFails(w, 403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH")
	case "malformed":
		w.WriteHeader(400)
		io.WriteString(w, `{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":"INVALID_ARGUMENT"},`+
			`{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"message.token","description":"Invalid registration token"}]}]}}`)
	case "proxy":
		w.WriteHeader(404)
		io.WriteString(w, "<html>not here</html>")
	case "cut":
		w.Header().Set("Content-Length", "100")
		panic(http.ErrAbortHandler)
	default:
		g.taken = append(g.taken, in)
		io.WriteString(w, `{"name":"projects/calls-1/messages/1"}`)
	}
}

// fcmFails answers as google.rpc.Status in JSON.
func fcmFails(w http.ResponseWriter, code int, status, errorCode string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"error":{"code":%d,"message":"x","status":%q,"details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":%q}]}}`, code, status, errorCode)
}

func android(token string) call.Device {
	return call.Device{ID: "dev_1", Platform: call.PlatformFCM, Address: call.Address{Token: token + "-token"}}
}

func TestFCMMessages(t *testing.T) {
	g, f := newGoogle(t)
	if err := f.Send(t.Context(), android("good"), waitingMessage(noon.Add(15*time.Minute))); err != nil {
		t.Fatal(err)
	}
	phone := android("good")
	phone.FID = true
	if err := f.Send(t.Context(), phone, ring(noon.Add(30*time.Second))); err != nil {
		t.Fatal(err)
	}
	if g.tokens != 1 {
		t.Errorf("%d access tokens for two messages", g.tokens)
	}
	alert, call := g.taken[0].Message, g.taken[1].Message
	if alert.Notification == nil || alert.Notification.Title != "Bruno is here" || alert.Android.Priority != "high" || alert.Android.TTL != "900s" ||
		alert.Android.Notification.Tag != alert.Android.CollapseKey || alert.Data["conference"] != "conf_1" || alert.Data["kind"] != "waiting" {
		t.Errorf("alert: %+v", alert)
	}
	if call.Notification != nil || call.FID != "good-token" || call.Android.Priority != "high" || call.Android.TTL != "30s" || call.Data["call"] != "call_1" || call.Data["title"] != "Ana" || call.Android.CollapseKey == alert.Android.CollapseKey {
		t.Errorf("a ring is data only: %+v", call)
	}
	if text := fmt.Sprintf("%+v", g.taken); strings.Contains(text, "join#secret") {
		t.Error("the access link went out to Google")
	}
}

func TestFCMVerdicts(t *testing.T) {
	_, f := newGoogle(t)
	for _, tt := range []struct {
		token   string
		verdict Verdict
		word    string
		after   time.Duration
	}{
		{"unregistered", Gone, "UNREGISTERED", 0}, {"malformed", Gone, "INVALID_ARGUMENT", 0}, {"busy", Later, "UNAVAILABLE", 37 * time.Second},
		{"quota", Later, "QUOTA_EXCEEDED", 90 * time.Second}, {"other-sender", Refused, "SENDER_ID_MISMATCH", 0}, {"proxy", Refused, "Not Found", 0}, {"cut", Later, "EOF", 0},
	} {
		t.Run(tt.token, func(t *testing.T) {
			e := wants(t, f.Send(t.Context(), android(tt.token), waitingMessage(noon)), tt.verdict, tt.word, tt.token+"-token", "ya29")
			if e.After != tt.after {
				t.Errorf("after %s, want %s", e.After, tt.after)
			}
		})
	}
}

// TestFCMTokens: a token that holds no more is changed once; the token service's refusal is told by its word.
func TestFCMTokens(t *testing.T) {
	g, f := newGoogle(t)
	if err := f.Send(t.Context(), android("good"), ring(noon)); err != nil {
		t.Fatal(err)
	}
	g.valid = "revoked"
	if err := f.Send(t.Context(), android("good"), ring(noon)); err != nil || g.tokens != 2 {
		t.Errorf("%v with %d tokens", err, g.tokens)
	}
	g.valid = "revoked again"
	g.failing = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(400)
		io.WriteString(w, `{"error":"invalid_grant","error_description":"account gone"}`)
	}
	wants(t, f.Send(t.Context(), android("good"), ring(noon)), Later, "invalid_grant", "account gone")
	g.failing = func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Retry-After", "5"); w.WriteHeader(503) }
	if e := wants(t, f.Send(t.Context(), android("good"), ring(noon)), Later, "503"); e.After != 5*time.Second {
		t.Errorf("after %s", e.After)
	}
}

func TestFCMCredentials(t *testing.T) {
	for _, text := range []string{"", "{}", `{"type":"authorized_user","project_id":"p","client_email":"e","token_uri":"u"}`,
		`{"type":"service_account","project_id":"../p","client_email":"e","token_uri":"u"}`,
		`{"type":"service_account","project_id":"p","client_email":"e","token_uri":"u","private_key":"none"}`} {
		if _, err := NewFCM([]byte(text), "https://fcm.example", nil, time.Now); err == nil {
			t.Errorf("taken: %s", text)
		}
	}
}
