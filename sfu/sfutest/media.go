package sfutest

import (
	_ "embed"
	"encoding/binary"
	"fmt"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

//go:embed testdata/vp8.ivf
var ivf []byte // 160×90, 15 frames a second, 2 s; only the first frame is a keyframe

// FrameRate of Frames, a second.
const FrameRate = 15

// Silence is an Opus packet of 20 ms.
var Silence = []byte{0xf8, 0xff, 0xfe}

// Frames are the frames of a short VP8 clip that any decoder accepts. The first is a keyframe.
func Frames() [][]byte {
	frames, err := readIVF(ivf)
	if err != nil {
		panic(err) // the file is ours
	}
	return frames
}

// readIVF takes the frames out of an IVF file: a header of 32 bytes, then for each frame
// its size (4 bytes, little endian), a timestamp (8 bytes) and the frame.
func readIVF(b []byte) ([][]byte, error) {
	if len(b) < 32 || string(b[:4]) != "DKIF" {
		return nil, fmt.Errorf("read IVF: no header in %d bytes", len(b))
	}
	var frames [][]byte
	for b = b[32:]; len(b) >= 12; {
		n := int(binary.LittleEndian.Uint32(b))
		if n > len(b)-12 {
			return nil, fmt.Errorf("read IVF: frame %d is cut off", len(frames))
		}
		frames = append(frames, b[12:12+n])
		b = b[12+n:]
	}
	return frames, nil
}

// Packetizer makes RTP packets of VP8 frames, without an SSRC and a payload type: a
// webrtc.TrackLocalStaticRTP fills them in.
type Packetizer struct {
	payloader codecs.VP8Payloader
	seq       uint16
}

// Packets of one frame with the given RTP timestamp (1/90000 s).
func (p *Packetizer) Packets(frame []byte, timestamp uint32) []*rtp.Packet {
	p.payloader.EnablePictureID = true
	payloads := p.payloader.Payload(1100, frame)
	packets := make([]*rtp.Packet, len(payloads))
	for i, payload := range payloads {
		packets[i] = &rtp.Packet{
			Header: rtp.Header{
				Version: 2, SequenceNumber: p.seq, Timestamp: timestamp, Marker: i == len(payloads)-1,
			},
			Payload: payload,
		}
		p.seq++
	}
	return packets
}
