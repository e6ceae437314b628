package sfu

import (
	"fmt"
	"net"
	"slices"
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

	mu    sync.Mutex
	rooms []*Room
}

func (e *engine) add(r *Room) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rooms = append(e.rooms, r)
}

func (e *engine) remove(r *Room) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rooms = slices.DeleteFunc(e.rooms, func(x *Room) bool { return x == r })
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
	e.batches.New = func() any { return e.udp.NewSmallBatch() }
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

const (
	watchInterval = 100 * time.Millisecond
	housekeeping  = 2  // watches between two housekeepings of the rooms
	limitInterval = 10 // … between two REMBs to publishers, and two of longest
	lateFor       = 3  // … in a row with a queue that is half full, or loses datagrams, are trouble
)

// outlook is what the watcher of an engine saw last.
type outlook struct {
	mu       sync.Mutex
	pressure udp.Pressure
	longest  time.Duration // batch of the last second …
	sofar    time.Duration // … and of this one
}

// pressure is what the watcher saw last.
func (e *engine) pressure() (p udp.Pressure, longest time.Duration) {
	e.outlook.mu.Lock()
	defer e.outlook.mu.Unlock()
	return e.outlook.pressure, e.outlook.longest
}

// watch sheds load while the socket's queue is too long, and does what belongs to no packet.
// One goroutine does it for all rooms: to wake up costs more than to look.
func (e *engine) watch(turns *turns, stop <-chan struct{}) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	overflowed, limited, late := e.udp.Pressure().Overflowed, time.Now(), 0
	for n := 1; ; n++ {
		select {
		case <-stop:
			return
		case now := <-ticker.C:
			p := e.udp.Pressure()
			if late++; p.Overflowed == overflowed && 2*p.Queued <= p.Limit {
				late = 0
			}
			turns.step(now, p.Overflowed != overflowed || 8*p.Queued > p.Limit || p.Longest > slowBatch)
			overflowed = p.Overflowed
			e.note(p, n%limitInterval == 0)
			e.overload.step(now, late >= lateFor) // a scheduler that stalls once is no trouble
			if n%housekeeping == 0 {
				e.send(func(out *udp.Batch) { e.each(func(r *Room) { r.late(now, out) }) })
			}
			if n%limitInterval == 0 {
				e.each(func(r *Room) { r.limitPublishers(now, now.Sub(limited)) })
				limited = now
			}
		}
	}
}

func (e *engine) each(f func(*Room)) {
	e.mu.Lock()
	rooms := slices.Clone(e.rooms)
	e.mu.Unlock()
	for _, r := range rooms {
		f(r)
	}
}

// note keeps what is seen for who asks; whole says that a second is over.
func (e *engine) note(p udp.Pressure, whole bool) {
	o := &e.outlook
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pressure, o.sofar = p, max(o.sofar, p.Longest)
	if whole {
		o.longest, o.sofar = o.sofar, 0
	}
}
