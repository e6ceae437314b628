// Package sfu is the selective forwarding unit: rooms of peers, the tracks they
// publish, the slots they receive on, and sinks (a recorder) that get a track's packets.
//
// One PeerConnection a participant; the client is the only offerer. Every media
// section on which the client can receive is a slot: one outgoing stream with its own
// SSRC, continuous sequence numbers and timestamps, whatever published track feeds it.
// Tracks are assigned to slots at run time, without negotiation.
//
// A packet runs to completion on the goroutine that reads it (Peer.receive): it is
// checked for duplicates, handed to the track's sinks and written to every slot that
// shows the track. The lists of slots and sinks are atomic snapshots. The room's lock is
// never taken for a packet.
//
// Goroutines. A Peer owns one reader of RTP and one of RTCP for each incoming stream, one
// reader of RTCP for each slot, and Pion's own; Peer.Close stops and awaits them. A Room
// owns one housekeeping goroutine (REMB, late sender reports), stopped by Room.Close, and
// one short-lived goroutine that calls the events in order. Each ICE-TCP connection has a
// writer that ends with it. Server.Close awaits all.
//
// Lock order: Peer.offering, Room.mu, then one of slot.mu, Track.mu, governor.mu,
// cache.mu, dispatcher.mu, Peer.mu. No callback is called with a lock held.
package sfu
