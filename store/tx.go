package store

import (
	"encoding/json"
	"errors"
	"fmt"

	"showroom/call"
	"showroom/store/kv"
)

// tx is a transaction that knows JSON values. What it does not find is call.ErrNotFound.
type tx struct{ kv.Tx }

func (t tx) load(key []byte, v any) error {
	data, err := t.Get(key)
	if errors.Is(err, kv.ErrNotFound) {
		return call.ErrNotFound
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("decode %q: %w", key, err)
	}
	return nil
}

func (t tx) save(key []byte, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %q: %w", key, err)
	}
	return t.Put(key, data)
}

// has says whether there is any key in the range.
func (t tx) has(r kv.Range) (bool, error) {
	for _, err := range t.Scan(r) {
		return err == nil, err
	}
	return false, nil
}

// object loads the view of an id; an id of another form than ours is not found.
func object[T any](t tx, table, id string) (T, error) {
	var v T
	if !validID(id) {
		return v, call.ErrNotFound
	}
	err := t.load(idKey(table, id), &v)
	return v, err
}
