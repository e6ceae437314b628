package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

const (
	rememberFor = 24 * time.Hour
	purgeAtOnce = 16 // expired answers dropped for each one that is kept
)

// kept is an answer and the digest of the request it answers.
type kept struct {
	Digest  []byte    `json:"digest"`
	Answer  []byte    `json:"answer"`
	Expires time.Time `json:"expires"`
}

// Remembered is the answer kept under an idempotency key: call.ErrNotFound when there is none or it is older than 24 hours, call.ErrReused
// when it answers a request with another digest. Keys of different callers must differ: put the caller into the key.
func (s *Store) Remembered(ctx context.Context, key string, digest []byte) (answer []byte, err error) {
	err = s.view(ctx, func(t tx) error {
		k, err := t.kept(key, s.clock())
		if err != nil {
			return err
		}
		answer, err = k.to(digest)
		return err
	})
	return answer, err
}

// Remember keeps the answer to the request with that digest for 24 hours. The first one stays: the same request's later answer is
// dropped, another request's is call.ErrReused.
func (s *Store) Remember(ctx context.Context, key string, digest, answer []byte) error {
	err := s.update(ctx, func(t tx) error {
		now := s.clock()
		if _, err := t.purge(now); err != nil {
			return err
		}
		old, err := t.kept(key, now)
		if err == nil {
			_, err = old.to(digest)
			return errOr(err, errNothing)
		}
		if !errors.Is(err, call.ErrNotFound) {
			return err
		}
		if err := t.forget(key, old.Expires); err != nil {
			return err
		}
		return t.keep(key, kept{Digest: digest, Answer: answer, Expires: now.Add(rememberFor)})
	})
	if err != nil {
		return fmt.Errorf("remember an answer: %w", err)
	}
	return nil
}

func errOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// to is the answer if it answers the request with the digest.
func (k kept) to(digest []byte) ([]byte, error) {
	if !bytes.Equal(k.Digest, digest) {
		return nil, call.ErrReused
	}
	return k.Answer, nil
}

// kept loads an answer. An expired one is returned with call.ErrNotFound.
func (t tx) kept(key string, now time.Time) (k kept, err error) {
	err = t.load(digestKey(tableAnswer, key), &k)
	if err == nil && !now.Before(k.Expires) {
		err = call.ErrNotFound
	}
	return k, err
}

func (t tx) keep(key string, k kept) error {
	place := digestKey(tableAnswer, key)
	if err := t.save(place, k); err != nil {
		return err
	}
	return t.Put(expiryKey(k.Expires, place), nil)
}

// forget drops what an expired answer of the key has left.
func (t tx) forget(key string, expired time.Time) error {
	if expired.IsZero() {
		return nil
	}
	return t.Delete(expiryKey(expired, digestKey(tableAnswer, key)))
}

// purge drops some expired answers. More are dropped than are kept, so there are never many.
func (t tx) purge(now time.Time) (n int, err error) {
	r := kv.Prefix([]byte(listAnswers))
	r.To = appendTime([]byte(listAnswers), now.Add(1))
	for item, err := range t.Scan(r) {
		if err != nil {
			return n, err
		}
		digest := item.Key[len(listAnswers)+timeSize:]
		if err := errOr(t.Delete(append([]byte(tableAnswer), digest...)), t.Delete(item.Key)); err != nil {
			return n, err
		}
		if n++; n == purgeAtOnce {
			break
		}
	}
	return n, nil
}

// PurgeAnswers drops all answers that have expired.
func (s *Store) PurgeAnswers(ctx context.Context) error {
	for more := true; more; {
		err := s.update(ctx, func(t tx) error {
			n, err := t.purge(s.clock())
			more = n == purgeAtOnce
			if err == nil && n == 0 {
				err = errNothing
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("purge answers: %w", err)
		}
	}
	return nil
}

// expiryKey is where the list of expiries has the answer at place.
func expiryKey(expires time.Time, place []byte) []byte {
	return append(appendTime([]byte(listAnswers), expires), place[len(tableAnswer):]...)
}
