package kv

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.etcd.io/bbolt"
)

// TestScrub: what was deleted, replaced or given up is in no byte of the file any more, what is there stays, also while others read and write.
func TestScrub(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scrub.db")
	b, err := OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	put := func(from, to int, word string) {
		t.Helper()
		err := b.Update(ctx, func(tx Tx) error {
			for i := from; i < to; i++ {
				if err := tx.Put(fmt.Append(nil, "key ", i), bytes.Repeat([]byte(word), 1+i%700)); err != nil { // some longer than a page
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	put(0, 500, "secret-one ")
	put(0, 300, "public ")
	if err := b.Update(ctx, func(tx Tx) error {
		for i := 300; i < 500; i++ {
			if err := tx.Delete(fmt.Append(nil, "key ", i)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !holds(t, path, "secret-one ") {
		t.Fatal("there is nothing to scrub")
	}
	var others sync.WaitGroup
	stop := make(chan struct{})
	others.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			put(1000, 1001+i%50, "other ")
			if err := b.View(ctx, func(tx Tx) error { return whole(tx) }); err != nil {
				t.Error(err)
			}
		}
	})
	for range 3 {
		if err := b.Scrub(ctx); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	others.Wait()
	if holds(t, path, "secret-one ") {
		t.Error("what was deleted is still in the file")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err = OpenBolt(path); err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.View(ctx, whole); err != nil {
		t.Error(err)
	}
	if err := b.db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			t.Error(err)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if b.Scrub(over) == nil {
		t.Error("scrubbing goes on when nobody wants it")
	}
}

// whole says whether the first 300 keys are as they should be.
func whole(tx Tx) error {
	for i := range 300 {
		v, err := tx.Get(fmt.Append(nil, "key ", i))
		if err != nil || !bytes.Equal(v, bytes.Repeat([]byte("public "), 1+i%700)) {
			return fmt.Errorf("key %d: %d bytes, %w", i, len(v), err)
		}
	}
	return nil
}

func holds(t *testing.T, path, word string) bool {
	t.Helper()
	all, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(all, []byte(word))
}
