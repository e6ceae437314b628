package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"showroom/call"
	"showroom/store/kv"
)

const (
	secretPrefix = "sk_"
	secretSize   = 20  // random bytes of an API key's secret: 160 bits
	minSecret    = 32  // characters of a secret that was chosen elsewhere
	maxKeyName   = 200 // bytes
)

// CreateKey makes an API key. Its secret is returned and nowhere kept.
func (s *Store) CreateKey(ctx context.Context, name, scope string) (secret string, k call.Key, err error) {
	random := make([]byte, secretSize)
	rand.Read(random) // never fails, see crypto/rand
	secret = secretPrefix + strings.ToLower(base32.StdEncoding.EncodeToString(random))
	if k, err = s.AddKey(ctx, secret, name, scope); err != nil {
		return "", call.Key{}, err
	}
	return secret, k, nil
}

// AddKey lets in the holder of a secret that was made elsewhere, such as in the configuration. The same secret again is the same key.
func (s *Store) AddKey(ctx context.Context, secret, name, scope string) (k call.Key, err error) {
	switch {
	case len(secret) < minSecret:
		return k, call.Invalid("secret", fmt.Sprintf("it needs %d random characters or more", minSecret))
	case strings.TrimSpace(name) == "" || len(name) > maxKeyName:
		return k, call.Invalid("name", fmt.Sprintf("a name of 1 to %d bytes is needed", maxKeyName))
	case !validID(scope):
		return k, call.Invalid("scope", fmt.Sprintf("%q is not a word of a-z, 0-9 and _", scope))
	}
	err = s.update(ctx, func(t tx) error {
		switch err := t.load(digestKey(tableKey, secret), &k); {
		case err == nil:
			return errNothing
		case !errors.Is(err, call.ErrNotFound):
			return err
		}
		k = call.Key{ID: NewID("key_"), Name: name, Scope: scope, CreatedAt: s.clock()}
		return t.save(digestKey(tableKey, secret), k)
	})
	if err != nil {
		return call.Key{}, fmt.Errorf("add API key %s: %w", name, err)
	}
	return k, nil
}

// Key is the API key that has the secret, or call.ErrNotFound. It is looked up by digest: how long that takes tells nothing of the secrets
// that exist.
func (s *Store) Key(ctx context.Context, secret string) (k call.Key, err error) {
	err = s.view(ctx, func(t tx) error { return t.load(digestKey(tableKey, secret), &k) })
	return k, err
}

func digestKey(table, secret string) []byte {
	digest := sha256.Sum256([]byte(secret))
	return append([]byte(table), digest[:]...)
}

// Secret is this installation's secret of that name: size random bytes, made at the first call and the same ever after.
func (s *Store) Secret(ctx context.Context, name string, size int) (secret []byte, err error) {
	if !validID(name) || size < 16 || size > 1024 {
		return nil, fmt.Errorf("secret %q of %d bytes: the name must be of a-z, 0-9 and _, the size 16 to 1024", name, size)
	}
	err = s.update(ctx, func(t tx) error {
		switch kept, err := t.Get(idKey(tableSecret, name)); {
		case err == nil:
			secret = kept
			return errNothing
		case !errors.Is(err, kv.ErrNotFound):
			return err
		}
		secret = make([]byte, size)
		rand.Read(secret) // never fails, see crypto/rand
		return t.Put(idKey(tableSecret, name), secret)
	})
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", name, err)
	}
	if len(secret) != size {
		return nil, fmt.Errorf("secret %s: %d bytes are kept and %d are asked for", name, len(secret), size)
	}
	return secret, nil
}
