package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"showroom/call"
	"showroom/signaling/rest/resttest"
	"showroom/store/object"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	fullKey = "sk_full" // of an operator
	crmKey  = "sk_crm"
	readKey = "sk_read"
	oddKey  = "sk_odd" // of a scope that this version does not know

	oddScope = "tomorrow"
)

// bench is the API with a store, a clock that stands still, and a disk.
type bench struct {
	t       *testing.T
	now     time.Time
	store   *memory
	tokens  *tokens
	objects object.Store
	spool   string
	config  Config
	handler http.Handler
	log     *bytes.Buffer
	quiet   bool // not held against the OpenAPI file: it was before
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), spool: t.TempDir(), log: new(bytes.Buffer)}
	clock := func() time.Time { return b.now }
	b.store = newMemory(clock)
	b.store.keys[fullKey] = call.Key{ID: "key_full", Name: "console", Scope: ScopeOperator, CreatedAt: clock()}
	b.store.keys[crmKey] = call.Key{ID: "key_crm", Name: "crm", Scope: ScopeCRM, CreatedAt: clock()}
	b.store.keys[readKey] = call.Key{ID: "key_read", Name: "report", Scope: ScopeRead, CreatedAt: clock()}
	b.store.keys[oddKey] = call.Key{ID: "key_odd", Name: "odd", Scope: oddScope}
	b.tokens = &tokens{passes: map[string]call.Pass{}}
	disk, err := object.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { disk.Close() })
	b.objects = disk
	b.config = Config{
		Store: b.store, Tokens: b.tokens, Objects: disk, Local: b.local, SigningKey: bytes.Repeat([]byte("k"), 32),
		Manifest:  func(context.Context, string) ([]byte, error) { return []byte(`{"version": 1}`), nil },
		Composing: func(string) float64 { return 0.25 },
		PublicURL: "https://meet.example", Log: slog.New(slog.NewTextHandler(b.log, nil)), Now: clock,
		Words:     plain{},
		Sandbox:   &sandboxes{now: &b.now},
		Platforms: call.Platforms, WebPushKey: "BKey",
		TestWebhook: func(context.Context, call.Webhook) call.Attempt { return call.Attempt{Status: 204} },
	}
	b.restart()
	return b
}

// restart makes the handler anew, as a new process would.
func (b *bench) restart() {
	b.t.Helper()
	h, err := New(b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	b.handler = h
}

func (b *bench) local(_, file string) (io.ReadSeekCloser, error) {
	return os.Open(filepath.Join(b.spool, file))
}

// answer is what came back.
type answer struct {
	*httptest.ResponseRecorder
	body map[string]any // of JSON objects
}

func (a answer) code() string { s, _ := a.body["code"].(string); return s }
func (a answer) str(field string) string {
	s, _ := a.body[field].(string)
	return s
}

// ask sends a request; pairs are names and values of headers.
func (b *bench) ask(method, path, credential, body string, pairs ...string) answer {
	b.t.Helper()
	if !strings.HasPrefix(path, "/api") {
		path = base + path
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if credential != "" {
		r.Header.Set("Authorization", "Bearer "+credential)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	a := answer{ResponseRecorder: w}
	if !b.quiet {
		b.hold(r, body, w)
	}
	if strings.HasSuffix(w.Header().Get("Content-Type"), "json") && method != http.MethodHead {
		if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil {
			b.t.Fatalf("%s %s: answer is not a JSON object: %v\n%s", method, path, err, w.Body)
		}
	}
	return a
}

// hold holds an exchange against the OpenAPI file.
func (b *bench) hold(r *http.Request, body string, w *httptest.ResponseRecorder) {
	b.t.Helper()
	c, err := contract()
	if err != nil {
		b.t.Fatal(err)
	}
	if r.URL.Path == documentPath {
		return
	}
	if err := c.Check(resttest.Exchange{Method: r.Method, Target: r.URL.RequestURI(), Header: r.Header, Body: []byte(body),
		Status: w.Code, AnswerHeader: w.Header(), Answer: w.Body.Bytes()}); err != nil {
		b.t.Error(err)
	}
}

// want is ask with the full key, and the status has to be this.
func (b *bench) want(status int, method, path, body string, pairs ...string) answer {
	b.t.Helper()
	return b.wantAs(status, fullKey, method, path, body, pairs...)
}

func (b *bench) wantAs(status int, credential, method, path, body string, pairs ...string) answer {
	b.t.Helper()
	a := b.ask(method, path, credential, body, pairs...)
	if a.Code != status {
		b.t.Fatalf("%s %s %s: status %d, want %d\n%s", method, path, body, a.Code, status, a.Body)
	}
	return a
}

// visit is a conference with everything a test may look at; key is its seller's, id and secret.
type visit struct {
	seller, buyer, conference, link, token, share, watch, file, key, secret, webhook string

	user, email, session, cookie, invite string // of the seller's user
}

const benchPassword = "volta pelo carro"

// benchDigest costs less than one that is made for use.
const benchDigest = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$WnugW9Wh5hdaIp5QtG+9mg"

// signIn makes a user of a role, signed in, and returns the header of their browser.
func (b *bench) signIn(role, seller string) (u call.User, s call.Session, cookie string) {
	b.t.Helper()
	u, err := b.store.AddUser(b.t.Context(), call.User{Email: newID("p") + "@example.com", Name: "Ana Secret", Role: role, Seller: seller})
	if err != nil {
		b.t.Fatal(err)
	}
	b.store.digests[u.ID] = benchDigest
	secret, s, err := b.store.OpenSession(b.t.Context(), u.ID, benchDigest, "192.0.2.1", "Firefox")
	if err != nil {
		b.t.Fatal(err)
	}
	return u, s, b.handler.(*api).cookieName() + "=" + secret
}

const fileText = "0123456789abcdefghijklmnopqrstuvwxyz"

// visit schedules a conference with a buyer's link and one recorded file, which is still on the disk.
func (b *bench) visit() visit {
	b.t.Helper()
	b.quiet = true
	defer func() { b.quiet = false }()
	v := visit{file: "buyer-1.webm"}
	v.seller = b.want(201, "POST", "/sellers", `{"name": "Ana Secret", "monthly_minutes": 100, "time_zone": "America/Sao_Paulo", "language": "pt-BR"}`).str("id")
	v.buyer = b.want(201, "POST", "/buyers", `{"name": "Bruno Secret", "seller": "`+v.seller+`"}`).str("id")
	k := b.want(201, "POST", "/keys", `{"name": "Ana's app", "scope": "seller", "seller": "`+v.seller+`"}`)
	v.key, v.secret = k.str("id"), k.str("secret")
	v.conference = b.want(201, "POST", "/conferences",
		`{"seller": "`+v.seller+`", "buyer": "`+v.buyer+`", "subject": "Secret car", "starts_at": "2026-11-20T12:15:00Z"}`).str("id")
	l := b.want(201, "POST", "/conferences/"+v.conference+"/links", `{"role": "buyer"}`)
	v.link, v.token = l.str("id"), l.str("token")
	s := b.want(201, "POST", "/conferences/"+v.conference+"/recording/links", "")
	v.share = s.str("id")
	_, v.watch, _ = strings.Cut(s.str("url"), "#")
	v.webhook = "hook_" + strings.TrimPrefix(v.conference, "conf_")
	b.store.hooks[v.webhook] = call.Webhook{ID: v.webhook, URL: "https://crm.example/hooks", Events: []string{"*"}}
	u, session, cookie := b.signIn(ScopeSeller, v.seller)
	v.user, v.email, v.session, v.cookie = u.ID, u.Email, session.ID, cookie
	v.invite, _ = b.store.InviteUser(b.t.Context(), u.ID, b.now)
	b.record(v.conference, v.file)
	return v
}

func (b *bench) record(conference, name string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.spool, name), []byte(fileText), 0o600); err != nil {
		b.t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(fileText))
	b.apply(conference, call.FinishFile(call.File{
		Name: name, Participant: "buyer", Role: call.RoleBuyer, Source: "camera", MediaType: "video/webm", Codecs: []string{"vp8", "opus"},
		OriginMS: b.now.UnixMilli(), OffsetMS: 500, DurationMS: 60_000, Size: int64(len(fileText)), SHA256: hex.EncodeToString(sum[:]),
	}))
}

// upload moves the file from the disk into the object store.
func (b *bench) upload(conference, name string) {
	b.t.Helper()
	b.apply(conference, call.StoreFile(name, b.put(conference, name, fileText)))
}

// put is upload without telling the log.
func (b *bench) put(conference, name, text string) (key string) {
	b.t.Helper()
	sum := sha256.Sum256([]byte(text))
	key = "recordings/" + conference + "/" + name
	if _, err := b.objects.Put(b.t.Context(), key, strings.NewReader(text), int64(len(text)), "video/webm", hex.EncodeToString(sum[:])); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(b.spool, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.t.Fatal(err)
	}
	return key
}

func (b *bench) apply(conference string, rules ...call.Rule) {
	b.t.Helper()
	for _, rule := range rules {
		if _, _, err := b.store.Apply(context.Background(), conference, rule); err != nil {
			b.t.Fatal(err)
		}
	}
}

// fileURL is the path and query of the visit's file, as the API gives it.
func (b *bench) fileURL(v visit) string {
	b.t.Helper()
	files, _ := b.want(200, "GET", "/conferences/"+v.conference+"/recording", "").body["files"].([]any)
	for _, f := range files {
		if f := f.(map[string]any); f["name"] == v.file {
			return strings.TrimPrefix(f["url"].(string), "https://meet.example")
		}
	}
	b.t.Fatalf("%s is not in the recording: %v", v.file, files)
	return ""
}

// tokens is what signaling's Tokens do, without the cryptography.
type tokens struct {
	mu     sync.Mutex
	passes map[string]call.Pass
}

func (k *tokens) Issue(p call.Pass) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	token := newID("token.")
	k.passes[token] = p
	return token, nil
}

func (k *tokens) Verify(token string, now time.Time) (call.Pass, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p, ok := k.passes[token]
	switch {
	case !ok:
		return call.Pass{}, call.ErrPass
	case now.After(p.Expires):
		return call.Pass{}, call.ErrExpired
	}
	return p, nil
}

// wantInside lets the buyer knock, so that there is something to end.
func (b *bench) wantInside(v visit) {
	b.t.Helper()
	b.apply(v.conference, call.Arrive(v.link))
}

// wantOver ends the conference, if it is not over.
func (b *bench) wantOver(v visit) {
	b.t.Helper()
	if c := b.want(200, "GET", "/conferences/"+v.conference, ""); c.str("state") == "finished" {
		return
	}
	b.wantInside(v)
	b.want(200, "POST", "/conferences/"+v.conference+"/end", "")
}
