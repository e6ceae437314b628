package sfu

import (
	"strconv"
	"strings"

	"github.com/pion/webrtc/v4"
)

// routes says which section a stream belongs to and how it is read. They are made of each
// offer and its answer, and not changed then.
type routes struct {
	declared map[uint32]declared
	sections map[string]*reading // looked up for a stream's first packet and when its codec changes

	midID, ccID uint8 // header extensions, which a bundle shares (RFC 8843 §15); 0: not negotiated
}

// declared is what an offer says of an SSRC.
type declared struct {
	mid     string
	repairs uint32 // the SSRC of which this one is the RTX stream; 0: of none
}

// reading is how the streams of one section are read.
type reading struct {
	codecs             map[uint8]*webrtc.RTPCodecParameters
	repairs            map[uint8]uint8 // RTX payload type → of what (RFC 4588 §8.1)
	levelID, captureID uint8
}

// newRoutes reads the offer's SSRCs and what was negotiated for its sections.
func newRoutes(d *description, transceivers []*webrtc.RTPTransceiver) *routes {
	r := &routes{declared: map[uint32]declared{}, sections: map[string]*reading{}}
	for _, s := range d.sections {
		if s.media() {
			r.declare(s)
		}
	}
	for _, t := range transceivers {
		if receiver := t.Receiver(); receiver != nil && t.Mid() != "" {
			r.sections[t.Mid()] = r.negotiated(receiver.GetParameters())
		}
	}
	return r
}

func (r *routes) declare(s *section) {
	for _, line := range s.lines {
		rest, ok := strings.CutPrefix(line, "a=ssrc:")
		if !ok {
			continue
		}
		number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if ssrc, ok := parseSSRC(number); ok && len(r.declared) < declaredLimit {
			r.declared[ssrc] = declared{mid: s.mid}
		}
	}
	for _, line := range s.lines {
		rest, ok := strings.CutPrefix(line, "a=ssrc-group:FID ") // primary, RTX (RFC 5576 §4.2)
		if !ok {
			continue
		}
		numbers := strings.Fields(rest)
		if len(numbers) != 2 {
			continue
		}
		primary, ok := parseSSRC(numbers[0])
		repair, ok2 := parseSSRC(numbers[1])
		if _, known := r.declared[repair]; ok && ok2 && known {
			r.declared[repair] = declared{mid: s.mid, repairs: primary}
		}
	}
}

func parseSSRC(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && n != 0
}

func (r *routes) negotiated(p webrtc.RTPParameters) *reading {
	s := &reading{codecs: map[uint8]*webrtc.RTPCodecParameters{}, repairs: map[uint8]uint8{}}
	for i := range p.Codecs {
		c := &p.Codecs[i]
		if !strings.EqualFold(c.MimeType, webrtc.MimeTypeRTX) {
			s.codecs[uint8(c.PayloadType)] = c
			continue
		}
		if apt, err := strconv.ParseUint(parameter(c.SDPFmtpLine, "apt", ""), 10, 7); err == nil {
			s.repairs[uint8(c.PayloadType)] = uint8(apt)
		}
	}
	for _, e := range p.HeaderExtensions {
		switch e.URI {
		case uriMID:
			r.midID = uint8(e.ID)
		case uriTransportCC:
			r.ccID = uint8(e.ID)
		case uriAudioLevel:
			s.levelID = uint8(e.ID)
		case uriCaptureTime:
			s.captureID = uint8(e.ID)
		}
	}
	return s
}
