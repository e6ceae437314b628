package push

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/jwt"

	"showroom/call"
)

const fcmScope = "https://www.googleapis.com/auth/firebase.messaging"

// FCM is Firebase Cloud Messaging, HTTP v1.
type FCM struct {
	url    string // of messages:send
	signer *jwt.Config
	client *http.Client
	now    func() time.Time

	mu     sync.Mutex
	tokens oauth2.TokenSource // caches; another one after a 401
}

// serviceAccount is the key file of one, as Google's console gives it.
type serviceAccount struct {
	Type     string `json:"type"`
	Project  string `json:"project_id"`
	Email    string `json:"client_email"`
	Key      string `json:"private_key"`
	KeyID    string `json:"private_key_id"`
	TokenURI string `json:"token_uri"`
}

// NewFCM reads a service account's key file. base is the service's address, https://fcm.googleapis.com.
func NewFCM(credentials []byte, base string, client *http.Client, now func() time.Time) (*FCM, error) {
	var a serviceAccount
	if err := json.Unmarshal(credentials, &a); err != nil {
		return nil, errors.New("the credentials are not the JSON key file of a service account")
	}
	if a.Type != "service_account" || !projectID.MatchString(a.Project) || a.Email == "" || a.TokenURI == "" {
		return nil, errors.New("the credentials are not of a service account: type, project_id, client_email and token_uri are needed")
	}
	block, _ := pem.Decode([]byte(a.Key))
	if block == nil {
		return nil, errors.New("the credentials' private_key is not PEM")
	}
	if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err != nil {
		return nil, errors.New("the credentials' private_key is not a PKCS #8 key")
	}
	f := &FCM{
		url:    strings.TrimRight(base, "/") + "/v1/projects/" + a.Project + "/messages:send",
		signer: &jwt.Config{Email: a.Email, PrivateKey: []byte(a.Key), PrivateKeyID: a.KeyID, Scopes: []string{fcmScope}, TokenURL: a.TokenURI},
		client: client, now: now,
	}
	f.renew(nil)
	return f, nil
}

var projectID = regexp.MustCompile(`^[a-z0-9.:-]{1,100}$`)

// renew forgets the cached token, if it is still the one of that source.
func (f *FCM) renew(old oauth2.TokenSource) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tokens == old {
		ctx := context.WithValue(context.Background(), oauth2.HTTPClient, f.client)
		f.tokens = f.signer.TokenSource(ctx)
	}
}

func (f *FCM) source() oauth2.TokenSource {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tokens
}

// Send implements [Service].
func (f *FCM) Send(ctx context.Context, d call.Device, m Message) error {
	body, err := json.Marshal(map[string]any{"message": f.message(d, m)})
	if err != nil {
		return &Error{Verdict: Refused, Service: "fcm", Reason: err.Error()}
	}
	source := f.source()
	status, err := f.post(ctx, source, d, body)
	if status == http.StatusUnauthorized { // the token was revoked or the clocks differ
		f.renew(source)
		_, err = f.post(ctx, f.source(), d, body)
	}
	return err
}

// message is one as the service wants it. A ring has data only: with a notification Android would show that, and not wake the app.
func (f *FCM) message(d call.Device, m Message) map[string]any {
	android := map[string]any{"priority": "normal", "ttl": fmt.Sprintf("%ds", m.ttl(f.now())/time.Second), "collapse_key": m.collapse()}
	if m.Urgent || m.Ring {
		android["priority"] = "high"
	}
	data := m.fields()
	message := map[string]any{"data": data, "android": android}
	if m.Ring {
		data["title"], data["body"] = m.Title, m.Body
	} else {
		message["notification"] = map[string]string{"title": m.Title, "body": m.Body}
		android["notification"] = map[string]string{"tag": m.collapse()}
	}
	target := "token"
	if d.FID {
		target = "fid"
	}
	message[target] = d.Token
	return message
}

func (f *FCM) post(ctx context.Context, source oauth2.TokenSource, d call.Device, body []byte) (status int, err error) {
	token, err := source.Token()
	if err != nil {
		return 0, tokenError(err, f.now())
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(body))
	if err != nil {
		return 0, &Error{Verdict: Refused, Service: "fcm", Reason: "its address is none"}
	}
	r.Header.Set("Content-Type", "application/json")
	token.SetAuthHeader(r)
	said, err := exchange(f.client, r)
	if err != nil {
		return 0, unanswered("fcm", err)
	}
	if said.status == http.StatusOK {
		return said.status, nil
	}
	return said.status, f.failure(d, said)
}

// fcmError is google.rpc.Status with the details that matter here.
type fcmError struct {
	Error struct {
		Status  string `json:"status"`
		Details []struct {
			ErrorCode       string `json:"errorCode"` // of google.firebase.fcm.v1.FcmError
			FieldViolations []struct {
				Field string `json:"field"`
			} `json:"fieldViolations"` // of google.rpc.BadRequest
		} `json:"details"`
	} `json:"error"`
}

// failure is what an answer other than 200 means.
func (f *FCM) failure(d call.Device, from answer) *Error {
	var said fcmError
	_ = json.Unmarshal(from.text, &said) // a proxy's page says nothing
	e := &Error{Verdict: Refused, Service: "fcm", Status: from.status, Reason: said.Error.Status, Scope: serviceScope(d)}
	for _, detail := range said.Error.Details {
		if detail.ErrorCode != "" {
			e.Reason = detail.ErrorCode
		}
		for _, v := range detail.FieldViolations {
			if v.Field == "message.token" || v.Field == "message.fid" {
				e.Verdict = Gone
			}
		}
	}
	switch {
	case e.Reason == "UNREGISTERED", e.Reason == "NOT_FOUND":
		e.Verdict = Gone
	case temporary(from.status), from.status == http.StatusUnauthorized:
		e.Verdict, e.After = Later, retryAfter(from.header, f.now())
	}
	e.Reason = orStatus(e.Reason, from.status)
	return e
}

// tokenError is why there is no access token. It tells the service's word and not what it answered otherwise.
func tokenError(err error, now time.Time) *Error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return unanswered("fcm's token service", err)
	}
	var said struct {
		Error string `json:"error"`
	}
	_ = json.Unmarshal(refused.Body, &said) // a proxy's page says nothing
	return &Error{Verdict: Later, Service: "fcm's token service", Status: refused.Response.StatusCode, Reason: orStatus(said.Error, refused.Response.StatusCode),
		After: retryAfter(refused.Response.Header, now), Scope: string(call.PlatformFCM)}
}
