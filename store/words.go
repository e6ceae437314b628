package store

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"showroom/call"
	"showroom/store/kv"
)

// wordKeys adds the keys under which a list of words has an id: each place of its text from which it may be found.
func wordKeys(keys [][]byte, list []byte, places []string, id string) [][]byte {
	for _, p := range places {
		keys = append(keys, []byte(string(list)+p+"\x00"+id))
	}
	return keys
}

// found reads a list of words from the cursor: whoever has a place that begins with the text, in the order of these places, and once each: at
// the first of them.
func found[T any](ctx context.Context, s *Store, list []byte, text, table, cursor string, limit int, keysOf func(T) [][]byte) (all []T, next string, err error) {
	text = call.SearchText(text)
	if text == "" {
		return nil, "", nil
	}
	begin := append(slices.Clone(list), text...)
	r := kv.Prefix(begin)
	if cursor != "" {
		end, err := parseWordCursor(cursor, text)
		if err != nil {
			return nil, "", err
		}
		r.From = after(append(slices.Clone(list), end...))
	}
	limit = batch(limit)
	err = s.view(ctx, func(t tx) error {
		var last []byte
		for item, err := range t.Scan(r) {
			if err != nil {
				return err
			}
			_, id, _ := bytes.Cut(item.Key[len(list):], []byte{0})
			v, err := listed[T](t, table, string(id))
			if err != nil {
				return err
			}
			if !bytes.Equal(item.Key, firstOf(keysOf(v), begin)) {
				continue
			}
			if len(all) == limit {
				next = formatCursor(last)
				return nil
			}
			all, last = append(all, v), item.Key[len(list):]
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("search: %w", err)
	}
	return all, next, nil
}

// firstOf is the least key that begins so.
func firstOf(keys [][]byte, begin []byte) (least []byte) {
	for _, k := range keys {
		if bytes.HasPrefix(k, begin) && (least == nil || bytes.Compare(k, least) < 0) {
			least = k
		}
	}
	return least
}

// parseWordCursor is the end of a key of the list of words that was given out for this text.
func parseWordCursor(cursor, text string) ([]byte, error) {
	end, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || formatCursor(end) != cursor {
		return nil, badCursor()
	}
	place, id, _ := bytes.Cut(end, []byte{0})
	if !validID(string(id)) || !strings.HasPrefix(string(place), text) || len(end) > kv.MaxKey/2 {
		return nil, badCursor()
	}
	return end, nil
}
