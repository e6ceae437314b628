package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

const (
	secretPrefix = "sk_"
	secretSize   = 20   // random bytes of an API key's secret: 160 bits
	minSecret    = 32   // characters of a secret that was chosen elsewhere
	maxKeyName   = 200  // bytes
	maxKeys      = 1000 // revoked ones included: a script gone wild
)

// keyRecord is an API key with the digests of the secrets that open it.
type keyRecord struct {
	call.Key
	Secrets []secretRef `json:"secrets"`
}

// secretRef is one secret of a key; after a rotation the old one holds until then.
type secretRef struct {
	Digest []byte    `json:"digest"`
	Until  time.Time `json:"until,omitzero"`
}

// keyRef is what the table of digests says: which key a secret opens, and until when.
type keyRef struct {
	ID    string    `json:"id"`
	Until time.Time `json:"until,omitzero"`
}

// NewSecret is a new secret of an API key: sk_ and 160 random bits.
func NewSecret() string {
	random := make([]byte, secretSize)
	rand.Read(random) // never fails, see crypto/rand
	return secretPrefix + strings.ToLower(base32.StdEncoding.EncodeToString(random))
}

// CreateKey makes an API key of that name, scope, seller, maker and expiry. Its secret is returned and nowhere kept.
func (s *Store) CreateKey(ctx context.Context, k call.Key) (secret string, made call.Key, err error) {
	secret = NewSecret()
	if made, err = s.AddKey(ctx, secret, k); err != nil {
		return "", call.Key{}, err
	}
	return secret, made, nil
}

// AddKey lets in the holder of a secret that was made elsewhere, such as for the first start. The same secret again is the same key.
func (s *Store) AddKey(ctx context.Context, secret string, k call.Key) (made call.Key, err error) {
	now := s.clock()
	switch {
	case len(secret) < minSecret:
		return made, call.Invalid("secret", fmt.Sprintf("it needs %d random characters or more", minSecret))
	case strings.TrimSpace(k.Name) == "" || len(k.Name) > maxKeyName:
		return made, call.Invalid("name", fmt.Sprintf("a name of 1 to %d bytes is needed", maxKeyName))
	case !validID(k.Scope):
		return made, call.Invalid("scope", fmt.Sprintf("%q is not a word of a-z, 0-9 and _", k.Scope))
	case !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(now):
		return made, call.Invalid("expires_at", "this time has passed")
	}
	err = s.update(ctx, func(t tx) error {
		switch old, err := t.keyOf(secret, now); {
		case err == nil:
			made = old
			return errNothing
		case !errors.Is(err, call.ErrNotFound):
			return err
		}
		if k.Seller != "" {
			if _, err := object[call.Seller](t, tableSeller, k.Seller); err != nil {
				return unknown("seller", err)
			}
		}
		if all, err := t.keys(); err != nil || len(all) >= maxKeys {
			return errOr(err, call.ErrTooMany)
		}
		r := keyRecord{Key: k, Secrets: []secretRef{{Digest: digestOf(secret)}}}
		r.ID, r.CreatedAt = NewID("key_"), now
		made = r.Key
		return t.putKey(r)
	})
	if err != nil {
		return call.Key{}, fmt.Errorf("add API key %s: %w", k.Name, err)
	}
	return made, nil
}

// Key is the API key that has the secret and holds, or call.ErrNotFound. It is looked up by digest: how long that takes tells nothing of the
// secrets that exist.
func (s *Store) Key(ctx context.Context, secret string) (k call.Key, err error) {
	err = s.view(ctx, func(t tx) error {
		k, err = t.keyOf(secret, s.clock())
		return err
	})
	return k, err
}

func (t tx) keyOf(secret string, now time.Time) (call.Key, error) {
	var ref keyRef
	if err := t.load(digestKey(tableKey, secret), &ref); err != nil {
		return call.Key{}, err
	}
	r, err := t.keyRecord(ref.ID)
	if err != nil {
		return call.Key{}, err
	}
	if !r.Holds(now) || !ref.Until.IsZero() && !now.Before(ref.Until) {
		return call.Key{}, call.ErrNotFound
	}
	return r.Key, nil
}

// Keys are all API keys, revoked ones included, the oldest first.
func (s *Store) Keys(ctx context.Context) (all []call.Key, err error) {
	err = s.view(ctx, func(t tx) error {
		all, err = t.keys()
		return err
	})
	return all, err
}

func (t tx) keys() (all []call.Key, err error) {
	for item, err := range t.Scan(kv.Prefix([]byte(listKeys))) {
		if err != nil {
			return nil, err
		}
		var r keyRecord
		if err := json.Unmarshal(item.Value, &r); err != nil {
			return nil, fmt.Errorf("decode %q: %w", item.Key, err)
		}
		all = append(all, r.Key)
	}
	slices.SortFunc(all, func(x, y call.Key) int {
		return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), strings.Compare(x.ID, y.ID))
	})
	return all, nil
}

// ChangeKey replaces name and expiry of a key by what change makes of it; one that is revoked is not found.
func (s *Store) ChangeKey(ctx context.Context, id string, change func(call.Key) (call.Key, error)) (k call.Key, err error) {
	return s.withKey(ctx, id, func(_ tx, r *keyRecord) error {
		to, err := change(r.Key)
		if err != nil {
			return err
		}
		if strings.TrimSpace(to.Name) == "" || len(to.Name) > maxKeyName {
			return call.Invalid("name", fmt.Sprintf("a name of 1 to %d bytes is needed", maxKeyName))
		}
		r.Name, r.ExpiresAt = to.Name, to.ExpiresAt
		return nil
	})
}

// RotateKey gives a key a new secret. The old ones open it for so long still.
func (s *Store) RotateKey(ctx context.Context, id string, overlap time.Duration) (secret string, k call.Key, err error) {
	secret = NewSecret()
	k, err = s.withKey(ctx, id, func(t tx, r *keyRecord) error {
		now := s.clock()
		var kept []secretRef
		for _, old := range r.Secrets {
			if until := now.Add(overlap); old.Until.IsZero() || until.Before(old.Until) {
				old.Until = until
			}
			if now.Before(old.Until) {
				kept = append(kept, old)
				continue
			}
			if err := t.Delete(append([]byte(tableKey), old.Digest...)); err != nil {
				return err
			}
		}
		r.Secrets, r.RotatedAt = append(kept, secretRef{Digest: digestOf(secret)}), now
		return nil
	})
	if err != nil {
		return "", call.Key{}, err
	}
	return secret, k, nil
}

// RevokeKey makes all secrets of a key worthless. The last key of the scope keeper that holds stays, with call.ErrLastKey.
func (s *Store) RevokeKey(ctx context.Context, id, keeper string) (k call.Key, err error) {
	return s.withKey(ctx, id, func(t tx, r *keyRecord) error {
		now := s.clock()
		all, err := t.keys()
		if err != nil {
			return err
		}
		others := slices.ContainsFunc(all, func(k call.Key) bool { return k.ID != id && k.Scope == keeper && k.ExpiresAt.IsZero() && k.Holds(now) })
		if r.Scope == keeper && !others {
			return call.ErrLastKey
		}
		for _, old := range r.Secrets {
			if err := t.Delete(append([]byte(tableKey), old.Digest...)); err != nil {
				return err
			}
		}
		r.Secrets, r.RevokedAt = nil, now
		return nil
	})
}

// UsedKey notes that a key was used now.
func (s *Store) UsedKey(ctx context.Context, id, from string) error {
	_, err := s.withKey(ctx, id, func(_ tx, r *keyRecord) error {
		r.LastUsedAt, r.LastUsedFrom = s.clock(), from
		return nil
	})
	return err
}

// withKey changes the record of a key that is not revoked.
func (s *Store) withKey(ctx context.Context, id string, change func(tx, *keyRecord) error) (k call.Key, err error) {
	err = s.update(ctx, func(t tx) error {
		r, err := t.keyRecord(id)
		if err != nil {
			return err
		}
		if !r.RevokedAt.IsZero() {
			return call.ErrNotFound
		}
		if err := change(t, &r); err != nil {
			return err
		}
		k = r.Key
		return t.putKey(r)
	})
	return k, err
}

func (t tx) keyRecord(id string) (keyRecord, error) { return object[keyRecord](t, listKeys, id) }

func (t tx) putKey(r keyRecord) error {
	for _, ref := range r.Secrets {
		if err := t.save(append([]byte(tableKey), ref.Digest...), keyRef{ID: r.ID, Until: ref.Until}); err != nil {
			return err
		}
	}
	return t.save(idKey(listKeys, r.ID), r)
}

// adoptKeys makes records of the keys that earlier versions have kept under the digest of their one secret.
func (t tx) adoptKeys() (adopted int, err error) {
	var old []keyRecord
	for item, err := range t.Scan(kv.Prefix([]byte(tableKey))) {
		if err != nil {
			return 0, err
		}
		var k call.Key
		if err := json.Unmarshal(item.Value, &k); err != nil {
			return 0, fmt.Errorf("decode %q: %w", item.Key, err)
		}
		if k.Name != "" { // a keyRef has none
			old = append(old, keyRecord{Key: k, Secrets: []secretRef{{Digest: item.Key[len(tableKey):]}}})
		}
	}
	for _, r := range old {
		if err := t.putKey(r); err != nil {
			return 0, err
		}
	}
	return len(old), nil
}

func digestOf(secret string) []byte {
	digest := sha256.Sum256([]byte(secret))
	return digest[:]
}
