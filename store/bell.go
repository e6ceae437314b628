package store

import "sync"

// bell wakes everybody who waits for a change.
type bell struct {
	mu   sync.Mutex
	rung chan struct{} // closed and replaced by tell
}

// wait returns a channel that is closed at the next tell.
func (b *bell) wait() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (b *bell) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
	}
	b.rung = make(chan struct{})
}
