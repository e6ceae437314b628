package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"showroom/call"
)

func TestRemember(t *testing.T) {
	s := openShop(t)
	one, two := []byte("digest one"), []byte("digest two")
	remembered := func(key string, digest []byte, want string, wantErr error) {
		t.Helper()
		got, err := s.Remembered(s.ctx, key, digest)
		if string(got) != want || !errors.Is(err, wantErr) {
			t.Errorf("%q: %q, %v, want %q, %v", key, got, err, want, wantErr)
		}
	}
	remember := func(key string, digest []byte, answer string, wantErr error) {
		t.Helper()
		if err := s.Remember(s.ctx, key, digest, []byte(answer)); !errors.Is(err, wantErr) {
			t.Errorf("%q: %v, want %v", key, err, wantErr)
		}
	}
	long := strings.Repeat("ключ", 200)
	remembered("a", one, "", call.ErrNotFound)
	remember("a", one, "answer", nil)
	remember(long, one, "long", nil)
	remembered("a", one, "answer", nil)
	remembered("a", two, "", call.ErrReused)
	remembered("b", one, "", call.ErrNotFound)
	remembered(long, one, "long", nil)
	remember("a", one, "a later answer", nil)
	remember("a", two, "another's answer", call.ErrReused)
	remembered("a", one, "answer", nil)

	s.clock.Add(24*time.Hour - 1)
	remembered("a", one, "answer", nil)
	s.clock.Add(1)
	remembered("a", one, "", call.ErrNotFound)
	remember("a", two, "new", nil)
	remembered("a", two, "new", nil)
	s.clock.Add(23 * time.Hour)
	remembered("a", two, "new", nil)
}

func TestExpiredAnswersGo(t *testing.T) {
	s := openShop(t)
	keep := func(from, to int) {
		for i := range to - from {
			if err := s.Remember(s.ctx, fmt.Sprint("key ", from+i), []byte("d"), []byte("answer")); err != nil {
				t.Fatal(err)
			}
			s.clock.Add(time.Second)
		}
	}
	left := func() (answers, listed int) {
		for k := range dump(t, s.db) {
			switch {
			case strings.HasPrefix(k, tableAnswer):
				answers++
			case strings.HasPrefix(k, listAnswers):
				listed++
			}
		}
		return answers, listed
	}
	keep(0, 40)
	if a, l := left(); a != 40 || l != 40 {
		t.Fatalf("%d answers, %d listed", a, l)
	}
	s.clock.Add(24 * time.Hour)
	keep(40, 43)
	if a, l := left(); a != 3 || l != 3 {
		t.Errorf("%d answers and %d places in the list are left, want 3", a, l)
	}
}

// An expired key may be used again before its turn to be purged comes.
func TestExpiredKeyUsedAgain(t *testing.T) {
	s := openShop(t)
	for i := range 60 {
		if err := s.Remember(s.ctx, fmt.Sprint("key ", i), []byte("d"), []byte("old")); err != nil {
			t.Fatal(err)
		}
		s.clock.Add(time.Second)
	}
	s.clock.Add(24 * time.Hour)
	if err := s.Remember(s.ctx, "key 59", []byte("e"), []byte("new")); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := s.Remember(s.ctx, fmt.Sprint("other ", i), []byte("d"), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Remembered(s.ctx, "key 59", []byte("e")); err != nil || string(got) != "new" {
		t.Errorf("%q, %v: the purge took the new answer with the old one", got, err)
	}
}
