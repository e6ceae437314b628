package store

import (
	"bytes"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"showroom/call"
)

func TestKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "showroom.db")
	s := openShopAt(t, path)
	secret, made, err := s.CreateKey(s.ctx, call.Key{Name: "CRM", Scope: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(secret, "sk_") || len(secret) != 3+32 {
		t.Errorf("secret %q", secret)
	}
	if made.ID == "" || made.Name != "CRM" || made.Scope != "admin" || !made.CreatedAt.Equal(noon) {
		t.Errorf("key %+v", made)
	}
	other, _, err := s.CreateKey(s.ctx, call.Key{Name: "CRM", Scope: "admin"})
	if err != nil || other == secret {
		t.Fatalf("a second key: %v", err)
	}
	s.db.Close()
	s = openShopAt(t, path)
	if k, err := s.Key(s.ctx, secret); err != nil || k != made {
		t.Errorf("%+v, %v, want %+v", k, err, made)
	}
	for _, wrong := range []string{"", "sk_", secret[:len(secret)-1], secret + "a", strings.ToUpper(secret), made.ID} {
		if _, err := s.Key(s.ctx, wrong); !errors.Is(err, call.ErrNotFound) {
			t.Errorf("%q: error %v", wrong, err)
		}
	}
	for k, v := range dump(t, s.db) {
		if strings.Contains(k+v, secret) || strings.Contains(k+v, secret[3:]) {
			t.Errorf("the secret is kept at %q", k)
		}
	}
}

func TestAddKey(t *testing.T) {
	s := openShop(t)
	secret := "a-secret-of-the-configuration-0123456789"
	first := need(s.AddKey(s.ctx, secret, call.Key{Name: "development", Scope: "admin"}))(t)
	before := dump(t, s.db)
	s.clock.Add(time.Hour)
	if again := need(s.AddKey(s.ctx, secret, call.Key{Name: "another name", Scope: "admin"}))(t); again != first {
		t.Errorf("the same secret is another key: %+v, %+v", again, first)
	}
	if !maps.Equal(before, dump(t, s.db)) {
		t.Error("the same key again wrote something")
	}
	for field, args := range map[string][3]string{
		"secret": {"too short", "n", "admin"}, "name": {secret + "x", " ", "admin"}, "scope": {secret + "x", "n", "Admin!"},
	} {
		_, err := s.AddKey(s.ctx, args[0], call.Key{Name: args[1], Scope: args[2]})
		var invalid *call.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("error %v, want one of %s", err, field)
		}
	}
}

func TestSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "showroom.db")
	s := openShopAt(t, path)
	found := make([][]byte, 8)
	var wg sync.WaitGroup
	for i := range found {
		wg.Go(func() {
			secret, err := s.Secret(s.ctx, "tokens", 32)
			if err != nil {
				t.Error(err)
			}
			found[i] = secret
		})
	}
	wg.Wait()
	s.db.Close()
	s = openShopAt(t, path)
	found = append(found, need(s.Secret(s.ctx, "tokens", 32))(t))
	for _, secret := range found {
		if len(secret) != 32 || !bytes.Equal(secret, found[0]) {
			t.Fatalf("%d bytes, or not the same as the first", len(secret))
		}
	}
	if bytes.Equal(need(s.Secret(s.ctx, "urls", 32))(t), found[0]) {
		t.Error("two names have the same secret")
	}
	for _, test := range []struct {
		name string
		size int
	}{{"tokens", 64}, {"tokens", 16}, {"short", 15}, {"long", 1025}, {"", 32}, {"a/b", 32}} {
		if _, err := s.Secret(s.ctx, test.name, test.size); err == nil {
			t.Errorf("%q, %d bytes: no error", test.name, test.size)
		}
	}
}
