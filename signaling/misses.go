package signaling

import (
	"sync"
	"time"
)

const (
	maxMisses     = 10 // tokens that are not ours, from one address …
	missWindow    = time.Minute
	missAddresses = 4096 // remembered at once; when there are more, the rest share one count
)

// misses counts the tokens of each address that were not ours. Nobody guesses one; the limit is there against noise in the log
// and to tell apps in a loop to stop. A good token is never refused for the misses of others behind the same address.
type misses struct {
	mu   sync.Mutex
	seen map[string]missed
}

type missed struct {
	ends time.Time
	n    int
}

// add counts one and says whether it is one of the few that are allowed.
func (m *misses) add(address string, now time.Time) bool {
	key := network(address)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.seen[key]; !known && len(m.seen) >= missAddresses {
		for k, old := range m.seen {
			if !now.Before(old.ends) {
				delete(m.seen, k)
			}
		}
		if len(m.seen) >= missAddresses {
			key = ""
		}
	}
	w := m.seen[key]
	if !now.Before(w.ends) {
		w = missed{ends: now.Add(missWindow)}
	}
	w.n++
	m.seen[key] = w
	return w.n <= maxMisses
}
