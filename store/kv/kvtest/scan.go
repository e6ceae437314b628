package kvtest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"showroom/store/kv"
)

func testRanges(t *testing.T, db kv.DB) {
	put(t, db, "b", "", "d", "", "da", "", "f", "", "\xff", "", "\xff\xff", "")
	cases := []struct{ from, to, want string }{
		{"", "", "b d da f \xff \xff\xff"},
		{"a", "", "b d da f \xff \xff\xff"},
		{"b", "f", "b d da"},
		{"b\x00", "f\x00", "d da f"},
		{"c", "c", ""},
		{"c", "d", ""},
		{"f", "b", ""},
		{"", "b", ""},
		{"\xff\xff\x00", "", ""},
		{"e", "zz", "f"},
	}
	view(t, db, func(tx kv.Tx) error {
		for _, c := range cases {
			for _, reverse := range []bool{false, true} {
				want := strings.Fields(c.want)
				if reverse {
					slices.Reverse(want)
				}
				got, err := keys(tx, kv.Range{From: bound(c.from), To: bound(c.to), Reverse: reverse})
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("from %q to %q reverse %t: %q, %v, want %q", c.from, c.to, reverse, got, err, want)
				}
			}
		}
		for prefix, want := range map[string]string{"d": "d da", "da": "da", "e": "", "\xff": "\xff \xff\xff", "\xff\xff": "\xff\xff", "": "b d da f \xff \xff\xff"} {
			if got, err := keys(tx, kv.Prefix([]byte(prefix))); err != nil || strings.Join(got, " ") != want {
				t.Errorf("prefix %q: %q, %v", prefix, got, err)
			}
		}
		for _, err := range tx.Scan(kv.Range{}) {
			return err // one may stop early
		}
		return nil
	})
}

func bound(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

func keys(tx kv.Tx, r kv.Range) ([]string, error) {
	var out []string
	for item, err := range tx.Scan(r) {
		if err != nil {
			return nil, err
		}
		out = append(out, string(item.Key))
	}
	return out, nil
}

// testScanWhileChanging deletes and rewrites what a scan has just yielded.
func testScanWhileChanging(t *testing.T, db kv.DB) {
	for _, reverse := range []bool{false, true} {
		update(t, db, func(tx kv.Tx) error {
			for i := range 2000 {
				if err := tx.Put(number(i), number(i)); err != nil {
					return err
				}
			}
			return nil
		})
		update(t, db, func(tx kv.Tx) error {
			n := 0
			for item, err := range tx.Scan(kv.Range{Reverse: reverse}) {
				if err != nil {
					return err
				}
				i := int(binary.BigEndian.Uint64(item.Key))
				if want := n; reverse && i != 1999-want || !reverse && i != want {
					return fmt.Errorf("key %d is number %d of the scan", i, n)
				}
				n++
				if i%3 == 0 {
					err = tx.Put(item.Key, []byte("seen"))
				} else {
					err = tx.Delete(item.Key)
				}
				if err != nil {
					return err
				}
			}
			if n != 2000 {
				t.Errorf("the scan saw %d keys, want 2000", n)
			}
			return nil
		})
		view(t, db, func(tx kv.Tx) error {
			left, err := keys(tx, kv.Range{})
			if len(left) != 667 {
				t.Errorf("%d keys are left, want 667", len(left))
			}
			return err
		})
	}
}
