// Package udp is one UDP socket for the media of all peers, which reads and writes in
// batches: recvmmsg and sendmmsg, with segmentation offload both ways where the kernel has
// it; one packet a call on other systems.
//
// SRTP and SRTCP (first byte 128 to 191, RFC 7983) go to a handler and are answered within
// the call; all else is given to whoever reads the socket, which is Pion's UDP mux. The
// goroutine that reads is the one that runs the handler: a Conn has no goroutines.
//
// A Batch belongs to one goroutine at a time. Any number may be in use: the socket needs no
// lock of ours.
package udp
