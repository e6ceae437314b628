package kv

import (
	"bytes"
	"iter"

	"go.etcd.io/bbolt"
)

// boltTx is a Tx on one bucket. It copies in and out, since bbolt's slices
// point into the mapped file.
type boltTx struct {
	bucket  *bbolt.Bucket
	changes int // puts and deletes so far; a cursor is stale after one

	keep bool // what is overwritten, so that it can be taken back
	kept []Item
}

// undo takes back all changes, the last one first.
func (t *boltTx) undo() error {
	for i := len(t.kept) - 1; i >= 0; i-- {
		k := t.kept[i]
		if k.Value == nil {
			if err := t.bucket.Delete(k.Key); err != nil {
				return err
			}
		} else if err := t.bucket.Put(k.Key, k.Value); err != nil {
			return err
		}
	}
	return nil
}

// changing notes what is under the key before it changes.
func (t *boltTx) changing(key []byte) {
	t.changes++
	if t.keep {
		var value []byte
		if v := t.bucket.Get(key); v != nil {
			value = copied(v)
		}
		t.kept = append(t.kept, Item{copied(key), value})
	}
}

// Get implements Tx.
func (t *boltTx) Get(key []byte) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	v := t.bucket.Get(key)
	if v == nil {
		return nil, ErrNotFound
	}
	return copied(v), nil
}

// Put implements Tx.
func (t *boltTx) Put(key, value []byte) error {
	if !t.bucket.Writable() {
		return ErrReadOnly
	}
	if err := checkKey(key); err != nil {
		return err
	}
	if err := checkValue(value); err != nil {
		return err
	}
	t.changing(key)
	return t.bucket.Put(key, copied(value)) // bbolt copies the key itself
}

// Delete implements Tx.
func (t *boltTx) Delete(key []byte) error {
	if !t.bucket.Writable() {
		return ErrReadOnly
	}
	if err := checkKey(key); err != nil {
		return err
	}
	t.changing(key)
	return t.bucket.Delete(key)
}

// Scan implements Tx.
func (t *boltTx) Scan(r Range) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		c := t.bucket.Cursor()
		k, v := first(c, r)
		for k != nil && r.has(k) {
			item := Item{copied(k), copied(v)}
			before := t.changes
			if !yield(item, nil) {
				return
			}
			if t.changes == before {
				k, v = next(c, r)
			} else {
				k, v = after(c, r, item.Key)
			}
		}
	}
}

// first moves the cursor to the first key of r in its direction.
func first(c *bbolt.Cursor, r Range) (k, v []byte) {
	switch {
	case !r.Reverse && r.From == nil:
		return c.First()
	case !r.Reverse:
		return c.Seek(r.From)
	case r.To == nil:
		return c.Last()
	}
	return below(c, r.To)
}

func next(c *bbolt.Cursor, r Range) (k, v []byte) {
	if r.Reverse {
		return c.Prev()
	}
	return c.Next()
}

// after moves the cursor from any place to the key that follows last.
func after(c *bbolt.Cursor, r Range, last []byte) (k, v []byte) {
	if r.Reverse {
		return below(c, last)
	}
	k, v = c.Seek(last)
	if bytes.Equal(k, last) {
		return c.Next()
	}
	return k, v
}

// below moves the cursor to the greatest key less than key.
func below(c *bbolt.Cursor, key []byte) (k, v []byte) {
	if k, _ = c.Seek(key); k == nil {
		return c.Last() // every key is less
	}
	return c.Prev()
}

// has tells whether a key met from the range's start is not past its end.
func (r Range) has(k []byte) bool {
	if r.Reverse {
		return r.From == nil || bytes.Compare(k, r.From) >= 0
	}
	return r.To == nil || bytes.Compare(k, r.To) < 0
}

// copied returns a copy that is not nil, also of nothing.
func copied(b []byte) []byte { return append([]byte{}, b...) }
