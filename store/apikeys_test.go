package store

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

func TestRotateAndRevoke(t *testing.T) {
	s := openShop(t)
	holds := func(secret string) bool {
		_, err := s.Key(s.ctx, secret)
		if err != nil && !errors.Is(err, call.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	boss, bossKey, err := s.CreateKey(s.ctx, call.Key{Name: "boss", Scope: "operator"})
	if err != nil {
		t.Fatal(err)
	}
	first, k, err := s.CreateKey(s.ctx, call.Key{Name: "crm", Scope: "crm", CreatedBy: bossKey.ID})
	if err != nil {
		t.Fatal(err)
	}
	second, rotated, err := s.RotateKey(s.ctx, k.ID, time.Hour)
	if err != nil || rotated.ID != k.ID || rotated.RotatedAt.IsZero() || !holds(first) || !holds(second) {
		t.Fatalf("after rotation: %+v, %v, old %v, new %v", rotated, err, holds(first), holds(second))
	}
	s.clock.Add(time.Hour)
	if holds(first) || !holds(second) {
		t.Error("the old secret outlives its hour")
	}
	third, _, err := s.RotateKey(s.ctx, k.ID, 0)
	if err != nil || holds(second) || !holds(third) {
		t.Errorf("after a rotation at once: %v", err)
	}
	n := 0
	for range dumpPrefix(t, s.db, tableKey) {
		n++
	}
	if n != 2 { // the boss's and the third
		t.Errorf("%d digests are kept, want 2", n)
	}
	if err := s.UsedKey(s.ctx, k.ID, "192.0.2.1"); err != nil {
		t.Error(err)
	}
	if revoked := need(s.RevokeKey(s.ctx, k.ID, "operator"))(t); revoked.RevokedAt.IsZero() || revoked.LastUsedFrom != "192.0.2.1" || holds(third) {
		t.Errorf("revoked: %+v", revoked)
	}
	for name, err := range map[string]error{"again": errOf(s.RevokeKey(s.ctx, k.ID, "operator")), "use": s.UsedKey(s.ctx, k.ID, ""), "unknown": errOf(s.RevokeKey(s.ctx, "key_none", "operator"))} {
		if !errors.Is(err, call.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.RevokeKey(s.ctx, bossKey.ID, "operator"); !errors.Is(err, call.ErrLastKey) || !holds(boss) {
		t.Errorf("the last operator's key: %v", err)
	}
	all := need(s.Keys(s.ctx))(t)
	if len(all) != 2 || all[0].ID != bossKey.ID && all[1].ID != bossKey.ID {
		t.Errorf("keys: %+v", all)
	}
}

func errOf[T any](_ T, err error) error { return err }

func dumpPrefix(t *testing.T, db kv.DB, prefix string) map[string]string {
	all := map[string]string{}
	for k, v := range dump(t, db) {
		if len(k) >= len(prefix) && k[:len(prefix)] == prefix {
			all[k] = v
		}
	}
	return all
}

// TestKeysOfEarlierVersions: a key that was kept under the digest of its secret goes on working and can be rotated.
func TestKeysOfEarlierVersions(t *testing.T) {
	s := openShop(t)
	const secret = "sk_old_secret_of_an_earlier_version_1"
	err := s.db.Update(context.Background(), func(t kv.Tx) error {
		text, err := json.Marshal(map[string]any{"id": "key_old", "name": "crm", "scope": "crm", "created_at": noon})
		return errOr(err, t.Put(digestKey(tableKey, secret), text))
	})
	if err != nil {
		t.Fatal(err)
	}
	again, err := New(s.db, s.now)
	if err != nil {
		t.Fatal(err)
	}
	k, err := again.Key(s.ctx, secret)
	if err != nil || k.ID != "key_old" || k.Scope != "crm" || !k.CreatedAt.Equal(noon) {
		t.Fatalf("%+v, %v", k, err)
	}
	if _, _, err := again.RotateKey(s.ctx, k.ID, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Key(s.ctx, secret); !errors.Is(err, call.ErrNotFound) {
		t.Errorf("the old secret after a rotation: %v", err)
	}
}
