package rest

import (
	"context"
	"sync"
	"time"
)

const useStep = time.Minute // a key's last use is written so often at most

// uses remembers when the last use of each key was written. There are no more entries than keys.
type uses struct {
	mu      sync.Mutex
	written map[string]time.Time
}

func newUses() *uses { return &uses{written: make(map[string]time.Time)} }

// due says whether a use now is to be written, and takes it for written.
func (u *uses) due(key string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if last, ok := u.written[key]; ok && now.Sub(last) < useStep {
		return false
	}
	u.written[key] = now
	return true
}

// used notes in the store that a key was used. That it cannot be noted is no reason to refuse a request.
func (a *api) used(ctx context.Context, id, address string, now time.Time) {
	if !a.uses.due(id, now) {
		return
	}
	if err := a.Store.UsedKey(ctx, id, address); err != nil {
		a.Log.Warn("last use of an API key not noted", "key", id, "err", err)
	}
}
