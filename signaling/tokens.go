package signaling

import (
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"showroom/call"
)

const (
	tokenIssuer   = "showroom"
	tokenAudience = "join"
	tokenLeeway   = 60 * time.Second // of clocks that differ
	maxToken      = 4 << 10          // bytes
	minKey        = 32               // bytes: HS256 wants no less, RFC 7518 §3.2
)

// Key signs access links' tokens.
type Key struct {
	ID     string // the token's kid
	Secret []byte // 32 bytes or more
}

// Tokens makes and checks the tokens of access links: JWT by HMAC-SHA256 and nothing else. Safe for concurrent use.
type Tokens struct {
	signer Key
	keys   map[string][]byte
}

// NewTokens signs with the first key and accepts all of them, so that keys can be changed while links are out.
func NewTokens(keys []Key) (*Tokens, error) {
	if len(keys) == 0 {
		return nil, errors.New("tokens: no key")
	}
	t := &Tokens{signer: keys[0], keys: map[string][]byte{}}
	for _, k := range keys {
		switch _, taken := t.keys[k.ID]; {
		case k.ID == "":
			return nil, errors.New("tokens: a key has no ID")
		case taken:
			return nil, fmt.Errorf("tokens: two keys are called %q", k.ID)
		case len(k.Secret) < minKey:
			return nil, fmt.Errorf("tokens: key %q has %d bytes, at least %d are needed", k.ID, len(k.Secret), minKey)
		}
		t.keys[k.ID] = k.Secret
	}
	return t, nil
}

type claims struct {
	jwt.RegisteredClaims           // sub is the participant, jti the link
	Conference           string    `json:"conf"`
	Role                 call.Role `json:"role"`
}

// Issue makes the token of a pass. It says no more than the pass; whether the link holds is asked of the log at each join.
func (t *Tokens) Issue(p call.Pass) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: tokenIssuer, Audience: jwt.ClaimStrings{tokenAudience}, Subject: p.Participant, ID: p.Link,
			ExpiresAt: jwt.NewNumericDate(p.Expires),
		},
		Conference: p.Conference, Role: p.Role,
	})
	token.Header["kid"] = t.signer.ID
	signed, err := token.SignedString(t.signer.Secret)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed, nil
}

// Verify reads a token. The error is [call.ErrExpired] for one of ours that is too old and [call.ErrPass] for everything else.
func (t *Tokens) Verify(token string, now time.Time) (call.Pass, error) {
	if len(token) > maxToken {
		return call.Pass{}, fmt.Errorf("%w: %d bytes long", call.ErrPass, len(token))
	}
	var c claims
	parsed, err := jwt.ParseWithClaims(token, &c, t.key,
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Name}), jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(), jwt.WithLeeway(tokenLeeway), jwt.WithTimeFunc(func() time.Time { return now }),
		jwt.WithIssuer(tokenIssuer), jwt.WithAudience(tokenAudience))
	switch {
	case onlyExpired(err):
		return call.Pass{}, call.ErrExpired
	case err != nil:
		return call.Pass{}, fmt.Errorf("%w: %w", call.ErrPass, err)
	case parsed.Header["crit"] != nil: // an extension that must be understood, RFC 7515 §4.1.11: we know none
		return call.Pass{}, fmt.Errorf("%w: critical header", call.ErrPass)
	case len(c.Audience) != 1:
		return call.Pass{}, fmt.Errorf("%w: for several audiences", call.ErrPass)
	}
	p := call.Pass{Conference: c.Conference, Link: c.ID, Participant: c.Subject, Role: c.Role, Expires: c.ExpiresAt.Time}
	if err := checkPass(p); err != nil {
		return call.Pass{}, err
	}
	return p, nil
}

// key is looked up in our own map and nowhere else, whatever the header says.
func (t *Tokens) key(token *jwt.Token) (any, error) {
	id, ok := token.Header["kid"].(string)
	secret, known := t.keys[id]
	if !ok || !known {
		return nil, errors.New("unknown key")
	}
	return secret, nil
}

// onlyExpired says that nothing but its age is wrong with the token, the signature included.
func onlyExpired(err error) bool {
	if !errors.Is(err, jwt.ErrTokenExpired) {
		return false
	}
	for _, other := range []error{
		jwt.ErrTokenMalformed, jwt.ErrTokenUnverifiable, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenRequiredClaimMissing,
		jwt.ErrTokenInvalidAudience, jwt.ErrTokenInvalidIssuer, jwt.ErrTokenNotValidYet, jwt.ErrInvalidType,
	} {
		if errors.Is(err, other) {
			return false
		}
	}
	return true
}

func checkPass(p call.Pass) error {
	for _, id := range []string{p.Conference, p.Link, p.Participant} {
		if id == "" || len(id) > 128 {
			return fmt.Errorf("%w: an id is missing or too long", call.ErrPass)
		}
	}
	switch p.Role {
	case call.RoleSeller, call.RoleBuyer, call.RoleGuest:
		return nil
	}
	return fmt.Errorf("%w: unknown role", call.ErrPass)
}
