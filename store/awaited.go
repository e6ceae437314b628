package store

import (
	"bytes"
	"context"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

// Awaited are up to limit conferences that have not taken place and whose planned end was at then or before, the earliest first. When there
// are no more of them, next is the first planned end after that; the zero time if there is none. Nobody is in any of them.
func (s *Store) Awaited(ctx context.Context, then time.Time, limit int) (ids []string, next time.Time, err error) {
	limit = batch(limit)
	err = s.view(ctx, func(t tx) error {
		last := appendTime(nil, then.Add(1))
		for item, err := range t.Scan(kv.Prefix([]byte(listAwaited))) {
			if err != nil {
				return err
			}
			id := aged(item.Key[len(listAwaited):])
			if len(ids) == limit {
				return nil
			}
			if bytes.Compare(item.Key[len(listAwaited):], last) >= 0 {
				c, err := object[call.Conference](t, tableConference, id)
				next = c.EndsAt()
				return err
			}
			ids = append(ids, id)
		}
		return nil
	})
	return ids, next, err
}
