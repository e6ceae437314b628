package password

import (
	"context"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"
)

func TestDigest(t *testing.T) {
	const text = "caminhão açaí 42"
	one, err := Digest(t.Context(), text)
	if err != nil || !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Fatal(one, err)
	}
	for try, want := range map[string]bool{text: true, text + " ": false, "": false, strings.ToUpper(text): false} {
		if is, err := Check(t.Context(), one, try); err != nil || is != want {
			t.Errorf("%q: %v, %v", try, is, err)
		}
	}
	if is, err := Check(t.Context(), "", text); is || err != nil {
		t.Errorf("without a digest: %v, %v", is, err)
	}
	if two, err := Digest(t.Context(), text); err != nil || two == one {
		t.Errorf("the same digest twice: %v", err)
	}
}

// TestOthersDigest: a digest of the reference implementation's own tests.
func TestOthersDigest(t *testing.T) {
	const foreign = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if is, err := Check(t.Context(), foreign, "password"); err != nil || !is {
		t.Error(is, err)
	}
}

func TestBadDigests(t *testing.T) {
	for _, bad := range []string{"x", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q", "$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q",
		"$argon2id$v=19$m=4000000,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q", "$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q",
		"$argon2id$v=19$m=64,t=1,p=0$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$", "$argon2id$v=19$m=64,t=1,p=1$!$CTFhFdXPJO1aFaMaO6Mm5Q"} {
		if is, err := Check(t.Context(), bad, "x"); is || !errors.Is(err, errForm) {
			t.Errorf("%s: %v, %v", bad, is, err)
		}
	}
}

// TestFewAtOnce: two digests are made at once, some wait, and the others are refused.
func TestFewAtOnce(t *testing.T) {
	for range atOnce {
		turns <- struct{}{}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Digest(gone, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("without a turn: %v", err)
	}
	for range cap(places) {
		places <- struct{}{}
	}
	if _, err := Check(t.Context(), "", "x"); !errors.Is(err, ErrBusy) {
		t.Errorf("without a place: %v", err)
	}
	for range cap(places) {
		<-places
	}
	for range atOnce {
		<-turns
	}
}

func TestLong(t *testing.T) {
	for text, want := range map[string]bool{"123456789": false, "ação ação ": true, strings.Repeat("ç", 200): true, strings.Repeat("x", 201): false, "\xff234567890": false} {
		if Long(text) != want {
			t.Errorf("%.20q: %v", text, !want)
		}
	}
}

// FuzzCheck: whatever is kept as a digest, checking ends and panics at nothing.
func FuzzCheck(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q")
	f.Fuzz(func(t *testing.T, digest string) {
		if is, _ := Check(t.Context(), digest, "x"); is && !strings.Contains(digest, "argon2id") {
			t.Errorf("%q opens", digest)
		}
	})
}

func BenchmarkDigest(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		argon2.IDKey([]byte("x"), make([]byte, saltSize), passes, memory, threads, digestSize)
	}
}
