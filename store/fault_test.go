package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"testing"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

var errDisk = errors.New("the disk failed")

// faultyDB fails once, at a chosen step: a call of Put, Delete, Get or Scan, or the commit.
type faultyDB struct {
	kv.DB
	countdown  int   // steps until the failure; 0: none
	commit     error // what the next commit returns, nil: all is well
	commitKept bool  // and whether it happened all the same
	commits    int   // so far
}

func (f *faultyDB) fails() error {
	if f.countdown > 0 {
		if f.countdown--; f.countdown == 0 {
			return errDisk
		}
	}
	return nil
}

func (f *faultyDB) Update(ctx context.Context, fn func(kv.Tx) error) error {
	kept := false
	err := f.DB.Update(ctx, func(t kv.Tx) error {
		if err := fn(faultyTx{t, f}); err != nil {
			return err
		}
		kept = f.commit == nil || f.commitKept
		if !kept {
			return f.commit
		}
		f.commits++
		return nil
	})
	if kept && f.commit != nil {
		return f.commit
	}
	return err
}

type faultyTx struct {
	kv.Tx
	db *faultyDB
}

func (t faultyTx) Get(key []byte) ([]byte, error) {
	if err := t.db.fails(); err != nil {
		return nil, err
	}
	return t.Tx.Get(key)
}

func (t faultyTx) Put(key, value []byte) error {
	if err := t.db.fails(); err != nil {
		return err
	}
	return t.Tx.Put(key, value)
}

func (t faultyTx) Delete(key []byte) error {
	if err := t.db.fails(); err != nil {
		return err
	}
	return t.Tx.Delete(key)
}

func (t faultyTx) Scan(r kv.Range) iter.Seq2[kv.Item, error] {
	if err := t.db.fails(); err != nil {
		return func(yield func(kv.Item, error) bool) { yield(kv.Item{}, err) }
	}
	return t.Tx.Scan(r)
}

// A failure at any step of any change leaves everything as it was, and the same change works afterwards.
func TestFailureAtEveryStep(t *testing.T) {
	s := openShop(t)
	faulty := &faultyDB{DB: s.db}
	s.Store.db = faulty
	seller, buyer := s.seller(60), s.buyer()
	conf := s.conference(seller, buyer, noon)
	s.meet(conf)
	s.clock.Add(3 * time.Second)

	scheduled := 0
	for name, change := range map[string]func() error{
		"register": func() error { _, err := s.RegisterBuyer(s.ctx, "key_1", call.Contact{Name: "Bia"}); return err },
		"schedule": func() error {
			scheduled++
			id := fmt.Sprintf("conf_%d", scheduled)
			_, err := s.Schedule(s.ctx, seller, buyer, call.Schedule(id, "key_1", plan(noon)))
			return err
		},
		"end":      func() error { _, _, err := s.Apply(s.ctx, conf, call.End("seller", call.ReasonEnded)); return err },
		"cursor":   func() error { return s.SetCursor(s.ctx, "webhooks", 3) },
		"key":      func() error { _, _, err := s.CreateKey(s.ctx, call.Key{Name: "crm", Scope: "admin"}); return err },
		"secret":   func() error { _, err := s.Secret(s.ctx, "tokens", 32); return err },
		"remember": func() error { return s.Remember(s.ctx, "k", []byte("d"), []byte("a")) },
	} {
		before := dump(t, s.db)
		steps := 0
		for {
			steps++
			faulty.countdown = steps
			err := change()
			if err == nil {
				break
			}
			if !errors.Is(err, errDisk) {
				t.Fatalf("%s, step %d: error %v", name, steps, err)
			}
			if !maps.Equal(before, dump(t, s.db)) {
				t.Fatalf("%s: a failure at step %d left something", name, steps)
			}
			if steps > 100 {
				t.Fatalf("%s does not end", name)
			}
		}
		faulty.countdown = 0
		if maps.Equal(before, dump(t, s.db)) {
			t.Errorf("%s wrote nothing", name)
		}
		t.Logf("%s: %d steps", name, steps-1)
	}
	if n := need(s.Rebuild(s.ctx))(t); n != 0 {
		t.Errorf("%d keys were wrong afterwards", n)
	}
}

func TestFullDisk(t *testing.T) {
	s := openShop(t)
	faulty := &faultyDB{DB: s.db}
	s.Store.db = faulty
	conf := s.conference(s.seller(60), s.buyer(), noon)
	before, appended := dump(t, s.db), s.Appended()

	faulty.commit = fmt.Errorf("commit: %w", kv.ErrFull)
	if _, _, err := s.Apply(s.ctx, conf, call.Cancel("key_1", "")); !errors.Is(err, call.ErrStorageFull) {
		t.Errorf("error %v, want %v", err, call.ErrStorageFull)
	}
	if _, err := s.Conference(s.ctx, conf); err != nil {
		t.Errorf("reading while the disk is full: %v", err)
	}
	if !maps.Equal(before, dump(t, s.db)) {
		t.Error("something was written")
	}
	select {
	case <-appended:
		t.Error("an append was announced")
	default:
	}
	faulty.commit = nil
	s.apply(conf, call.Cancel("key_1", ""))
}

// When it is open whether a commit happened, followers look.
func TestUncertainCommit(t *testing.T) {
	s := openShop(t)
	faulty := &faultyDB{DB: s.db}
	s.Store.db = faulty
	conf := s.conference(s.seller(60), s.buyer(), noon)
	appended := s.Appended()

	faulty.commit, faulty.commitKept = errDisk, true
	if _, _, err := s.Apply(s.ctx, conf, call.Cancel("key_1", "")); !errors.Is(err, errDisk) {
		t.Fatalf("error %v, want %v", err, errDisk)
	}
	select {
	case <-appended:
	default:
		t.Error("nothing was announced")
	}
	faulty.commit = nil
	if c := need(s.Conference(s.ctx, conf))(t); c.State != call.StateCancelled {
		t.Errorf("the conference is %s", c.State)
	}
}

// A conference whose seller is gone from the store is damage, not an unknown conference.
func TestDamageIsNotNotFound(t *testing.T) {
	s := openShop(t)
	seller := s.seller(60)
	conf := s.conference(seller, s.buyer(), noon)
	err := s.db.Update(s.ctx, func(t kv.Tx) error { return t.Delete(idKey(tableSeller, seller)) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Case(s.ctx, conf); err == nil || errors.Is(err, call.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	err = s.db.Update(s.ctx, func(t kv.Tx) error { return t.Delete(idKey(tableConference, conf)) })
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Conferences(s.ctx, call.Filter{}, "", 10); err == nil || errors.Is(err, call.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	if n := need(s.Rebuild(s.ctx))(t); n != 2 {
		t.Errorf("%d keys were repaired, want 2", n)
	}
	s.apply(conf, call.Cancel("key_1", ""))
}
