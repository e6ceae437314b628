package recorder

import (
	"encoding/binary"

	"github.com/pion/rtp/codecs"
	"github.com/pion/rtp/codecs/vp9"

	"showroom/recorder/webm"
)

// vp8Begins: start of the first partition of a keyframe (RFC 7741 §4.2, §4.3).
func vp8Begins(payload []byte) bool {
	var p codecs.VP8Packet
	data, err := p.Unmarshal(payload)
	return err == nil && p.S == 1 && p.PID == 0 && len(data) > 0 && data[0]&1 == 0
}

// vp8Describe reads the frame header (RFC 6386 §9.1).
func vp8Describe(frame []byte) (bool, webm.Track, bool) {
	t := webm.Track{Codec: webm.VP8}
	if len(frame) == 0 {
		return false, t, false
	}
	if frame[0]&1 != 0 {
		return false, t, true
	}
	if len(frame) < 10 || frame[3] != 0x9D || frame[4] != 0x01 || frame[5] != 0x2A {
		return true, t, false
	}
	t.Width = int(binary.LittleEndian.Uint16(frame[6:]) & 0x3FFF)
	t.Height = int(binary.LittleEndian.Uint16(frame[8:]) & 0x3FFF)
	return true, t, t.Width > 0 && t.Height > 0
}

// vp9Depacketiser begins afresh with each packet: Pion's adds up reference
// indices over packets and then refuses them.
type vp9Depacketiser struct{}

func (vp9Depacketiser) Unmarshal(payload []byte) ([]byte, error) {
	var p codecs.VP9Packet
	return p.Unmarshal(payload)
}

// vp9Begins: start of a frame of the base layer that predicts from nothing (RFC 9628 §4.2).
func vp9Begins(payload []byte) bool {
	var p codecs.VP9Packet
	_, err := p.Unmarshal(payload)
	return err == nil && p.B && !p.P && p.SID == 0
}

// vp9Describe reads the uncompressed header.
func vp9Describe(frame []byte) (bool, webm.Track, bool) {
	t := webm.Track{Codec: webm.VP9}
	var h vp9.Header
	if len(frame) == 0 || h.Unmarshal(frame) != nil {
		return false, t, false
	}
	if h.ShowExistingFrame || h.NonKeyFrame {
		return false, t, true
	}
	t.Width, t.Height = int(h.Width()), int(h.Height())
	return true, t, t.Width > 0 && t.Height > 0
}
