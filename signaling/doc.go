// Package signaling is the WebSocket side of docs/protocol.md: tokens, sockets, and the [Hub] that owns everything live.
//
// One goroutine owns a live conference ([conference.run]). It alone touches the participants' sessions, the media room, the
// timers and the cached [call.Case]; there is no lock around them. Others reach it in two ways, both bounded: sockets put what they
// read into its inbox and wait while that is full; the media plane and [Hub.Notice] leave only the newest state and ring a bell, so they
// never wait. After each input the conference settles: it compares the case with what it has told and done, and catches up. So a change
// is in the log before anybody hears of it, and whatever fails is tried again. A slow Desk, sfu or recorder holds up its own conference only.
//
// Goroutines. A conference is one, started by the first join and ended when it has been empty for Config.EmptyTimeout. A socket is two:
// the reader, and the writer that it starts and awaits. [Hub.Close] ends and awaits all of them.
//
// Locks. Hub.mu guards the list of live conferences and sockets; socket.mu a socket's queue; attachment.mu what the media plane said last;
// doors.mu the counts of unauthenticated sockets, misses.mu those of bad tokens. None is held while another is taken or while anything of another package is called.
package signaling
