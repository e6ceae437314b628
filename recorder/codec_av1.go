package recorder

import (
	"github.com/pion/rtp/codecs/av1/obu"

	"showroom/recorder/webm"
)

// av1Begins: the N bit says that a coded video sequence begins here, the Z bit
// that the packet goes on with an OBU (AV1 RTP §4.4).
func av1Begins(payload []byte) bool {
	return len(payload) > 1 && payload[0]&0x08 != 0 && payload[0]&0x80 == 0
}

// av1Describe walks the OBUs of a temporal unit (each with its size, as the
// depacketiser leaves them). A unit to start at has a sequence header and a key frame.
func av1Describe(frame []byte) (bool, webm.Track, bool) {
	t := webm.Track{Codec: webm.AV1}
	var seq, whole []byte
	key := false
	for rest := frame; len(rest) > 0; {
		h, err := obu.ParseOBUHeader(rest)
		if err != nil || !h.HasSizeField || len(rest) < h.Size()+1 {
			return false, t, false
		}
		n, used, err := obu.ReadLeb128(rest[h.Size():])
		start := h.Size() + int(used)
		if err != nil || n > uint(len(rest)-start) {
			return false, t, false
		}
		body := rest[start : start+int(n)]
		switch h.Type {
		case obu.OBUSequenceHeader:
			seq, whole = body, rest[:start+int(n)]
		case obu.OBUFrame, obu.OBUFrameHeader:
			// show_existing_frame is 0 and frame_type is KEY_FRAME
			key = key || len(body) > 0 && body[0]&0xE0 == 0
		}
		rest = rest[start+int(n):]
	}
	if !key || seq == nil {
		return false, t, true
	}
	s, ok := parseAV1Sequence(seq)
	if !ok {
		return true, t, false
	}
	t.Width, t.Height = s.width, s.height
	t.Private = append(s.config(), whole...)
	return true, t, true
}

// av1Sequence is what the file's header needs of a sequence header OBU.
type av1Sequence struct {
	profile, level, tier     uint32
	high, twelve, mono       uint32
	subX, subY, chromaSample uint32
	width, height            int
}

// config is the fixed part of av1C (AV1 in ISOBMFF §2.3.3); the sequence header OBU follows it.
func (s av1Sequence) config() []byte {
	return []byte{
		0x81,
		byte(s.profile<<5 | s.level),
		byte(s.tier<<7 | s.high<<6 | s.twelve<<5 | s.mono<<4 | s.subX<<3 | s.subY<<2 | s.chromaSample),
		0,
	}
}

// parseAV1Sequence reads sequence_header_obu (AV1 §5.5.1).
func parseAV1Sequence(b []byte) (av1Sequence, bool) {
	var s av1Sequence
	r := &bits{b: b}
	s.profile = r.read(3)
	r.skip(1) // still_picture
	reduced := r.flag()
	if reduced {
		s.level = r.read(5)
	} else {
		av1Points(r, &s)
	}
	wBits, hBits := int(r.read(4))+1, int(r.read(4))+1
	s.width, s.height = int(r.read(wBits))+1, int(r.read(hBits))+1
	if !reduced && r.flag() { // frame_id_numbers_present
		r.skip(7)
	}
	r.skip(3) // 128×128 superblock, filter intra, intra edge
	if !reduced {
		av1Tools(r)
	}
	r.skip(3) // superres, cdef, restoration
	av1Color(r, &s)
	return s, !r.over && s.width <= 16384 && s.height <= 16384
}

// av1Points reads timing and operating points; the first point is the one that counts.
func av1Points(r *bits, s *av1Sequence) {
	decoderModel, delayBits := false, 0
	if r.flag() { // timing_info_present
		r.skip(64)
		if r.flag() {
			r.ue()
		}
		if decoderModel = r.flag(); decoderModel {
			delayBits = int(r.read(5)) + 1
			r.skip(42)
		}
	}
	displayDelay := r.flag()
	for i := range r.read(5) + 1 {
		r.skip(12)
		level, tier := r.read(5), uint32(0)
		if level > 7 {
			tier = r.bit()
		}
		if i == 0 {
			s.level, s.tier = level, tier
		}
		if decoderModel && r.flag() {
			r.skip(2*delayBits + 1)
		}
		if displayDelay && r.flag() {
			r.skip(4)
		}
	}
}

// av1Tools reads the flags between superblock size and superres.
func av1Tools(r *bits) {
	r.skip(4) // interintra, masked, warped motion, dual filter
	orderHint := r.flag()
	if orderHint {
		r.skip(2)
	}
	screen := uint32(2)
	if !r.flag() { // seq_choose_screen_content_tools
		screen = r.bit()
	}
	if screen > 0 && !r.flag() { // seq_choose_integer_mv
		r.skip(1)
	}
	if orderHint {
		r.skip(3)
	}
}

// av1Color reads color_config (AV1 §5.5.2).
func av1Color(r *bits, s *av1Sequence) {
	s.high = r.bit()
	if s.profile == 2 && s.high == 1 {
		s.twelve = r.bit()
	}
	if s.profile != 1 {
		s.mono = r.bit()
	}
	primaries, transfer, matrix := uint32(2), uint32(2), uint32(2)
	if r.flag() {
		primaries, transfer, matrix = r.read(8), r.read(8), r.read(8)
	}
	if s.mono == 1 {
		s.subX, s.subY = 1, 1
		return
	}
	if primaries == 1 && transfer == 13 && matrix == 0 { // sRGB
		return
	}
	r.skip(1) // color_range
	switch {
	case s.profile == 0:
		s.subX, s.subY = 1, 1
	case s.profile == 2 && s.twelve == 0:
		s.subX = 1
	case s.profile == 2:
		if s.subX = r.bit(); s.subX == 1 {
			s.subY = r.bit()
		}
	}
	if s.subX == 1 && s.subY == 1 {
		s.chromaSample = r.read(2)
	}
}
