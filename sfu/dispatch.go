package sfu

import "sync"

// dispatcher calls functions one at a time in the order they were given, on a goroutine
// that lives while there is something to call. The queue holds what a room's changes
// produced; peers and tracks are limited in number, so it is bounded by their changes
// and nothing may be dropped from it.
type dispatcher struct {
	wg *sync.WaitGroup // the server's

	mu      sync.Mutex
	queue   []func()
	running bool
}

// call queues f. It never blocks and may be called with locks held.
func (d *dispatcher) call(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = append(d.queue, f)
	if !d.running {
		d.running = true
		d.wg.Go(d.run)
	}
}

func (d *dispatcher) run() {
	for {
		d.mu.Lock()
		if len(d.queue) == 0 {
			d.running, d.queue = false, nil
			d.mu.Unlock()
			return
		}
		f := d.queue[0]
		d.queue = d.queue[1:]
		d.mu.Unlock()
		f()
	}
}
