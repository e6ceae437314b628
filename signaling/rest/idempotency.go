package rest

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"showroom/call"
)

const (
	idempotencyHeader = "Idempotency-Key"
	maxIdempotencyKey = 128 // characters
	rememberTimeout   = 5 * time.Second
)

// kept is an answer as it is remembered.
type kept struct {
	Status int             `json:"status"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// once answers a POST, and with an idempotency key gives the same answer to the same request for 24 hours. Only what was done is
// remembered: a refusal changed nothing, so the request may be tried again.
//
// Answers have access tokens in them, which are stored nowhere. They are sealed with the API key's secret, which the store does
// not have either.
func (a *api) once(rt route, r *request) (reply, error) {
	values := r.Header.Values(idempotencyHeader)
	if len(values) == 0 {
		return rt.handle(r)
	}
	if len(values) > 1 || !isIdempotencyKey(values[0]) {
		return reply{}, call.Invalid(idempotencyHeader, fmt.Sprintf("not 1 to %d visible ASCII characters", maxIdempotencyKey))
	}
	name := r.subject.key.ID + "/" + hexDigest(values[0])
	done, err := a.inFlight.enter(r, name)
	if err != nil {
		return reply{}, err
	}
	defer done()
	box, err := newBox(r.subject.secret, name)
	if err != nil {
		return reply{}, err
	}
	digest := sha256.Sum256([]byte(r.Method + "\n" + r.URL.EscapedPath() + "\n" + string(r.body)))
	sealed, err := a.Store.Remembered(r.Context(), name, digest[:])
	if err == nil {
		answer, err := open(box, sealed)
		if err != nil {
			a.Log.Warn("remembered answer does not open", "key", r.subject.key.ID, "err", err)
			return reply{}, fail(codeConflict, "this Idempotency-Key was used before the API key got a new secret; look whether what you want is there")
		}
		return answer, nil
	}
	if !errors.Is(err, call.ErrNotFound) {
		return reply{}, err
	}
	answer, err := rt.handle(r)
	if err != nil {
		return reply{}, err
	}
	if sealed, err = seal(box, answer); err == nil {
		// A client that has gone is the one who will ask again.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), rememberTimeout)
		defer cancel()
		err = a.Store.Remember(ctx, name, digest[:], sealed)
	}
	if err != nil { // it was done: say so, though a repetition would do it again
		a.Log.Error("answer not remembered", "route", rt.pattern(), "err", err)
	}
	return answer, nil
}

func isIdempotencyKey(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= maxIdempotencyKey
}

func hexDigest(s string) string {
	digest := sha256.Sum256([]byte(s))
	return hex.EncodeToString(digest[:])
}

func newBox(secret, name string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "showroom answer 1 "+name, 32)
	if err != nil {
		return nil, fmt.Errorf("derive answer key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("answer key: %w", err)
	}
	return cipher.NewGCM(block)
}

func seal(box cipher.AEAD, answer reply) ([]byte, error) {
	k := kept{Status: answer.status}
	if answer.body != nil {
		text, err := encode(answer.body)
		if err != nil {
			return nil, err
		}
		k.Body = text
	}
	text, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	nonce := make([]byte, box.NonceSize())
	rand.Read(nonce) // never fails, see crypto/rand
	return box.Seal(nonce, nonce, text, nil), nil
}

func open(box cipher.AEAD, sealed []byte) (reply, error) {
	if len(sealed) < box.NonceSize() {
		return reply{}, errors.New("remembered answer is cut short")
	}
	text, err := box.Open(nil, sealed[:box.NonceSize()], sealed[box.NonceSize():], nil)
	if err != nil {
		return reply{}, fmt.Errorf("open remembered answer: %w", err)
	}
	var k kept
	if err := json.Unmarshal(text, &k); err != nil {
		return reply{}, fmt.Errorf("decode remembered answer: %w", err)
	}
	answer := reply{status: k.Status}
	if len(k.Body) > 0 {
		answer.body = k.Body
	}
	return answer, nil
}

// inFlight lets one request of a name run at a time; there are no more names than requests being served.
type inFlight struct {
	mu      *sync.Mutex
	running map[string]chan struct{} // closed when it has ended
}

func newInFlight() inFlight {
	return inFlight{mu: new(sync.Mutex), running: make(map[string]chan struct{})}
}

// enter waits for its turn and returns what ends it.
func (f inFlight) enter(r *request, name string) (done func(), err error) {
	for {
		f.mu.Lock()
		ended, busy := f.running[name]
		if !busy {
			ended = make(chan struct{})
			f.running[name] = ended
		}
		f.mu.Unlock()
		if !busy {
			return func() {
				f.mu.Lock()
				delete(f.running, name)
				f.mu.Unlock()
				close(ended)
			}, nil
		}
		select {
		case <-ended:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}
