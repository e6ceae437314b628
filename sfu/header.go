package sfu

import (
	"encoding/binary"
	"time"
)

// header is an outgoing RTP header as bytes: twelve, and an extension of one-byte elements
// (RFC 8285 §4.2) if there are any.
type header struct {
	b [48]byte
	n int
}

// begin starts a packet's header.
func (h *header) begin(pt uint8, marker bool, seq uint16, ts, ssrc uint32) {
	h.b[0], h.b[1] = 2<<6, pt
	if marker {
		h.b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(h.b[2:], seq)
	binary.BigEndian.PutUint32(h.b[4:], ts)
	binary.BigEndian.PutUint32(h.b[8:], ssrc)
	h.n = 12
}

// extend adds an element of up to 16 bytes. An id of 0 was not negotiated, one above 14
// does not fit.
func (h *header) extend(id uint8, data []byte) {
	if id == 0 || id > 14 || len(data) == 0 || len(data) > 16 {
		return
	}
	if h.n == 12 {
		h.b[0] |= 0x10
		binary.BigEndian.PutUint16(h.b[12:], 0xbede)
		h.n = 16
	}
	h.b[h.n] = id<<4 | uint8(len(data)-1)
	h.n += 1 + copy(h.b[h.n+1:], data)
}

// sendTime adds abs-send-time.
func (h *header) sendTime(id uint8, now time.Time) {
	var b [3]byte
	putSendTime(&b, now)
	h.extend(id, b[:])
}

// end pads the extension to whole words and gives the header.
func (h *header) end() []byte {
	if h.n == 12 {
		return h.b[:12]
	}
	for h.n%4 != 0 {
		h.b[h.n] = 0
		h.n++
	}
	binary.BigEndian.PutUint16(h.b[14:], uint16((h.n-16)/4))
	return h.b[:h.n]
}

// putSendTime writes abs-send-time: seconds in 6.18 bits fixed point, of a 64 s cycle.
func putSendTime(b *[3]byte, now time.Time) {
	ns := uint64(now.UnixNano())
	v := (ns/1e9%64)<<18 | ns%1e9<<18/1e9
	b[0], b[1], b[2] = byte(v>>16), byte(v>>8), byte(v)
}
