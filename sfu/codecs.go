package sfu

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pion/webrtc/v4"
)

const (
	uriMID         = "urn:ietf:params:rtp-hdrext:sdes:mid"
	uriSendTime    = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
	uriTransportCC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	uriAudioLevel  = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	uriCaptureTime = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"
)

// Video orientation is left out on purpose: browsers then rotate the pixels, and
// recordings are upright. goog-remb is what subscribers answer abs-send-time with.
var (
	audioExtensions = []string{uriMID, uriSendTime, uriTransportCC, uriAudioLevel, uriCaptureTime}
	videoExtensions = []string{uriMID, uriSendTime, uriTransportCC, uriCaptureTime}
	audioFeedback   = []webrtc.RTCPFeedback{{Type: "transport-cc"}}
	videoFeedback   = []webrtc.RTCPFeedback{
		{Type: "goog-remb"}, {Type: "transport-cc"}, {Type: "ccm", Parameter: "fir"},
		{Type: "nack"}, {Type: "nack", Parameter: "pli"},
	}
)

// h264 lists the profiles and packetization modes browsers offer.
var h264 = []string{
	"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
	"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
	"level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f",
	"level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f",
	"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f",
	"level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f",
	"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f",
}

// newMediaEngine registers what we negotiate: Opus, and video with RTX, VP8 first.
func newMediaEngine() (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	opus := webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
		SDPFmtpLine: "minptime=10;useinbandfec=1", RTCPFeedback: audioFeedback,
	}
	err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: opus, PayloadType: 111}, webrtc.RTPCodecTypeAudio)
	if err != nil {
		return nil, fmt.Errorf("register opus: %w", err)
	}
	next := webrtc.PayloadType(96)
	video := func(mime, fmtp string) error {
		primary := webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90000, SDPFmtpLine: fmtp, RTCPFeedback: videoFeedback}
		rtx := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: fmt.Sprintf("apt=%d", next)}
		for _, c := range []webrtc.RTPCodecCapability{primary, rtx} {
			if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: c, PayloadType: next}, webrtc.RTPCodecTypeVideo); err != nil {
				return fmt.Errorf("register %s: %w", mime, err)
			}
			next++
			if next == 111 {
				next++
			}
		}
		return nil
	}
	type codec struct{ mime, fmtp string }
	codecs := []codec{
		{webrtc.MimeTypeVP8, ""}, {webrtc.MimeTypeVP9, "profile-id=0"}, {webrtc.MimeTypeVP9, "profile-id=2"},
		{webrtc.MimeTypeAV1, "level-idx=5;profile=0;tier=0"},
	}
	for _, fmtp := range h264 {
		codecs = append(codecs, codec{webrtc.MimeTypeH264, fmtp})
	}
	for _, c := range codecs {
		if err := video(c.mime, c.fmtp); err != nil {
			return nil, err
		}
	}
	return m, registerExtensions(m)
}

func registerExtensions(m *webrtc.MediaEngine) error {
	for _, uri := range audioExtensions {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeAudio); err != nil {
			return fmt.Errorf("register extension %s: %w", uri, err)
		}
	}
	for _, uri := range videoExtensions {
		if err := m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, webrtc.RTPCodecTypeVideo); err != nil {
			return fmt.Errorf("register extension %s: %w", uri, err)
		}
	}
	return nil
}

// preferVP8 puts VP8 first, since a browser sends the first codec of the answer. The rest
// stays in the order of the offer.
func preferVP8(codecs []webrtc.RTPCodecParameters) []webrtc.RTPCodecParameters {
	out := slices.Clone(codecs)
	slices.SortStableFunc(out, func(a, b webrtc.RTPCodecParameters) int {
		return order(a) - order(b)
	})
	return out
}

func order(c webrtc.RTPCodecParameters) int {
	switch strings.ToLower(c.MimeType) {
	case mimeVP8, mimeOpus:
		return 0
	case strings.ToLower(webrtc.MimeTypeRTX):
		return 2
	}
	return 1
}

// payloadTypes finds how codec is sent to a receiver that negotiated codecs: the payload
// type and that of its retransmissions, 0 if there are none.
func payloadTypes(codec webrtc.RTPCodecCapability, codecs []webrtc.RTPCodecParameters) (pt, rtx uint8, ok bool) {
	for _, c := range codecs {
		if !sameCodec(codec, c.RTPCodecCapability) {
			continue
		}
		apt := fmt.Sprint(uint8(c.PayloadType))
		for _, r := range codecs {
			if strings.EqualFold(r.MimeType, webrtc.MimeTypeRTX) && parameter(r.SDPFmtpLine, "apt", "") == apt {
				rtx = uint8(r.PayloadType)
			}
		}
		return uint8(c.PayloadType), rtx, true
	}
	return 0, 0, false
}

// sameCodec says whether a stream of a can be sent as b: the parameters that change the
// bit stream must agree, levels need not.
func sameCodec(a, b webrtc.RTPCodecCapability) bool {
	if !strings.EqualFold(a.MimeType, b.MimeType) || a.ClockRate != b.ClockRate {
		return false
	}
	same := func(name, missing string) bool {
		return parameter(a.SDPFmtpLine, name, missing) == parameter(b.SDPFmtpLine, name, missing)
	}
	switch strings.ToLower(a.MimeType) {
	case mimeVP9:
		return same("profile-id", "0")
	case mimeAV1:
		return same("profile", "0")
	case mimeH264:
		return same("packetization-mode", "0") && h264Profile(a.SDPFmtpLine) == h264Profile(b.SDPFmtpLine)
	}
	return true
}

// h264Profile is the profile without the level. Baseline with and without constraint are
// taken as one: what WebRTC sends as 42001f decodes as 42e01f (RFC 6184 §8.1).
func h264Profile(fmtp string) string {
	id := parameter(fmtp, "profile-level-id", "420010")
	if len(id) < 2 {
		return id
	}
	return id[:2]
}

// parameter reads one name=value of an fmtp line, in lower case.
func parameter(fmtp, name, missing string) string {
	for field := range strings.SplitSeq(fmtp, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		if strings.EqualFold(key, name) {
			return strings.ToLower(value)
		}
	}
	return missing
}
