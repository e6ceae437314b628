package sfu

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/pion/webrtc/v4"
)

var _ webrtc.TrackLocal = (*slot)(nil)

var errSSRC = errors.New("an SSRC was chosen twice")

// Bind is called by Pion once the slot is negotiated. Its write stream is never used: the
// keys are ours.
func (s *slot) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codecs = c.CodecParameters()
	if ssrc := uint32(c.SSRC()); ssrc != s.ssrc {
		if !s.peer.link.claim(ssrc) {
			return webrtc.RTPCodecParameters{}, errSSRC
		}
		s.ssrc = ssrc
	}
	if ssrc := uint32(c.SSRCRetransmission()); ssrc != s.resend.ssrc { // the numbers of one SSRC never begin again
		if ssrc != 0 && !s.peer.link.claim(ssrc) {
			return webrtc.RTPCodecParameters{}, errSSRC
		}
		s.resend.ssrc, s.resend.seq = ssrc, uint16(rand.IntN(1<<15))
	}
	for _, e := range c.HeaderExtensions() {
		switch e.URI {
		case uriSendTime:
			s.sendTimeID = uint8(e.ID)
		case uriAudioLevel:
			s.levelID = uint8(e.ID)
		case uriCaptureTime:
			s.captureID = uint8(e.ID)
		}
	}
	s.bound = true
	for _, codec := range s.codecs {
		if keyframeTest(codec.MimeType) != nil || strings.EqualFold(codec.MimeType, mimeOpus) {
			return codec, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

// Unbind is called by Pion when the section is stopped or the connection closed.
func (s *slot) Unbind(webrtc.TrackLocalContext) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound = false
	return nil
}

// negotiated gives what the client can decode on this slot; nil if it is not sent on.
func (s *slot) negotiated() []webrtc.RTPCodecParameters {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.bound {
		return nil
	}
	return s.codecs
}

// ID of the track in the client's eyes.
func (s *slot) ID() string { return "slot-" + s.mid }

// RID is empty: a slot sends one encoding.
func (s *slot) RID() string { return "" }

// StreamID is shared by the slots of one index, so that browsers play them in sync.
func (s *slot) StreamID() string { return "pair-" + strconv.Itoa(s.index) }

// Kind of media.
func (s *slot) Kind() webrtc.RTPCodecType { return webrtc.NewRTPCodecType(string(s.kind)) }
