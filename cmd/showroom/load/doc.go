// Package load measures a running server with real WebRTC peers: what a forwarded packet costs the server's process, what
// a participant takes of its memory, how long joining takes, how late media arrives, what is lost on the way, how much the
// server can do at most, and whether people who come and go leave anything behind.
//
// It knows the server by docs/protocol.md and docs/http-api.md alone, as a native app would, and measures its process from
// outside, by /proc.
//
// The peers are as light as they can be with ICE, DTLS and SRTP that are real: Pion's agent and handshake, a port of their
// own, but no PeerConnection. The way of a forwarded packet through the tool is port_linux.go, where one goroutine reads
// all ports in batches, then receive.go, which counts it by its header and decrypts one of sixteen.
//
// Goroutines. A [crew] has one that reads all ports and one that publishes for all peers; crew.close stops and awaits them.
// A scenario has one for all its peers' RTCP. A [peer] has the reader of its socket and Pion's; peer.close stops and awaits
// them.
//
// Locks. Of outbound.mu, sealer.mu and system.mu an earlier one may be held while a later one is taken; system.mu and then
// ports.mu. All others are taken alone.
package load
