package kvtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"showroom/store/kv"
)

// testModel runs random transactions on the store and on a map, and compares
// every answer.
func testModel(t *testing.T, db kv.DB) {
	rapid.Check(t, func(t *rapid.T) {
		clearAll(t, db)
		model := map[string]string{}
		for range rapid.IntRange(1, 6).Draw(t, "transactions") {
			next := maps.Clone(model)
			fail := rapid.Bool().Draw(t, "fail")
			err := db.Update(context.Background(), func(tx kv.Tx) error {
				for range rapid.IntRange(0, 12).Draw(t, "steps") {
					step(t, tx, next)
				}
				if fail {
					return errOurs
				}
				return nil
			})
			if fail && !errors.Is(err, errOurs) || !fail && err != nil {
				t.Fatalf("Update: %v", err)
			}
			if !fail {
				model = next
			}
			err = db.View(context.Background(), func(tx kv.Tx) error { compareScan(t, tx, model); return nil })
			if err != nil {
				t.Fatalf("View: %v", err)
			}
		}
	})
}

func clearAll(t *rapid.T, db kv.DB) {
	err := db.Update(context.Background(), func(tx kv.Tx) error {
		for item, err := range tx.Scan(kv.Range{}) {
			if err = errors.Join(err, tx.Delete(item.Key)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("clear: %v", err)
	}
}

// keyGen draws from few keys, so that they meet.
var keyGen = rapid.StringOfN(rapid.SampledFrom([]rune{0, 'a', 'b', 0xff}), 1, 3, -1)

func step(t *rapid.T, tx kv.Tx, model map[string]string) {
	key := keyGen.Draw(t, "key")
	var err error
	switch rapid.SampledFrom([]string{"put", "put", "delete", "get", "scan"}).Draw(t, "step") {
	case "put":
		value := rapid.StringN(0, 20, -1).Draw(t, "value")
		model[key] = value
		err = tx.Put([]byte(key), []byte(value))
	case "delete":
		delete(model, key)
		err = tx.Delete([]byte(key))
	case "get":
		var got []byte
		got, err = tx.Get([]byte(key))
		want, ok := model[key]
		if errors.Is(err, kv.ErrNotFound) && !ok {
			err = nil
		} else if string(got) != want || !ok {
			t.Fatalf("Get(%q) = %q, %v, want %q, %t", key, got, err, want, ok)
		}
	case "scan":
		compareScan(t, tx, model)
	}
	if err != nil {
		t.Fatalf("key %q: %v", key, err)
	}
}

func compareScan(t *rapid.T, tx kv.Tx, model map[string]string) {
	r := kv.Range{Reverse: rapid.Bool().Draw(t, "reverse")}
	if rapid.Bool().Draw(t, "bounded below") {
		r.From = []byte(keyGen.Draw(t, "from"))
	}
	if rapid.Bool().Draw(t, "bounded above") {
		r.To = []byte(keyGen.Draw(t, "to"))
	}
	var want []string
	for _, k := range slices.Sorted(maps.Keys(model)) {
		if (r.From == nil || k >= string(r.From)) && (r.To == nil || k < string(r.To)) {
			want = append(want, fmt.Sprintf("%s=%s", k, model[k]))
		}
	}
	if r.Reverse {
		slices.Reverse(want)
	}
	got, err := all(tx, r)
	if err != nil || got != strings.Join(want, " ") {
		t.Fatalf("scan from %q to %q reverse %t: %q, %v, want %q", r.From, r.To, r.Reverse, got, err, want)
	}
}
