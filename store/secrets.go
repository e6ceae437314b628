package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"showroom/store/kv"
)

func digestKey(table, secret string) []byte {
	return append([]byte(table), digestOf(secret)...)
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
