// Package password keeps what people sign in with as argon2id digests (RFC 9106). It starts no goroutine; few digests are made at once, since each
// takes memory and a core that media may need.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

const (
	memory     = 19 << 10 // KiB
	passes     = 2
	threads    = 1
	saltSize   = 16 // bytes
	digestSize = 32 // bytes

	atOnce  = 2  // digests
	waiting = 64 // for their turn, besides

	maxMemory, maxPasses = 64 << 10, 16 // of a digest that is read

	// MinLength and MaxLength are characters of a new password.
	MinLength, MaxLength = 10, 200
)

var (
	// ErrBusy: so many wait for a digest that one more is not let in.
	ErrBusy = errors.New("too many passwords are being checked")

	errForm = errors.New("not an argon2id digest of ours")
)

var (
	turns  = make(chan struct{}, atOnce)
	places = make(chan struct{}, atOnce+waiting)
)

// Long says whether a new password has a length that is allowed.
func Long(text string) bool {
	n := utf8.RuneCountInString(text)
	return utf8.ValidString(text) && n >= MinLength && n <= MaxLength
}

// Digest is the digest of a new password in the PHC form, $argon2id$v=19$m=…,t=…,p=…$salt$digest.
func Digest(ctx context.Context, text string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails, see crypto/rand
	sum, err := derive(ctx, text, salt, memory, passes, threads, digestSize)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads, b64(salt), b64(sum)), nil
}

// Check says whether a password has the digest. No digest at all takes as long and is false, so that the time tells nobody who has a password.
func Check(ctx context.Context, digest, text string) (bool, error) {
	if digest == "" {
		_, err := derive(ctx, text, make([]byte, saltSize), memory, passes, threads, digestSize)
		return false, err
	}
	var version, m, t, p uint32
	parts := strings.Split(digest, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return false, errForm
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &m, &t, &p); err != nil || version != argon2.Version ||
		m > maxMemory || t == 0 || t > maxPasses || p == 0 || p > 8 {
		return false, errForm
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(want) < 16 || len(want) > 64 {
		return false, errForm
	}
	sum, err := derive(ctx, text, salt, m, t, uint8(p), uint32(len(want)))
	return err == nil && subtle.ConstantTimeCompare(sum, want) == 1, err
}

// derive waits for its turn.
func derive(ctx context.Context, text string, salt []byte, m, t uint32, p uint8, size uint32) ([]byte, error) {
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
	default:
		return nil, ErrBusy
	}
	select {
	case turns <- struct{}{}:
		defer func() { <-turns }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(text), salt, t, m, p, size), nil
}
