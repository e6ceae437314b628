// Package sfu is the selective forwarding unit: rooms of peers, the tracks they
// publish, the slots they receive on, and sinks (a recorder) that get a track's packets.
//
// One PeerConnection a participant; the client is the only offerer. Every media
// section on which the client can receive is a slot: one outgoing stream with its own
// SSRC, continuous sequence numbers and timestamps, whatever published track feeds it.
// Tracks are assigned to slots at run time, without negotiation.
//
// PeerConnection does SDP, ICE and DTLS. RTP and RTCP are ours, with keys from the DTLS
// handshake (keys.go), and never pass through Pion. A packet runs to completion on the
// goroutine that reads it: packet.go is its way from top to bottom. The lists of slots and
// sinks, and the table of addresses, are atomic snapshots; the locks on the way are those of
// its publisher and of each subscriber. The room's lock is never taken for a packet.
//
// Goroutines. Pion's UDP mux owns the one that reads an engine's UDP socket and so runs all
// packets that come by UDP; each ICE-TCP connection is read by one of Pion's and written by one
// of ours, which ends with it. Each engine has one more, which watches its queue and does what
// belongs to no packet (REMB, and reports that no packet came to bring on their way). A Room
// owns one short-lived goroutine that calls the events in order. Peer.Close stops and awaits
// Pion's. Server.Close awaits all.
//
// Lock order: Peer.offering, receiver.mu, Room.mu, then slot.mu, then one of Track.mu,
// governor.mu, cache.mu, dispatcher.mu, link.mu; overload.mu and then nothing; addresses.mu and
// then Peer.mu; engine.mu, tcpListener.mu and tcpConn.mu come last. No callback is called with a lock held, but for a Sink's, which is
// called under the receiver's.
package sfu
