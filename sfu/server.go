package sfu

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"showroom/sfu/udp"
)

// Server owns the sockets and the rooms.
type Server struct {
	config      Config
	logs        *pionLogs
	certificate webrtc.Certificate
	start       time.Time
	udp         *udp.Conn
	valve       *valve       // between the socket and Pion
	tcpConns    *tcpListener // nil: no ICE-TCP
	addresses   addresses
	batches     sync.Pool                                // of those who send and read no UDP
	seal        func(key []byte, c *srtp.Context) sealer // looked through by a test
	tcp         net.Listener                             // nil: no ICE-TCP
	udpMux      *ice.UDPMuxDefault
	tcpMux      *ice.TCPMuxDefault
	panics      atomic.Uint64
	tcpDropped  atomic.Uint64
	wg          sync.WaitGroup // of event dispatchers

	mu     sync.Mutex
	rooms  map[string]*Room
	closed bool
}

// New opens the sockets.
func New(c Config) (*Server, error) {
	s := &Server{
		config: c.withDefaults(), start: time.Now(), rooms: map[string]*Room{},
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
		return nil, err
	}
	return s, nil
}

func (s *Server) listen() error {
	conn, err := udp.Listen(s.config.UDP, s.media)
	if err != nil {
		return fmt.Errorf("listen for media on UDP %s: %w", s.config.UDP, err)
	}
	s.udp = conn
	s.batches.New = func() any { return conn.NewBatch() }
	if s.config.TCP != "" {
		s.tcp, err = net.Listen("tcp", s.config.TCP)
		if err != nil {
			_ = conn.Close()
			return fmt.Errorf("listen for media on TCP %s: %w", s.config.TCP, err)
		}
		s.tcpConns = newTCPListener(s.tcp, s.config.TCPBuffer, &s.tcpDropped)
		s.tcpConns.batches = &s.batches
		s.tcpMux = ice.NewTCPMuxDefault(ice.TCPMuxParams{
			Listener: s.tcpConns,
			Logger:   s.logs.NewLogger("ice-tcp"), ReadBufferSize: 64, FirstStunBindTimeout: 5 * time.Second,
		})
	}
	s.valve = newValve(conn)
	s.udpMux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: s.valve, Logger: s.logs.NewLogger("ice-udp")})
	return nil
}

// UDPAddr is where media is received.
func (s *Server) UDPAddr() net.Addr { return s.udp.LocalAddr() }

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
func (s *Server) UDPDropped() uint64 { return s.valve.dropped.Load() }

// Open makes a room.
func (s *Server) Open(id string, ev RoomEvents) (*Room, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("open room %s: %w", id, ErrClosed)
	}
	if s.rooms[id] != nil {
		return nil, fmt.Errorf("open room %s: %w", id, ErrRoomOpen)
	}
	r := newRoom(s, id, ev)
	s.rooms[id] = r
	return r, nil
}

// send lets f fill a batch and sends it.
func (s *Server) send(f func(out *udp.Batch)) {
	out := s.batches.Get().(*udp.Batch)
	f(out)
	out.Flush()
	s.batches.Put(out)
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
	var errs []error
	errs = append(errs, s.udpMux.Close())
	if s.tcpMux != nil {
		errs = append(errs, s.tcpMux.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close media server: %w", err)
	}
	return nil
}
