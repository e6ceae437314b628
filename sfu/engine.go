package sfu

import (
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/pion/ice/v4"

	"showroom/sfu/udp"
)

// engine is one UDP socket with what its packets meet on their way. Rooms are pinned to
// engines, so that a packet never leaves the goroutine, and mostly not the core, it came on.
type engine struct {
	udp       *udp.Conn
	valve     *valve // between the socket and Pion
	mux       *ice.UDPMuxDefault
	addresses addresses
	batches   sync.Pool // of those who send and read no UDP
	overload  overload
	outlook   outlook
}

// listenEngine opens the nth engine's socket: on the port n above the configured one.
func (s *Server) listenEngine(n int) (*engine, error) {
	host, port, err := net.SplitHostPort(s.config.UDP)
	if err != nil {
		return nil, fmt.Errorf("listen for media on UDP %s: %w", s.config.UDP, err)
	}
	if number, err := strconv.Atoi(port); err == nil && number != 0 {
		port = strconv.Itoa(number + n)
	}
	address := net.JoinHostPort(host, port)
	e := &engine{}
	e.udp, err = udp.Listen(address, e.media)
	if err != nil {
		return nil, fmt.Errorf("listen for media on UDP %s: %w", address, err)
	}
	e.overload.log = s.config.Log.With("udp", e.udp.LocalAddr().String())
	e.batches.New = func() any { return e.udp.NewBatch() }
	e.valve = newValve(e.udp)
	e.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: e.valve, Logger: s.logs.NewLogger("ice-udp")})
	return e, nil
}

// send lets f fill a batch and sends it.
func (e *engine) send(f func(out *udp.Batch)) {
	out := e.batches.Get().(*udp.Batch)
	f(out)
	out.Flush()
	e.batches.Put(out)
}

const watchInterval = 100 * time.Millisecond

// outlook is what the watcher of an engine saw last.
type outlook struct {
	mu       sync.Mutex
	pressure udp.Pressure
	longest  time.Duration // batch of the last second
}

// pressure is what the watcher saw last.
func (e *engine) pressure() (p udp.Pressure, longest time.Duration) {
	e.outlook.mu.Lock()
	defer e.outlook.mu.Unlock()
	return e.outlook.pressure, e.outlook.longest
}

// watch looks at the socket's queue and sheds load while it is too long.
func (e *engine) watch(stop <-chan struct{}) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	var longest time.Duration
	overflowed := e.udp.Pressure().Overflowed
	for n := 1; ; n++ {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			p := e.udp.Pressure()
			longest = max(longest, p.Longest)
			e.outlook.mu.Lock()
			e.outlook.pressure = p
			if n%int(time.Second/watchInterval) == 0 {
				e.outlook.longest, longest = longest, 0
			}
			e.outlook.mu.Unlock()
			e.overload.step(now, p.Overflowed > overflowed || 2*p.Queued > p.Limit)
			overflowed = p.Overflowed
		}
	}
}
