package recorder

import (
	"fmt"
	"strings"

	"github.com/pion/rtp/codecs"

	"showroom/recorder/webm"
)

// maxFrame bounds one frame, bytes.
const maxFrame = 4 << 20

// codec knows one payload format: where a keyframe may begin, how packets make
// a frame, and what the file has to say about the stream.
type codec struct {
	name  string // as in File.Codecs
	audio bool
	// begins says whether a keyframe can begin with this packet. It decides
	// where to take up a stream whose start, or last packets, are missing.
	begins func(payload []byte) bool
	// depacketiser for one frame; packets of two frames never share one.
	depacketiser func() depacketiser
	// describe looks into a whole frame: is it one to start decoding at, and if
	// so, what does the track's header need. ok is false if that is unreadable.
	describe func(frame []byte) (key bool, t webm.Track, ok bool)
}

// nameOf a track's codec ID, as in File.Codecs.
func nameOf(id string) string {
	switch id {
	case webm.VP8:
		return "vp8"
	case webm.VP9:
		return "vp9"
	case webm.AV1:
		return "av1"
	case webm.H264:
		return "h264"
	}
	return "opus"
}

// depacketiser is the part of Pion's interface that is used.
type depacketiser interface {
	Unmarshal(payload []byte) ([]byte, error)
}

// codecFor a MIME type, which compares without case (GStreamer says audio/OPUS).
func codecFor(info TrackInfo) (*codec, error) {
	switch strings.ToLower(info.MimeType) {
	case "audio/opus":
		if info.ClockRate != 48000 {
			return nil, fmt.Errorf("%w: Opus with clock rate %d", ErrCodec, info.ClockRate)
		}
		return opusCodec(int(info.Channels)), nil
	case "video/vp8":
		return &codec{
			name: "vp8", begins: vp8Begins, describe: vp8Describe,
			depacketiser: func() depacketiser { return new(codecs.VP8Packet) },
		}, nil
	case "video/vp9":
		return &codec{
			name: "vp9", begins: vp9Begins, describe: vp9Describe,
			depacketiser: func() depacketiser { return vp9Depacketiser{} },
		}, nil
	case "video/av1":
		return &codec{
			name: "av1", begins: av1Begins, describe: av1Describe,
			depacketiser: func() depacketiser { return new(codecs.AV1Depacketizer) },
		}, nil
	case "video/h264":
		h := &h264State{}
		return &codec{
			name: "h264", begins: h264Begins, describe: h.describe,
			depacketiser: func() depacketiser { return &codecs.H264Packet{IsAVC: true} },
		}, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrCodec, info.MimeType)
}

func opusCodec(channels int) *codec {
	if channels != 1 {
		channels = 2 // RFC 7587 §4.1: always announced as two
	}
	track := webm.Track{Codec: webm.Opus, Channels: channels, Private: webm.OpusHead(channels)}
	return &codec{
		name: "opus", audio: true,
		begins:       func([]byte) bool { return true },
		depacketiser: func() depacketiser { return new(codecs.OpusPacket) },
		describe:     func([]byte) (bool, webm.Track, bool) { return true, track, true },
	}
}
