package push

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"showroom/call"
)

// APNsConfig is what Apple gives a developer.
type APNsConfig struct {
	Key        []byte // PEM of the .p8 file
	KeyID      string // ten characters
	Team       string // ten characters
	Topic      string // the app's bundle id
	URL        string // https://api.push.apple.com
	SandboxURL string // https://api.sandbox.push.apple.com
}

// APNs is Apple's push service: HTTP/2 with a token of ours.
type APNs struct {
	config APNsConfig
	key    *ecdsa.PrivateKey
	client *http.Client
	now    func() time.Time

	mu     sync.Mutex
	token  string
	issued time.Time
}

const (
	apnsTokenAge    = 50 * time.Minute // Apple refuses tokens older than an hour
	apnsTokenLeast  = 20 * time.Minute // and new ones more often than that
	maxAPNsPayload  = 4096             // bytes
	maxVoIPPayload  = 5120
	pingAfter       = 30 * time.Second // of silence on a connection
	pingTimeout     = 10 * time.Second
	idleConnections = 30 * time.Minute
)

// NewAPNs reads the key. The client is one of [HTTP2Client].
func NewAPNs(c APNsConfig, client *http.Client, now func() time.Time) (*APNs, error) {
	key, err := jwt.ParseECPrivateKeyFromPEM(c.Key)
	if err != nil || key.Curve.Params().BitSize != 256 {
		return nil, errors.New("the key is not the .p8 file of an APNs key")
	}
	if c.KeyID == "" || c.Team == "" || c.Topic == "" {
		return nil, errors.New("key id, team and topic are needed")
	}
	return &APNs{config: c, key: key, client: client, now: now}, nil
}

// HTTP2Client speaks HTTP/2 only, and finds out when a connection that is kept open has died.
func HTTP2Client(config *tls.Config) *http.Client {
	var only http.Protocols
	only.SetHTTP2(true)
	return &http.Client{Transport: &http.Transport{
		Protocols: &only, TLSClientConfig: config, TLSHandshakeTimeout: requestTimeout, IdleConnTimeout: idleConnections, Proxy: http.ProxyFromEnvironment,
		HTTP2: &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}}
}

// Send implements [Service].
func (a *APNs) Send(ctx context.Context, d call.Device, m Message) error {
	r, err := a.request(d, m)
	if err != nil {
		return &Error{Verdict: Refused, Service: "apns", Reason: err.Error()}
	}
	token, err := a.authorization()
	if err != nil {
		return &Error{Verdict: Refused, Service: "apns", Reason: err.Error()}
	}
	r.Header.Set("Authorization", "bearer "+token)
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	said, err := exchange(a.client, r.WithContext(ctx))
	if err != nil {
		return unanswered("apns", err)
	}
	if said.status == http.StatusOK {
		return nil
	}
	return a.failure(d, said, token)
}

// request is one as the service wants it, without a token.
func (a *APNs) request(d call.Device, m Message) (*http.Request, error) {
	kind, topic, limit, expires := "alert", a.config.Topic, maxAPNsPayload, m.Until.Unix()
	payload := map[string]any{}
	for k, v := range m.fields() {
		payload[k] = v
	}
	if d.Platform == call.PlatformAPNsVoIP {
		// A call that reaches the phone late rings for nobody: it is tried once.
		kind, topic, limit, expires = "voip", topic+".voip", maxVoIPPayload, 0
		payload["aps"], payload["title"], payload["body"] = map[string]any{}, m.Title, m.Body
	} else {
		aps := map[string]any{"alert": map[string]string{"title": m.Title, "body": m.Body}, "sound": "default"}
		if m.Urgent || m.Ring {
			aps["interruption-level"] = "time-sensitive"
		}
		payload["aps"] = aps
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	if len(body) > limit {
		return nil, fmt.Errorf("the message has %d bytes, which is more than %d", len(body), limit)
	}
	base := a.config.URL
	if d.Sandbox {
		base = a.config.SandboxURL
	}
	r, err := http.NewRequest(http.MethodPost, strings.TrimRight(base, "/")+"/3/device/"+d.Token, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("its address is none")
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Apns-Topic": topic, "Apns-Push-Type": kind, "Apns-Priority": "10", "Apns-Expiration": strconv.FormatInt(expires, 10),
		"Apns-Id": apnsID(d, m), "Apns-Collapse-Id": m.collapse(),
	} {
		r.Header.Set(name, value)
	}
	return r, nil
}

// apnsID is a UUID (version 8, RFC 9562) that a message has at each try, to a device.
func apnsID(d call.Device, m Message) string {
	sum := sha256.Sum256([]byte(m.ID + "\x00" + d.ID))
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x80, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// authorization is a token that is neither too old nor newer than need be.
func (a *APNs) authorization() (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	if age := now.Sub(a.issued); a.token != "" && age < apnsTokenAge && age >= 0 {
		return a.token, nil
	}
	t := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": a.config.Team, "iat": now.Unix()})
	t.Header["kid"] = a.config.KeyID
	delete(t.Header, "typ") // Apple's has none
	signed, err := t.SignedString(a.key)
	if err != nil {
		return "", errors.New("the token could not be signed")
	}
	a.token, a.issued = signed, now
	return signed, nil
}

// expire gives up a token that the service finds too old, unless it is too young for that: then the clocks differ.
func (a *APNs) expire(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token == token && a.now().Sub(a.issued) >= apnsTokenLeast {
		a.token = ""
	}
}

// failure is what an answer other than 200 means.
func (a *APNs) failure(d call.Device, from answer, token string) *Error {
	var said struct {
		Reason    string `json:"reason"`
		Timestamp int64  `json:"timestamp"` // ms
	}
	_ = json.Unmarshal(from.text, &said) // a proxy's page says nothing
	e := &Error{Verdict: Refused, Service: "apns", Status: from.status, Reason: orStatus(said.Reason, from.status), Scope: serviceScope(d)}
	switch {
	case from.status == http.StatusGone:
		e.Verdict = Gone
		if said.Timestamp > 0 {
			e.Since = time.UnixMilli(said.Timestamp)
		}
	case said.Reason == "BadDeviceToken":
		e.Verdict = Gone
	case said.Reason == "ExpiredProviderToken":
		a.expire(token)
		e.Verdict = Later
	case said.Reason == "TooManyRequests": // of one device
		e.Scope = deviceScope(d)
		fallthrough
	case temporary(from.status):
		e.Verdict, e.After = Later, retryAfter(from.header, a.now())
	}
	return e
}
