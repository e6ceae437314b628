package sfu

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"
)

// Server owns the sockets and the rooms.
type Server struct {
	config      Config
	logs        *pionLogs
	certificate webrtc.Certificate
	machine     machine
	start       time.Time
	engines     []*engine
	tcpConns    *tcpListener                             // nil: no ICE-TCP
	seal        func(key []byte, c *srtp.Context) sealer // looked through by a test
	tcp         net.Listener                             // nil: no ICE-TCP
	tcpMux      *ice.TCPMuxDefault
	panics      atomic.Uint64
	tcpDropped  atomic.Uint64
	wg          sync.WaitGroup // of event dispatchers
	turns       *turns
	stop        chan struct{} // ends the engines' watchers
	watchers    sync.WaitGroup

	mu     sync.Mutex
	rooms  map[string]*Room
	closed bool

	past struct {
		mu     sync.Mutex
		counts Counts // of peers that are gone
	}
}

// New opens the sockets.
func New(c Config) (*Server, error) {
	s := &Server{
		config: c.withDefaults(), start: time.Now(), rooms: map[string]*Room{}, stop: make(chan struct{}), turns: newTurns(),
		seal: func(_ []byte, c *srtp.Context) sealer { return c },
	}
	for _, a := range c.Addresses {
		if net.ParseIP(a) == nil {
			return nil, fmt.Errorf("announce %q: not an IP address", a)
		}
	}
	s.logs = newPionLogs(s.config.Log)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate DTLS key: %w", err)
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("generate DTLS certificate: %w", err)
	}
	s.certificate = *certificate
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) listen() error {
	for n := range s.config.Engines {
		e, err := s.listenEngine(n)
		if err != nil {
			return err
		}
		s.engines = append(s.engines, e)
		s.watchers.Go(func() { e.watch(s.turns, s.stop) })
	}
	if s.config.TCP != "" {
		var err error
		s.tcp, err = net.Listen("tcp", s.config.TCP)
		if err != nil {
			return fmt.Errorf("listen for media on TCP %s: %w", s.config.TCP, err)
		}
		s.tcpConns = newTCPListener(s.tcp, s.config.TCPBuffer, &s.tcpDropped)
		s.tcpMux = ice.NewTCPMuxDefault(ice.TCPMuxParams{
			Listener: s.tcpConns,
			Logger:   s.logs.NewLogger("ice-tcp"), ReadBufferSize: 16, FirstStunBindTimeout: 5 * time.Second,
		})
	}
	return nil
}

// UDPAddr is where the first engine receives media.
func (s *Server) UDPAddr() net.Addr { return s.engines[0].udp.LocalAddr() }

// TCPAddr is where ICE-TCP is received; nil if it is not.
func (s *Server) TCPAddr() net.Addr {
	if s.tcp == nil {
		return nil
	}
	return s.tcp.Addr()
}

// Panics counts those contained in packet loops. It must be 0.
func (s *Server) Panics() uint64 { return s.panics.Load() }

// TCPDropped counts the packets that slow ICE-TCP clients did not take in time.
func (s *Server) TCPDropped() uint64 { return s.tcpDropped.Load() }

// UDPDropped counts the packets of sources that sent more than anybody needs to.
func (s *Server) UDPDropped() (n uint64) {
	for _, e := range s.engines {
		n += e.valve.dropped.Load()
	}
	return n
}

// Open makes a room, on the engine with the fewest peers.
func (s *Server) Open(id string, ev RoomEvents) (*Room, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("open room %s: %w", id, ErrClosed)
	}
	if s.rooms[id] != nil {
		return nil, fmt.Errorf("open room %s: %w", id, ErrRoomOpen)
	}
	e := slices.MinFunc(s.engines, func(a, b *engine) int { return cmp.Compare(a.overload.count(), b.overload.count()) })
	if e.overload.busy(time.Now()) {
		return nil, fmt.Errorf("open room %s: %w", id, ErrOverloaded)
	}
	r := newRoom(s, e, id, ev)
	s.rooms[id] = r
	e.add(r)
	return r, nil
}

func (s *Server) forget(r *Room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms[r.id] == r {
		delete(s.rooms, r.id)
	}
}

// Close closes all rooms and the sockets, and waits for the last event. It must not be
// called from an event.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	rooms := make([]*Room, 0, len(s.rooms))
	for _, r := range s.rooms {
		rooms = append(rooms, r)
	}
	s.mu.Unlock()
	for _, r := range rooms {
		r.Close()
	}
	s.wg.Wait()
	close(s.stop)
	s.watchers.Wait()
	var errs []error
	for _, e := range s.engines {
		errs = append(errs, e.mux.Close())
	}
	if s.tcpMux != nil {
		errs = append(errs, s.tcpMux.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close media server: %w", err)
	}
	return nil
}
