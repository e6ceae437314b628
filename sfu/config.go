package sfu

import (
	"errors"
	"log/slog"
	"time"
)

// Errors a caller may want to tell apart.
var (
	ErrClosed       = errors.New("closed")                                 // the server, room or peer is closed
	ErrRoomOpen     = errors.New("room is open already")                   // Server.Open
	ErrRoomFull     = errors.New("room is full")                           // Room.Join
	ErrPeerExists   = errors.New("peer is in the room already")            // Room.Join
	ErrBadSDP       = errors.New("bad session description")                // Peer.Offer: garbage or over a limit
	ErrTooManyOffer = errors.New("too many offers")                        // Peer.Offer: more than OffersPerSecond
	ErrBadCandidate = errors.New("bad candidate")                          // Peer.AddCandidate
	ErrNoOffer      = errors.New("a candidate before the first offer")     // Peer.AddCandidate
	errNoMedia      = errors.New("no audio or video section in the offer") // wrapped in ErrBadSDP
)

// Config says where to listen and what a peer may ask of us. A zero limit means its default.
type Config struct {
	UDP       string   // host:port of the first engine's UDP port; the next ones have the ports above it
	Engines   int      // 1: UDP sockets, each with a goroutine that carries the media of its rooms
	TCP       string   // host:port for ICE-TCP; empty: none
	Addresses []string // IP addresses to announce besides those of the interfaces

	PeersPerRoom    int           // 32
	TracksPerPeer   int           // 8
	SDPBytes        int           // 64 KiB
	SDPSections     int           // 64
	SDPCandidates   int           // 200, of one offer and of one ICE generation's trickle
	OffersPerSecond int           // 5
	UnknownSSRCs    int           // 64: SSRCs nobody declared; the next one closes the peer
	MinBitrate      uint64        // 100,000 bit/s: the least a publisher is ever asked to send
	MaxBitrate      uint64        // 5,000,000 bit/s: the most a publisher is allowed to send
	TCPBuffer       int           // 512 KiB: what waits for a slow ICE-TCP peer; the rest is dropped
	Disconnected    time.Duration // 5 s without a STUN answer
	Failed          time.Duration // 15 s more
	KeepAlive       time.Duration // 2 s
	Log             *slog.Logger
}

func (c Config) withDefaults() Config {
	setDefault(&c.Engines, 1)
	setDefault(&c.PeersPerRoom, 32)
	setDefault(&c.TracksPerPeer, 8)
	setDefault(&c.SDPBytes, 64<<10)
	setDefault(&c.SDPSections, 64)
	setDefault(&c.SDPCandidates, 200)
	setDefault(&c.OffersPerSecond, 5)
	setDefault(&c.UnknownSSRCs, 64)
	setDefault(&c.MinBitrate, 100_000)
	setDefault(&c.MaxBitrate, 5_000_000)
	setDefault(&c.TCPBuffer, 512<<10)
	setDefault(&c.Disconnected, 5*time.Second)
	setDefault(&c.Failed, 15*time.Second)
	setDefault(&c.KeepAlive, 2*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
