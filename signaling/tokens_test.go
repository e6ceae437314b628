package signaling

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"showroom/call"
)

var (
	testKey  = Key{ID: "k1", Secret: bytes.Repeat([]byte{7}, 32)}
	testTime = time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
	testPass = call.Pass{Conference: "conf_1", Link: "link_1", Participant: "buyer", Role: call.RoleBuyer, Expires: testTime.Add(time.Hour)}
)

func testTokens(t testing.TB, keys ...Key) *Tokens {
	t.Helper()
	tokens, err := NewTokens(append([]Key{testKey}, keys...))
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestTokenRoundTrip(t *testing.T) {
	old := Key{ID: "k0", Secret: bytes.Repeat([]byte{1}, 32)}
	before, err := NewTokens([]Key{old})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := before.Issue(testPass)
	if err != nil {
		t.Fatal(err)
	}
	tokens := testTokens(t, old)
	pass, err := tokens.Verify(issued, testTime)
	if err != nil || !pass.Expires.Equal(testPass.Expires) {
		t.Fatalf("after a change of keys: %+v, %v", pass, err)
	}
	pass.Expires = testPass.Expires
	if pass != testPass {
		t.Fatalf("got %+v, want %+v", pass, testPass)
	}
	for _, c := range []struct {
		after time.Duration
		want  error
	}{{time.Hour + 59*time.Second, nil}, {time.Hour + 61*time.Second, call.ErrExpired}, {1000 * time.Hour, call.ErrExpired}} {
		if _, err := tokens.Verify(issued, testTime.Add(c.after)); !errors.Is(err, c.want) {
			t.Errorf("after %v: %v, want %v", c.after, err, c.want)
		}
	}
}

func TestBadKeys(t *testing.T) {
	for name, keys := range map[string][]Key{
		"none": {}, "short": {{ID: "a", Secret: make([]byte, 31)}}, "empty": {{ID: "a"}}, "nameless": {{Secret: make([]byte, 32)}}, "twice": {testKey, testKey},
	} {
		if _, err := NewTokens(keys); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

type object = map[string]any

func goodHeader() object { return object{"alg": "HS256", "typ": "JWT", "kid": "k1"} }

func goodClaims() object {
	return object{"iss": "showroom", "aud": []string{"join"}, "sub": "buyer", "jti": "link_1", "conf": "conf_1", "role": "buyer",
		"exp": testTime.Add(time.Hour).Unix()}
}

func with(o object, k string, v any) object {
	o = maps.Clone(o)
	if v == nil {
		delete(o, k)
	} else {
		o[k] = v
	}
	return o
}

func part(o object) string {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func mac(h func() hash.Hash, key []byte, header, claims object) string {
	signed := part(header) + "." + part(claims)
	m := hmac.New(h, key)
	m.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func hs256(header, claims object) string { return mac(sha256.New, testKey.Secret, header, claims) }

// forged are tokens that must not open anything.
func forged(t testing.TB) map[string]string {
	good := hs256(goodHeader(), goodClaims())
	h, c, s, secret := strings.Split(good, ".")[0], strings.Split(good, ".")[1], strings.Split(good, ".")[2], testKey.Secret
	header := func(k string, v any) string { return hs256(with(goodHeader(), k, v), goodClaims()) }
	claim := func(k string, v any) string { return hs256(goodHeader(), with(goodClaims(), k, v)) }
	lastByte := s[:len(s)-1] + "ABCDEFGHIJKLMNOP"[strings.IndexByte("AEIMQUYcgkosw048", s[len(s)-1]):][:1]
	f := map[string]string{
		"empty": "", "dots": "..", "one part": h, "two parts": h + "." + c, "four parts": good + ".x", "not base64": "!.!.!",
		"alg none, no signature": part(with(goodHeader(), "alg", "none")) + "." + c + ".",
		"alg None":               part(with(goodHeader(), "alg", "None")) + "." + c + ".",
		"alg none, signed":       header("alg", "none"),
		"alg empty":              header("alg", ""),
		"alg missing":            header("alg", nil),
		"alg a number":           header("alg", 256),
		"alg lower case":         header("alg", "hs256"),
		"HS384":                  mac(sha512.New384, secret, with(goodHeader(), "alg", "HS384"), goodClaims()),
		"HS512":                  mac(sha512.New, secret, with(goodHeader(), "alg", "HS512"), goodClaims()),
		"RS256 by name only":     header("alg", "RS256"),
		"RS256":                  signed(t, jwt.SigningMethodRS256, rsaKey(t)),
		"PS256":                  signed(t, jwt.SigningMethodPS256, rsaKey(t)),
		"ES256":                  signed(t, jwt.SigningMethodES256, ecKey(t)),
		"signature cut":          strings.TrimSuffix(good, s),
		"signature short":        good[:len(good)-2],
		"signature's spare bits": h + "." + c + "." + lastByte,
		"signature of zeros":     h + "." + c + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 32)),
		"padded":                 good + "=",
		"white space":            " " + good,
		"claims changed":         h + "." + part(with(goodClaims(), "role", "seller")) + "." + s,
		"empty key":              mac(sha256.New, nil, goodHeader(), goodClaims()),
		"other key":              mac(sha256.New, make([]byte, 32), goodHeader(), goodClaims()),
		"kid unknown":            header("kid", "k2"),
		"kid missing":            header("kid", nil),
		"kid a path":             mac(sha256.New, nil, with(goodHeader(), "kid", "../../dev/null"), goodClaims()),
		"kid SQL":                mac(sha256.New, []byte("x"), with(goodHeader(), "kid", "' UNION SELECT 'x"), goodClaims()),
		"kid a number":           header("kid", 1),
		"kid an object":          header("kid", object{"a": 1}),
		"key in the header":      mac(sha256.New, []byte("mine"), with(with(goodHeader(), "kid", "x"), "jwk", object{"kty": "oct", "k": "bWluZQ"}), goodClaims()),
		"key by address":         mac(sha256.New, []byte("mine"), with(with(goodHeader(), "kid", "x"), "jku", "http://127.0.0.1/"), goodClaims()),
		"critical extension":     header("crit", []string{"b64"}),
		"exp missing":            claim("exp", nil),
		"exp a string":           claim("exp", "2099-01-01"),
		"exp zero":               claim("exp", 0),
		"exp too large":          claim("exp", 1e300),
		"not yet":                claim("nbf", testTime.Add(time.Hour).Unix()),
		"iss missing":            claim("iss", nil),
		"iss other":              claim("iss", "elsewhere"),
		"aud missing":            claim("aud", nil),
		"aud watch":              claim("aud", "watch"),
		"aud two":                claim("aud", []string{"join", "watch"}),
		"aud a number":           claim("aud", 1),
		"role missing":           claim("role", nil),
		"role admin":             claim("role", "admin"),
		"conf missing":           claim("conf", nil),
		"sub missing":            claim("sub", nil),
		"link missing":           claim("jti", nil),
		"conf long":              claim("conf", strings.Repeat("a", 129)),
		"huge":                   claim("x", strings.Repeat("a", 5000)),
		"expired for another":    hs256(goodHeader(), with(with(goodClaims(), "exp", 1), "aud", "watch")),
		"expired, other key":     mac(sha256.New, make([]byte, 32), goodHeader(), with(goodClaims(), "exp", 1)),
	}
	return f
}

func rsaKey(t testing.TB) any {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ecKey(t testing.TB) any {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signed(t testing.TB, m jwt.SigningMethod, key any) string {
	token := jwt.NewWithClaims(m, jwt.MapClaims(goodClaims()))
	token.Header["kid"] = "k1"
	s, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestForgedTokens(t *testing.T) {
	tokens := testTokens(t)
	if _, err := tokens.Verify(hs256(goodHeader(), goodClaims()), testTime); err != nil {
		t.Fatalf("the good one: %v", err)
	}
	all := forged(t)
	if len(all) < 40 {
		t.Fatalf("only %d", len(all))
	}
	for name, token := range all {
		if pass, err := tokens.Verify(token, testTime); !errors.Is(err, call.ErrPass) && !(strings.HasPrefix(name, "exp ") && errors.Is(err, call.ErrExpired)) {
			t.Errorf("%s: %+v, %v", name, pass, err)
		}
	}
}

func FuzzTokens(f *testing.F) {
	for _, token := range forged(f) {
		f.Add(token)
	}
	tokens := testTokens(f)
	good := hs256(goodHeader(), goodClaims())
	f.Fuzz(func(t *testing.T, token string) {
		if pass, err := tokens.Verify(token, testTime); err == nil && token != good {
			t.Fatalf("%q opened %+v", token, pass)
		}
	})
}
