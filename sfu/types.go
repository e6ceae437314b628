package sfu

import (
	"time"

	"github.com/pion/rtp"
)

// Kind of media.
type Kind string

// The kinds of media.
const (
	Audio Kind = "audio"
	Video Kind = "video"
)

// Source says what a peer captures: the words of the signaling protocol.
type Source string

// The sources a peer can publish.
const (
	Mic         Source = "mic"
	Camera      Source = "camera"
	Screen      Source = "screen"
	ScreenAudio Source = "screen_audio"
)

// Kind of media the source gives; empty for an unknown source.
func (s Source) Kind() Kind {
	switch s {
	case Mic, ScreenAudio:
		return Audio
	case Camera, Screen:
		return Video
	}
	return ""
}

// shared says that the source is part of a screen share, which comes and goes.
func (s Source) shared() bool { return s == Screen || s == ScreenAudio }

// PeerState is the state of a peer's connection.
type PeerState string

// The states of a peer. Failed may still be left by an ICE restart, Closed is the last.
const (
	Connecting   PeerState = "connecting"
	Connected    PeerState = "connected"
	Disconnected PeerState = "disconnected"
	Failed       PeerState = "failed"
	Closed       PeerState = "closed"
)

// Slot is one media section on which a client receives. Peer is empty while it is free.
type Slot struct {
	MID    string
	Peer   string
	Track  string
	Source Source
	Kind   Kind
}

// Sink takes the packets of one published track. Its methods are called on the goroutine
// that reads the track, so they must neither block nor keep p or anything p points to.
type Sink interface {
	// WriteRTP gets the publisher's packet as sent, retransmissions unwrapped, duplicates
	// removed, in order of arrival. Padding has been taken off; the payload may be empty.
	WriteRTP(p *rtp.Packet, arrived time.Time)
	// WriteSenderReport gets the pair of NTP and RTP time of a sender report (RFC 3550 §6.4.1).
	WriteSenderReport(ntp uint64, rtp uint32, arrived time.Time)
}

// RoomEvents tells of the tracks of a room. Each func may be nil. All events of a room
// and its peers are called one at a time, in order, with no lock held.
type RoomEvents struct {
	Published   func(*Track)
	Unpublished func(*Track)
}

// PeerEvents tells of one peer. Each func may be nil. See RoomEvents for how they are called.
type PeerEvents struct {
	State     func(PeerState)
	Slots     func([]Slot)           // the whole list, each time it changes and after each offer
	NeedSlots func(audio, video int) // the next offer should have so many more recvonly sections
	Violation func(reason string)    // the peer broke a limit and is being closed; a stable word
}

// PeerStats are counters since the peer joined, and the state of now.
type PeerStats struct {
	State     PeerState
	Address   string        // of the client, once connected
	Protocol  string        // udp or tcp
	RoundTrip time.Duration // by STUN
	Estimate  uint64        // bit/s the peer says it can receive (REMB); 0: unknown
	Reduced   bool          // an overloaded engine does not carry all of the peer's media now

	Counts
	LossToPeer float64 // share of the packets to the peer that it lost of late
}

// Counts are of one peer, or the sum of many.
type Counts struct {
	ReceivedPackets, ReceivedBytes   uint64 // from the peer, payload bytes
	ForwardedPackets, ForwardedBytes uint64 // to the peer, payload bytes
	Lost                             uint64 // packets of the peer's tracks that never came
	Duplicates                       uint64 // came twice, or too late
	ParseErrors                      uint64 // not RTP, or of no negotiated payload type
	Resent                           uint64 // packets sent again to the peer
	ResendRefused                    uint64 // asked for, not sent: too often, too old or over the budget
	Dropped                          uint64 // could not be written to the peer's connection
	Shed                             uint64 // not carried from or to the peer: the engine was overloaded
	Panics                           uint64 // contained in the peer's packet loop; must be 0
}

// Plus adds up.
func (c Counts) Plus(o Counts) Counts {
	return Counts{
		ReceivedPackets: c.ReceivedPackets + o.ReceivedPackets, ReceivedBytes: c.ReceivedBytes + o.ReceivedBytes,
		ForwardedPackets: c.ForwardedPackets + o.ForwardedPackets, ForwardedBytes: c.ForwardedBytes + o.ForwardedBytes,
		Lost: c.Lost + o.Lost, Duplicates: c.Duplicates + o.Duplicates, ParseErrors: c.ParseErrors + o.ParseErrors,
		Resent: c.Resent + o.Resent, ResendRefused: c.ResendRefused + o.ResendRefused,
		Dropped: c.Dropped + o.Dropped, Shed: c.Shed + o.Shed, Panics: c.Panics + o.Panics,
	}
}
