package kvtest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"showroom/store/kv"
)

var errOurs = errors.New("ours")

func testRollback(t *testing.T, db kv.DB) {
	put(t, db, "a", "1")
	change := func(tx kv.Tx) {
		for i := range 1000 {
			if err := tx.Put(number(i), number(i)); err != nil {
				t.Error(err)
			}
		}
		if err := tx.Delete([]byte("a")); err != nil {
			t.Error(err)
		}
	}
	if err := db.Update(t.Context(), func(tx kv.Tx) error { change(tx); return errOurs }); err != errOurs { //nolint:errorlint // the same error is promised
		t.Errorf("Update = %v, want the function's own error", err)
	}
	expect(t, db, "a=1")
	if err := db.View(t.Context(), func(kv.Tx) error { return errOurs }); err != errOurs { //nolint:errorlint // the same error is promised
		t.Errorf("View = %v, want the function's own error", err)
	}

	for name, run := range map[string]func(context.Context, func(kv.Tx) error) error{"View": db.View, "Update": db.Update} {
		func() {
			defer func() {
				if recover() != "ours" {
					t.Errorf("%s hid a panic", name)
				}
			}()
			run(t.Context(), func(tx kv.Tx) error { //nolint:errcheck // it panics
				if name == "Update" {
					change(tx)
				}
				panic("ours")
			})
		}()
	}
	expect(t, db, "a=1")

	ctx, cancel := context.WithCancel(t.Context())
	err := db.Update(ctx, func(tx kv.Tx) error { change(tx); cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update of an ended context = %v", err)
	}
	expect(t, db, "a=1")
	for name, run := range map[string]func(context.Context, func(kv.Tx) error) error{"View": db.View, "Update": db.Update} {
		err := run(ctx, func(kv.Tx) error { t.Errorf("%s ran in an ended context", name); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s in an ended context = %v", name, err)
		}
	}
	put(t, db, "b", "2")
	expect(t, db, "a=1 b=2")
}

// testIsolation keeps a View open across commits.
func testIsolation(t *testing.T, db kv.DB) {
	put(t, db, "a", "1", "b", "1")
	began, changed := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(changed)
		<-began
		for i := range 20 {
			v := strings.Repeat("x", 1+i*10_000) // the file grows meanwhile
			put(t, db, "a", v, "b", v, fmt.Sprint("c", i), v)
		}
	})
	view(t, db, func(tx kv.Tx) error {
		close(began)
		select {
		case <-changed:
		case <-time.After(30 * time.Second):
			t.Error("a View holds up the writer")
		}
		got, err := all(tx, kv.Range{})
		if got != "a=1 b=1" {
			t.Errorf("a View saw a later commit: %.40q", got)
		}
		return err
	})
	wg.Wait()
	update(t, db, func(tx kv.Tx) error {
		if err := tx.Put([]byte("a"), []byte("mine")); err != nil {
			return err
		}
		if v, err := tx.Get([]byte("a")); string(v) != "mine" || err != nil {
			t.Errorf("an Update does not see its own change: %q, %v", v, err)
		}
		return nil
	})
}

// testOwnership writes over every slice that went in or came out.
func testOwnership(t *testing.T, db kv.DB) {
	update(t, db, func(tx kv.Tx) error {
		k, v := []byte("key"), []byte("value")
		if err := tx.Put(k, v); err != nil {
			return err
		}
		copy(k, "xxx")
		copy(v, "xxxxx")
		got, err := tx.Get([]byte("key"))
		copy(got, "yyyyy")
		for item, scanErr := range tx.Scan(kv.Range{}) {
			err = errors.Join(err, scanErr)
			copy(item.Key, "zzz")
			copy(item.Value, "zzzzz")
		}
		return err
	})
	expect(t, db, "key=value")
	var kept []byte
	view(t, db, func(tx kv.Tx) (err error) {
		kept, err = tx.Get([]byte("key"))
		return err
	})
	put(t, db, "key", "other")
	if string(kept) != "value" {
		t.Errorf("a value changed after its transaction: %q", kept)
	}
}

// testConcurrent moves units between accounts while readers count them.
func testConcurrent(t *testing.T, db kv.DB) {
	const accounts, each = 8, 100
	update(t, db, func(tx kv.Tx) error {
		for i := range accounts {
			if err := tx.Put(number(i), number(each)); err != nil {
				return err
			}
		}
		return nil
	})
	move := func(tx kv.Tx, account, by int) error {
		v, err := tx.Get(number(account))
		if err != nil {
			return err
		}
		return tx.Put(number(account), number(int(binary.BigEndian.Uint64(v))+by))
	}
	count := func(tx kv.Tx) error {
		sum := 0
		for item, err := range tx.Scan(kv.Range{}) {
			if err != nil {
				return err
			}
			sum += int(binary.BigEndian.Uint64(item.Value))
		}
		if sum != accounts*each {
			return fmt.Errorf("a reader counts %d units of %d", sum, accounts*each)
		}
		return nil
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 25 {
				err := db.Update(t.Context(), func(tx kv.Tx) error {
					return errors.Join(move(tx, (w+i)%accounts, -1), move(tx, (w+2*i+1)%accounts, 1))
				})
				if err = errors.Join(err, db.View(t.Context(), count)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	view(t, db, count)
}

// testWaitForWriter gives up waiting for another Update.
func testWaitForWriter(t *testing.T, db kv.DB) {
	update(t, db, func(kv.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		done := make(chan error)
		go func() {
			done <- db.Update(ctx, func(kv.Tx) error { t.Error("two writers at once"); return nil })
		}()
		if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Update beside another = %v, want DeadlineExceeded", err)
		}
		return nil
	})
}

// testTogether has updates wait for the same writer, so that they may share a
// commit: those that fail, panic or are given up in their midst change nothing,
// for themselves or the others.
func testTogether(t *testing.T, db kv.DB) {
	put(t, db, "all", "old", "gone", "kept")
	begun, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		update(t, db, func(kv.Tx) error { close(begun); <-release; return nil })
	})
	<-begun
	broken := errors.New("broken")
	for i := range 40 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			how := i % 4
			defer func() {
				if r := recover(); r != nil && how != 2 {
					t.Errorf("update %d: %v", i, r)
				}
			}()
			err := db.Update(ctx, func(tx kv.Tx) error {
				own := fmt.Appendf(nil, "k%02d", i)
				if how != 0 {
					mess(t, tx, own)
				} else if err := tx.Put(own, []byte("new")); err != nil {
					return err
				}
				switch how {
				case 1:
					return broken
				case 2:
					panic("ours")
				case 3:
					cancel()
				}
				return nil
			})
			if want := []error{nil, broken, nil, context.Canceled}[how]; !errors.Is(err, want) {
				t.Errorf("update %d = %v, want %v", i, err, want)
			}
		})
	}
	close(release)
	all.Wait()
	want := "all=old gone=kept"
	for i := 0; i < 40; i += 4 {
		want += fmt.Sprintf(" k%02d=new", i)
	}
	expect(t, db, want)
}

// mess changes everything that others rely on.
func mess(t *testing.T, tx kv.Tx, own []byte) {
	for _, err := range []error{
		tx.Put(own, nil), tx.Put(own, []byte("bad")), tx.Delete(own), tx.Put(own, []byte("worse")),
		tx.Put([]byte("all"), []byte("bad")), tx.Delete([]byte("gone")), tx.Put([]byte("gone"), []byte("back")), tx.Delete([]byte("nothing")),
	} {
		if err != nil {
			t.Error(err)
		}
	}
}
