// Command showroom is the whole server in one binary: pages, signaling, media, recordings and the HTTP API.
//
// This package wires the parts and owns their life cycle; what they do is in their packages.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	_ "time/tzdata" // sellers' time zones, also where the machine has none
)

// leastThreads is how many goroutines may run at once, also on one core: of two threads the kernel gives the core to the one that slept,
// which is the media's. With one, media waits behind each handshake of who joins.
const leastThreads = 2

func main() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < leastThreads {
		runtime.GOMAXPROCS(leastThreads)
	}
	go tuneCollector()
	soon, now := signals()
	os.Exit(run(soon, now, os.Args[1:], os.Stdout, os.Stderr))
}

// signals returns two contexts: soon ends at the first SIGINT or SIGTERM (drain), now at the second (close at once).
func signals() (soon, now context.Context) {
	soon, drain := context.WithCancel(context.Background())
	now, stop := context.WithCancel(context.Background())
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	go func() { // as long as the process
		<-c
		drain()
		<-c
		stop()
	}()
	return soon, now
}
