package rest

import (
	"crypto/sha256"
	"strings"
	"sync"
	"time"
)

const (
	accountTries  = 20               // to sign in to one account, from wherever
	accountWindow = 15 * time.Minute // in that time
	maxAccounts   = 16_384           // remembered at once
)

// accounts counts attempts to sign in by e-mail address, those of nobody too. When it is full any one is forgotten: to be forgotten on purpose takes
// thousands of attempts, which are limited by address.
type accounts struct {
	mu   sync.Mutex
	seen map[[sha256.Size]byte]window
}

func newAccounts() *accounts { return &accounts{seen: make(map[[sha256.Size]byte]window)} }

func accountOf(email string) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.ToLower(strings.TrimSpace(email))))
}

// add counts one attempt and returns how long to wait, zero if there is no need to.
func (a *accounts) add(email string, now time.Time) time.Duration {
	account := accountOf(email)
	a.mu.Lock()
	defer a.mu.Unlock()
	w, known := a.seen[account]
	if !known && len(a.seen) >= maxAccounts {
		for any := range a.seen {
			delete(a.seen, any)
			break
		}
	}
	wait := w.add(now, accountWindow, accountTries)
	a.seen[account] = w
	return wait
}

// forget takes the attempts back: the last one was good.
func (a *accounts) forget(email string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.seen, accountOf(email))
}
