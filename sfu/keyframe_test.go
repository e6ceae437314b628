package sfu

import (
	"testing"

	"github.com/pion/webrtc/v4"
)

func TestKeyframes(t *testing.T) {
	for _, c := range []struct {
		mime    string
		name    string
		payload []byte
		want    bool
	}{
		{mimeVP8, "key", []byte{0x10, 0x00}, true},
		{mimeVP8, "inter", []byte{0x10, 0x01}, false},
		{mimeVP8, "not the first packet", []byte{0x00, 0x00}, false},
		{mimeVP8, "second partition", []byte{0x11, 0x00}, false},
		{mimeVP8, "short picture id", []byte{0x90, 0x80, 0x11, 0x00}, true},
		{mimeVP8, "long picture id", []byte{0x90, 0x80, 0x81, 0x11, 0x00}, true},
		{mimeVP8, "all fields, inter", []byte{0x90, 0xf0, 0x81, 0x11, 0x01, 0x20, 0x01}, false},
		{mimeVP8, "cut off", []byte{0x90, 0xf0, 0x81}, false},
		{mimeVP8, "empty", nil, false},
		{"Video/vP8", "case", []byte{0x10, 0x00}, true},
		{mimeVP9, "key", []byte{0x08, 0x80}, true},
		{mimeVP9, "key with picture id and layers", []byte{0xa8, 0x81, 0x22, 0x00, 1}, true},
		{mimeVP9, "upper spatial layer", []byte{0xa8, 0x81, 0x22, 0x03, 1}, false},
		{mimeVP9, "inter", []byte{0x48, 0x80}, false},
		{mimeVP9, "not the beginning", []byte{0x00, 0x80}, false},
		{mimeVP9, "cut off", []byte{0xa8, 0x81, 0x22}, false},
		{mimeH264, "IDR", []byte{0x65, 1}, true},
		{mimeH264, "SPS", []byte{0x67, 1}, true},
		{mimeH264, "slice", []byte{0x61, 1}, false},
		{mimeH264, "STAP-A with SPS behind AUD", []byte{24, 0, 2, 9, 0xf0, 0, 2, 0x67, 1}, true},
		{mimeH264, "STAP-A of slices", []byte{24, 0, 2, 1, 1, 0, 2, 1, 1}, false},
		{mimeH264, "STAP-A that lies", []byte{24, 255, 255, 1, 1}, false},
		{mimeH264, "first FU-A of IDR", []byte{28, 0x85, 1}, true},
		{mimeH264, "next FU-A of IDR", []byte{28, 0x05, 1}, false},
		{mimeH264, "cut off", []byte{28}, false},
		{mimeAV1, "new sequence", []byte{0x18, 0x0a}, true},
		{mimeAV1, "inter", []byte{0x10, 0x32}, false},
	} {
		if got := keyframeTest(c.mime)(c.payload); got != c.want {
			t.Errorf("%s %s: %v", c.mime, c.name, got)
		}
	}
	if keyframeTest(mimeOpus) != nil {
		t.Error("audio has keyframes")
	}
}

func FuzzKeyframes(f *testing.F) {
	f.Add([]byte{0x90, 0xf0, 0x81, 0x11, 0x01, 0x20, 0x01})
	f.Add([]byte{24, 0, 2, 9, 0xf0, 0, 2, 0x67, 1})
	f.Fuzz(func(_ *testing.T, b []byte) {
		for _, mime := range []string{mimeVP8, mimeVP9, mimeH264, mimeAV1} {
			keyframeTest(mime)(b)
		}
	})
}

func TestPayloadTypes(t *testing.T) {
	codec := func(pt int, mime, fmtp string) webrtc.RTPCodecParameters {
		return webrtc.RTPCodecParameters{
			PayloadType:        webrtc.PayloadType(pt),
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mime, ClockRate: 90000, SDPFmtpLine: fmtp},
		}
	}
	negotiated := []webrtc.RTPCodecParameters{
		codec(96, "video/VP8", ""), codec(97, "video/rtx", "apt=96"),
		codec(98, "video/VP9", "profile-id=0"), codec(99, "video/rtx", "apt=98"),
		codec(100, "video/VP9", "profile-id=2"),
		codec(102, "video/H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f"),
		codec(103, "video/rtx", "apt=102"),
		codec(104, "video/H264", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"),
		codec(106, "video/H264", "packetization-mode=1;profile-level-id=64001f"),
	}
	for _, c := range []struct {
		mime, fmtp string
		pt, rtx    uint8
		ok         bool
	}{
		{"video/VP8", "", 96, 97, true},
		{"VIDEO/vp8", "", 96, 97, true},
		{"video/VP9", "", 98, 99, true},
		{"video/VP9", "profile-id=2", 100, 0, true},
		{"video/VP9", "profile-id=1", 0, 0, false},
		{"video/H264", "profile-level-id=42E034; packetization-mode=1", 102, 103, true},
		{"video/H264", "profile-level-id=42001f", 104, 0, true},
		{"video/H264", "profile-level-id=640c2a;packetization-mode=1", 106, 0, true},
		{"video/H264", "profile-level-id=4d001f;packetization-mode=1", 0, 0, false},
		{"video/AV1", "", 0, 0, false},
	} {
		pt, rtx, ok := payloadTypes(codec(1, c.mime, c.fmtp).RTPCodecCapability, negotiated)
		if pt != c.pt || rtx != c.rtx || ok != c.ok {
			t.Errorf("%s %s: %d %d %v", c.mime, c.fmtp, pt, rtx, ok)
		}
	}
}
