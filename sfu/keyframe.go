package sfu

import "strings"

// MIME types of the codecs we forward. Compare without case.
const (
	mimeOpus = "audio/opus"
	mimeVP8  = "video/vp8"
	mimeVP9  = "video/vp9"
	mimeH264 = "video/h264"
	mimeAV1  = "video/av1"
)

// keyframeTest gives the function that tells whether a payload begins a keyframe, from
// where a decoder can start. It is nil for audio, where every packet is a start.
func keyframeTest(mime string) func(payload []byte) bool {
	switch strings.ToLower(mime) {
	case mimeVP8:
		return keyframeVP8
	case mimeVP9:
		return keyframeVP9
	case mimeH264:
		return keyframeH264
	case mimeAV1:
		return keyframeAV1
	}
	return nil
}

// keyframeVP8 reads the payload descriptor (RFC 7741 §4.2) and the first bit of the frame.
func keyframeVP8(b []byte) bool {
	if len(b) < 1 || b[0]&0x10 == 0 || b[0]&0x07 != 0 { // S, PID: first partition begins
		return false
	}
	n := 1
	if b[0]&0x80 != 0 { // X
		if len(b) < 2 {
			return false
		}
		ext := b[1]
		n = 2
		if ext&0x80 != 0 { // I: picture id of 7 or 15 bits
			if len(b) <= n {
				return false
			}
			n++
			if b[n-1]&0x80 != 0 {
				n++
			}
		}
		if ext&0x40 != 0 { // L
			n++
		}
		if ext&0x30 != 0 { // T or K
			n++
		}
	}
	return len(b) > n && b[n]&1 == 0 // P = 0 (RFC 6386 §9.1)
}

// keyframeVP9 reads the payload descriptor (RFC 9628 §4.2).
func keyframeVP9(b []byte) bool {
	if len(b) < 1 || b[0]&0x40 != 0 || b[0]&0x08 == 0 { // P inter-picture, B beginning of frame
		return false
	}
	n := 1
	if b[0]&0x80 != 0 { // I: picture id
		if len(b) <= n {
			return false
		}
		n++
		if b[n-1]&0x80 != 0 {
			n++
		}
	}
	if b[0]&0x20 == 0 { // L: no layer indices
		return len(b) > n
	}
	return len(b) > n && b[n]>>1&7 == 0 && b[n]&1 == 0 // lowest spatial layer, not inter-layer
}

// keyframeH264 looks for an SPS or an IDR slice (RFC 6184 §5).
func keyframeH264(b []byte) bool {
	if len(b) < 1 {
		return false
	}
	switch t := b[0] & 0x1f; t {
	case 5, 7:
		return true
	case 24: // STAP-A
		for b = b[1:]; len(b) > 2; {
			size := int(b[0])<<8 | int(b[1])
			if t := b[2] & 0x1f; size > 0 && (t == 5 || t == 7) {
				return true
			}
			if 2+size > len(b) {
				return false
			}
			b = b[2+size:]
		}
	case 28, 29: // FU-A, FU-B: the first fragment
		return len(b) > 1 && b[1]&0x80 != 0 && (b[1]&0x1f == 5 || b[1]&0x1f == 7)
	}
	return false
}

// keyframeAV1 reads the N bit of the aggregation header: a coded video sequence begins.
func keyframeAV1(b []byte) bool {
	return len(b) > 1 && b[0]&0x08 != 0
}
