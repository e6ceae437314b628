package rest

import (
	"fmt"
	"net/url"
	"strconv"

	"showroom/call"
)

const (
	defaultLimit = 50
	maxLimit     = 200
	maxCursor    = 512 // bytes
)

// list is one page.
type list[T any] struct {
	Data []T     `json:"data"`
	Next *string `json:"next"` // null at the end
}

// page makes a list of what each gives for every item.
func page[S, T any](items []S, next string, each func(S) T) list[T] {
	l := list[T]{Data: every(items, each)}
	if next != "" {
		l.Next = &next
	}
	return l
}

// every is what each gives for all items; an empty list is not null.
func every[S, T any](items []S, each func(S) T) []T {
	all := make([]T, 0, len(items))
	for _, item := range items {
		all = append(all, each(item))
	}
	return all
}

// shorten makes a page of what was asked for with one more than its limit. The cursor behind it is the number of the last one, none at the end.
func shorten[T any](all []T, limit int, number func(T) uint64) (items []T, next string) {
	if len(all) <= limit {
		return all, ""
	}
	return all[:limit], strconv.FormatUint(number(all[limit-1]), 10)
}

func seqOf(e call.Event) uint64 { return e.Seq }

// paging reads limit and after of a query. The cursor is the store's own; the store says whether it is one.
func paging(q url.Values) (after string, limit int, err error) {
	limit = defaultLimit
	if q.Has("limit") {
		limit, err = strconv.Atoi(q.Get("limit"))
		if err != nil || limit < 1 || limit > maxLimit {
			return "", 0, call.Invalid("limit", fmt.Sprintf("not a whole number between 1 and %d", maxLimit))
		}
	}
	after = q.Get("after")
	if len(after) > maxCursor {
		return "", 0, badCursor()
	}
	return after, limit, nil
}

func badCursor() error {
	return call.Invalid("after", `not a cursor of this list; take it from "next" of the page before`)
}

// seqCursor reads the cursor of a list of events: the number of the last one seen.
func seqCursor(after string) (uint64, error) {
	if after == "" {
		return 0, nil
	}
	seq, err := strconv.ParseUint(after, 10, 64)
	if err != nil || strconv.FormatUint(seq, 10) != after {
		return 0, badCursor()
	}
	return seq, nil
}
