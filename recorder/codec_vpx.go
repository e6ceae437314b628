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
	t.Private = vp9Private(h)
	return true, t, t.Width > 0 && t.Height > 0
}

// vp9Private is the codec feature metadata of WebM (webmproject.org/docs/container, VP9 CodecPrivate): pairs of an ID and a value, each
// of one byte with the length between them. The level is left out: a browser changes it with every size.
func vp9Private(h vp9.Header) []byte {
	const profile, bitDepth, chroma = 1, 3, 4
	depth, subsampling := byte(8), byte(1) // 4:2:0, samples colocated with luma
	if c := h.ColorConfig; c != nil {
		if c.BitDepth > 0 {
			depth = c.BitDepth
		}
		switch {
		case !c.SubsamplingX && !c.SubsamplingY:
			subsampling = 3 // 4:4:4
		case !c.SubsamplingY:
			subsampling = 2 // 4:2:2
		}
	}
	return []byte{profile, 1, h.Profile, bitDepth, 1, depth, chroma, 1, subsampling}
}
