// Package load measures a running server with real WebRTC peers: what a forwarded packet costs the server's process, what
// a participant takes of its memory, how long joining takes, how late media arrives and what is lost on the way.
//
// It knows the server by docs/protocol.md and docs/http-api.md alone, as a native app would, and measures its process from
// outside, by /proc.
//
// Goroutines. A [peer] is one reader of its socket, started by peer.start, and one goroutine that publishes, if it does;
// peer.close stops and awaits them and Pion's. A scenario has one goroutine for all its peers' RTCP. Received packets are
// counted on the goroutine of Pion that decrypts them, so that the tool takes as little of the machine as can be.
//
// Locks. peer.mu, outbound.mu and inbound.mu; none is held while another is taken or while a packet or message is awaited.
package load
