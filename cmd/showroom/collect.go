package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Garbage is collected when the heap has grown by so many percent. Media makes nearly none, and what is live is mostly its buffers: to
// collect early costs little then, and saves a third of the memory. People who join make a lot of it, and their handshakes need the time.
const (
	calmPercent = 15
	busyPercent = 100
	busyShare   = 0.1 // of what is live, allocated in a second
)

// tuneCollector sets it as it goes, once a second, as long as the process runs, and gives back what joins have left. Who sets GOGC has
// decided.
func tuneCollector() {
	if os.Getenv("GOGC") != "" {
		return
	}
	samples := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}, {Name: "/gc/heap/live:bytes"}}
	var allocated uint64
	percent := 0
	for range time.Tick(time.Second) {
		metrics.Read(samples)
		now, live := samples[0].Value.Uint64(), samples[1].Value.Uint64()
		if want := collectAt(now-allocated, live); want != percent {
			percent = want
			debug.SetGCPercent(percent)
			if percent == calmPercent {
				debug.FreeOSMemory()
			}
		}
		allocated = now
	}
}

// collectAt is the percentage after a second with so many bytes allocated.
func collectAt(allocated, live uint64) int {
	if float64(allocated) > busyShare*float64(live) {
		return busyPercent
	}
	return calmPercent
}
