package recorder

import (
	"bytes"
	"encoding/binary"

	"showroom/recorder/webm"
)

// NAL unit types (H.264 table 7-1, RFC 6184 §5.2).
const (
	nalIDR   = 5
	nalSPS   = 7
	nalPPS   = 8
	nalSTAPA = 24
	nalFUA   = 28
)

// h264Begins: a packet with a sequence parameter set, or the first slice of an
// IDR picture.
func h264Begins(payload []byte) bool {
	if len(payload) < 2 {
		return false
	}
	switch payload[0] & 0x1F {
	case nalSPS:
		return true
	case nalIDR:
		return payload[1]&0x80 != 0 // first_mb_in_slice is 0
	case nalSTAPA:
		return len(payload) > 3 && payload[3]&0x1F == nalSPS
	case nalFUA:
		return len(payload) > 2 && payload[1]&0x80 != 0 && payload[1]&0x1F == nalIDR && payload[2]&0x80 != 0
	}
	return false
}

// h264State remembers the parameter sets, which need not come with each picture.
type h264State struct{ sps, pps []byte }

// describe walks the length-prefixed NAL units of a frame.
func (h *h264State) describe(frame []byte) (bool, webm.Track, bool) {
	t := webm.Track{Codec: webm.H264}
	key := false
	for len(frame) > 4 {
		n := int(binary.BigEndian.Uint32(frame))
		if n == 0 || n > len(frame)-4 {
			return key, t, false
		}
		nal := frame[4 : 4+n]
		frame = frame[4+n:]
		switch nal[0] & 0x1F {
		case nalIDR:
			key = true
		case nalSPS:
			h.sps = bytes.Clone(nal)
		case nalPPS:
			h.pps = bytes.Clone(nal)
		}
	}
	if !key {
		return false, t, true
	}
	var ok bool
	if t.Width, t.Height, ok = spsSize(h.sps); !ok || len(h.pps) == 0 {
		return true, t, false
	}
	t.Private = avcC(h.sps, h.pps)
	return true, t, true
}

// avcC is the AVCDecoderConfigurationRecord of ISO/IEC 14496-15 §5.3.3.1 with
// four-byte lengths.
func avcC(sps, pps []byte) []byte {
	b := []byte{1, sps[1], sps[2], sps[3], 0xFC | 3, 0xE0 | 1}
	b = binary.BigEndian.AppendUint16(b, uint16(len(sps)))
	b = append(b, sps...)
	b = append(b, 1)
	b = binary.BigEndian.AppendUint16(b, uint16(len(pps)))
	b = append(b, pps...)
	if p := sps[1]; p == 100 || p == 110 || p == 122 || p == 144 {
		b = append(b, 0xFC|1, 0xF8, 0xF8, 0) // 4:2:0, 8 bit: all that WebRTC sends
	}
	return b
}

// spsSize reads a sequence parameter set (H.264 §7.3.2.1.1) up to its size in pixels.
func spsSize(sps []byte) (width, height int, ok bool) {
	if len(sps) < 5 || len(sps) > 1024 {
		return 0, 0, false
	}
	r := &bits{b: bytes.ReplaceAll(sps[1:], []byte{0, 0, 3}, []byte{0, 0})}
	profile := r.read(8)
	r.skip(16)
	r.ue() // seq_parameter_set_id
	chroma := uint32(1)
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		chroma = spsHigh(r)
	}
	r.ue() // log2_max_frame_num
	switch r.ue() {
	case 0:
		r.ue()
	case 1:
		r.skip(1)
		r.se()
		r.se()
		for n := r.ue(); n > 0 && !r.over; n-- {
			r.se()
		}
	}
	r.ue() // max_num_ref_frames
	r.skip(1)
	w, h := r.ue()+1, r.ue()+1
	frameOnly := r.bit()
	if frameOnly == 0 {
		r.skip(1)
	}
	r.skip(1)
	var crop [4]uint32
	if r.flag() {
		for i := range crop {
			crop[i] = r.ue()
		}
	}
	unitX, unitY := uint32(2), 2*(2-frameOnly)
	if chroma == 0 || chroma == 3 {
		unitX = 1
	}
	if chroma != 1 {
		unitY = 2 - frameOnly
	}
	width = int(w)*16 - int(unitX)*(int(crop[0])+int(crop[1]))
	height = int(h)*16*int(2-frameOnly) - int(unitY)*(int(crop[2])+int(crop[3]))
	ok = !r.over && width > 0 && height > 0 && width <= 16384 && height <= 16384
	return width, height, ok
}

// spsHigh reads what the high profiles add and returns chroma_format_idc.
func spsHigh(r *bits) uint32 {
	chroma := r.ue()
	if chroma == 3 {
		r.skip(1)
	}
	r.ue() // bit depths
	r.ue()
	r.skip(1)
	if !r.flag() {
		return chroma
	}
	lists := 8
	if chroma == 3 {
		lists = 12
	}
	for i := range lists {
		if !r.flag() {
			continue
		}
		size, last, next := 16, int32(8), int32(8)
		if i >= 6 {
			size = 64
		}
		for range size {
			if next != 0 {
				next = (last + r.se() + 256) & 255
			}
			if next != 0 {
				last = next
			}
		}
	}
	return chroma
}
