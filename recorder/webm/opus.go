package webm

import (
	"encoding/binary"
	"time"
)

// opusPreSkip is libopus' look-ahead in samples at 48 kHz: a sample captured at
// an RTP time leaves the decoder this much later (RFC 7845 §4.2).
const opusPreSkip = 312

// OpusDelay is the pre-skip as a time, 6.5 ms.
const OpusDelay = opusPreSkip * time.Second / 48000

// OpusHead is the identification header of RFC 7845 §5.1, mapping family 0.
func OpusHead(channels int) []byte {
	b := append([]byte("OpusHead"), 1, byte(channels))
	b = binary.LittleEndian.AppendUint16(b, opusPreSkip)
	b = binary.LittleEndian.AppendUint32(b, 48000)
	b = binary.LittleEndian.AppendUint16(b, 0) // output gain
	return append(b, 0)
}

// OpusDuration of a packet, from its table-of-contents byte (RFC 6716 §3.1).
// A packet that says more than 120 ms, or nothing, counts as 20 ms.
func OpusDuration(packet []byte) time.Duration {
	const usual = 20 * time.Millisecond
	if len(packet) == 0 {
		return usual
	}
	config := packet[0] >> 3
	var frame int // µs
	switch {
	case config < 12: // SILK
		frame = []int{10000, 20000, 40000, 60000}[config&3]
	case config < 16: // hybrid
		frame = []int{10000, 20000}[config&1]
	default: // CELT
		frame = []int{2500, 5000, 10000, 20000}[config&3]
	}
	count := 2
	switch packet[0] & 3 {
	case 0:
		count = 1
	case 3:
		if len(packet) < 2 {
			return usual
		}
		count = int(packet[1] & 0x3F)
	}
	if d := time.Duration(frame*count) * time.Microsecond; d > 0 && d <= 120*time.Millisecond {
		return d
	}
	return usual
}
