// Package kvtest holds the tests that every kv.DB must pass.
package kvtest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"showroom/store/kv"
)

// Open opens the store that belongs to a directory: a new one for an empty
// directory, the same again for the same. The suite closes it.
type Open func(dir string) (kv.DB, error)

// Run tests an implementation. It must be called from a test of its own, not
// from a subtest: the test of crashes runs that test again in a process it kills.
func Run(t *testing.T, open Open) {
	if inChild(t, open) {
		return
	}
	tests := []struct {
		name string
		test func(t *testing.T, db kv.DB)
	}{
		{"Values", testValues},
		{"Ranges", testRanges},
		{"ScanWhileChanging", testScanWhileChanging},
		{"Limits", testLimits},
		{"ReadOnly", testReadOnly},
		{"Rollback", testRollback},
		{"Isolation", testIsolation},
		{"Ownership", testOwnership},
		{"Concurrent", testConcurrent},
		{"WaitForWriter", testWaitForWriter},
		{"Together", testTogether},
		{"Model", testModel},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, mustOpen(t, open, t.TempDir())) })
	}
	t.Run("Reopen", func(t *testing.T) { testReopen(t, open) })
	t.Run("Crash", func(t *testing.T) { testCrash(t, open) })
}

func mustOpen(t *testing.T, open Open, dir string) kv.DB {
	t.Helper()
	db, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func update(t *testing.T, db kv.DB, fn func(tx kv.Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatalf("Update: %v", err)
	}
}

func view(t *testing.T, db kv.DB, fn func(tx kv.Tx) error) {
	t.Helper()
	if err := db.View(t.Context(), fn); err != nil {
		t.Fatalf("View: %v", err)
	}
}

// put stores pairs of a key and a value.
func put(t *testing.T, db kv.DB, pairs ...string) {
	t.Helper()
	update(t, db, func(tx kv.Tx) error {
		for p := range slices.Chunk(pairs, 2) {
			if err := tx.Put([]byte(p[0]), []byte(p[1])); err != nil {
				return err
			}
		}
		return nil
	})
}

// all returns what a scan yields as "k=v k=v".
func all(tx kv.Tx, r kv.Range) (string, error) {
	var out []string
	for item, err := range tx.Scan(r) {
		if err != nil {
			return "", err
		}
		out = append(out, string(item.Key)+"="+string(item.Value))
	}
	return strings.Join(out, " "), nil
}

// expect fails the test unless the store holds exactly this.
func expect(t *testing.T, db kv.DB, want string) {
	t.Helper()
	view(t, db, func(tx kv.Tx) error {
		got, err := all(tx, kv.Range{})
		if got != want {
			t.Errorf("the store holds %q, want %q", got, want)
		}
		return err
	})
}

func testValues(t *testing.T, db kv.DB) {
	put(t, db, "a", "1", "b", "", "a", "2")
	expect(t, db, "a=2 b=")
	update(t, db, func(tx kv.Tx) error {
		if v, err := tx.Get([]byte("b")); v == nil || err != nil {
			t.Errorf("Get of an empty value = %v, %v", v, err)
		}
		if _, err := tx.Get([]byte("c")); !errors.Is(err, kv.ErrNotFound) {
			t.Errorf("Get of no value: %v", err)
		}
		return errors.Join(tx.Put([]byte("c"), nil), tx.Delete([]byte("a")), tx.Delete([]byte("a")), tx.Delete([]byte("never")))
	})
	expect(t, db, "b= c=")
	// Bytes of any kind, and a key that begins another.
	put(t, db, "\x00", "x", "\xff\xff", "y", "c\x00", "z", "c\xff", "w")
	expect(t, db, "\x00=x b= c= c\x00=z c\xff=w \xff\xff=y")
}

func number(i int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i)) }

func testLimits(t *testing.T, db kv.DB) {
	key, value := bytes.Repeat([]byte("k"), kv.MaxKey), bytes.Repeat([]byte("v"), kv.MaxValue)
	update(t, db, func(tx kv.Tx) error {
		if err := tx.Put(key, value); err != nil {
			return err
		}
		for _, bad := range [][]byte{nil, {}, append(key, 'k')} {
			_, err := tx.Get(bad)
			for op, err := range map[string]error{"Get": err, "Put": tx.Put(bad, nil), "Delete": tx.Delete(bad)} {
				if !errors.Is(err, kv.ErrKey) {
					t.Errorf("%s of a key of %d bytes: %v", op, len(bad), err)
				}
			}
		}
		if err := tx.Put([]byte("k"), append(value, 'v')); !errors.Is(err, kv.ErrValue) {
			t.Errorf("Put of a value of %d bytes: %v", len(value)+1, err)
		}
		return nil
	})
	expect(t, db, string(key)+"="+string(value))
}

func testReadOnly(t *testing.T, db kv.DB) {
	view(t, db, func(tx kv.Tx) error {
		for op, err := range map[string]error{"Put": tx.Put([]byte("a"), nil), "Delete": tx.Delete([]byte("a"))} {
			if !errors.Is(err, kv.ErrReadOnly) {
				t.Errorf("%s in a View: %v", op, err)
			}
		}
		return nil
	})
}
