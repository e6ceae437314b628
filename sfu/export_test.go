package sfu

import (
	"fmt"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// Forged counts the peer's packets that did not pass its keys or had come before.
func (p *Peer) Forged() uint64 {
	p.receiver.mu.Lock()
	defer p.receiver.mu.Unlock()
	return p.receiver.forged
}

// MediaByPion counts what Pion wanted to send with the peers' keys.
func (s *Server) MediaByPion() uint64 {
	n := s.Stats().UDP.Refused
	if s.tcpConns != nil {
		n += s.tcpConns.refused.Load()
	}
	return n
}

// Nonces looks for key streams used twice, which is what a nonce used twice gives, however
// its parts were counted: plaintext xor ciphertext.
type Nonces struct {
	mu     sync.Mutex
	seen   map[[8]byte]string
	keys   map[string]bool
	reused []string
	rtp    map[uint32]int // packets by SSRC
	rtcp   int
}

// Watch makes a server's encryption pass by n.
func (n *Nonces) Watch(s *Server) {
	s.seal = func(key []byte, c *srtp.Context) sealer { return n.watch(string(key), c) }
}

func (n *Nonces) watch(key string, s sealer) sealer {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen == nil {
		n.seen, n.keys, n.rtp = map[[8]byte]string{}, map[string]bool{}, map[uint32]int{}
	}
	if n.keys[key] {
		n.reused = append(n.reused, "a key was taken into use twice")
	}
	n.keys[key] = true
	return &watched{sealer: s, nonces: n}
}

// Result gives what was used twice, the number of keys, and the packets seen.
func (n *Nonces) Result() (reused []string, keys int, rtp map[uint32]int, rtcp int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.reused, len(n.keys), n.rtp, n.rtcp
}

func (n *Nonces) note(what string, plain, sealed []byte) {
	if len(plain) < 8 || len(sealed) < 8 {
		return
	}
	var stream [8]byte
	for i := range stream {
		stream[i] = plain[i] ^ sealed[i]
	}
	if before, ok := n.seen[stream]; ok && len(n.reused) < 10 {
		n.reused = append(n.reused, fmt.Sprintf("%s has the nonce of %s", what, before))
	}
	n.seen[stream] = what
}

type watched struct {
	sealer
	nonces *Nonces
	plain  []byte
}

func (w *watched) EncryptRTP(dst, plaintext []byte, h *rtp.Header) ([]byte, error) {
	w.plain = append(w.plain[:0], plaintext...)
	sealed, err := w.sealer.EncryptRTP(dst, plaintext, h)
	if err == nil {
		w.nonces.mu.Lock()
		defer w.nonces.mu.Unlock()
		w.nonces.rtp[h.SSRC]++
		n := len(w.plain)
		if payload, ok := payloadOf(w.plain); ok {
			n -= len(payload)
		}
		w.nonces.note(fmt.Sprintf("RTP %d number %d", h.SSRC, h.SequenceNumber), w.plain[n:], sealed[n:])
	}
	return sealed, err
}

func (w *watched) EncryptRTCP(dst, plaintext []byte, h *rtcp.Header) ([]byte, error) {
	w.plain = append(w.plain[:0], plaintext...)
	sealed, err := w.sealer.EncryptRTCP(dst, plaintext, h)
	if err == nil {
		w.nonces.mu.Lock()
		defer w.nonces.mu.Unlock()
		w.nonces.rtcp++
		w.nonces.note("RTCP", w.plain[8:], sealed[8:])
	}
	return sealed, err
}
