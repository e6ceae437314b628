package kv_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"showroom/store/kv"
	"showroom/store/kv/kvtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(dir string) (kv.DB, error) { return kv.OpenBolt(filepath.Join(dir, "showroom.db")) }

func TestBolt(t *testing.T) { kvtest.Run(t, open) }

func newBolt(t testing.TB) (db *kv.Bolt, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "showroom.db")
	db, err := kv.OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, path
}

func TestBoltLocked(t *testing.T) {
	_, path := newBolt(t)
	_, err := kv.OpenBolt(path)
	if !errors.Is(err, kv.ErrLocked) || !strings.Contains(err.Error(), "another Showroom") {
		t.Errorf("second OpenBolt = %v", err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
}

func TestBoltNotAStore(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "text")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a store\n", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, dir, filepath.Join(dir, "no", "such")} {
		if db, err := kv.OpenBolt(path); err == nil {
			db.Close()
			t.Errorf("OpenBolt(%s) succeeded", path)
		} else if !strings.Contains(err.Error(), path) {
			t.Errorf("OpenBolt(%s) does not name it: %v", path, err)
		}
	}
}

// A full disk refuses the commit, keeps what is there and stays readable; with
// room again it works on. A limit on the size of files stands for the disk.
func TestBoltFull(t *testing.T) {
	db, _ := newBolt(t)
	put := func(key string, size int) error {
		return db.Update(t.Context(), func(tx kv.Tx) error { return tx.Put([]byte(key), make([]byte, size)) })
	}
	if err := put("small", 10); err != nil {
		t.Fatal(err)
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 128 << 10, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := put("large", kv.MaxValue); !errors.Is(err, kv.ErrFull) {
			t.Errorf("Update on a full disk = %v, want ErrFull", err)
		}
		err := db.View(t.Context(), func(tx kv.Tx) error {
			if _, err := tx.Get([]byte("large")); !errors.Is(err, kv.ErrNotFound) {
				t.Errorf("Get of what was refused: %v", err)
			}
			_, err := tx.Get([]byte("small"))
			return err
		})
		if err != nil {
			t.Errorf("View on a full disk: %v", err)
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := put("large", kv.MaxValue); err != nil {
		t.Errorf("Update with room again: %v", err)
	}
}

// BenchmarkUpdate is a durable change of an event and two views: one at a time, and many that share commits.
func BenchmarkUpdate(b *testing.B) {
	for _, writers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			db, _ := newBolt(b)
			value := make([]byte, 300)
			var n atomic.Uint64
			b.SetParallelism(max(1, writers/runtime.GOMAXPROCS(0)))
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					key := binary.BigEndian.AppendUint64([]byte{'e'}, n.Add(1))
					err := db.Update(b.Context(), func(tx kv.Tx) error {
						return errors.Join(tx.Put(key, value), tx.Put([]byte("view/a"), value), tx.Put([]byte("view/b"), value))
					})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
