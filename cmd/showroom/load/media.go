package load

import (
	"encoding/binary"
	"time"
)

const (
	frameRate     = 30
	opusPacket    = 20 * time.Millisecond
	opusBytes     = 80   // 32 kbit/s
	packetPayload = 1200 // bytes of RTP payload at most, as libwebrtc cuts frames
	keyframeScale = 5    // a keyframe is so many times as large as the frames between
	descriptor    = 4    // bytes of VP8 payload descriptor with a 15 bit picture id
	keyHeader     = 10   // bytes of a VP8 keyframe's header
	stampSize     = 12
	stampMagic    = 0x53484f57 // "SHOW"
)

// began is what stamps count from: both ends are in this process and share its monotonic clock.
var began = time.Now()

// putStamp writes the time into the last bytes of a payload.
func putStamp(payload []byte, now time.Time) {
	tail := payload[len(payload)-stampSize:]
	binary.BigEndian.PutUint32(tail, stampMagic)
	binary.BigEndian.PutUint64(tail[4:], uint64(now.Sub(began)))
}

// stampOf reads what putStamp wrote: the time since began.
func stampOf(payload []byte) (time.Duration, bool) {
	if len(payload) < stampSize {
		return 0, false
	}
	tail := payload[len(payload)-stampSize:]
	return time.Duration(binary.BigEndian.Uint64(tail[4:])), binary.BigEndian.Uint32(tail) == stampMagic
}

// frameBytes is the size of an ordinary frame at a bit rate.
func frameBytes(kbps int) int { return max(64, kbps*1000/8/frameRate) }

// split cuts n bytes into packets of nearly equal size, none above limit, and calls each with its size.
func split(n, limit int, each func(size int, first, last bool)) {
	packets := (n + limit - 1) / limit
	for i := range packets {
		size := n / packets
		if i < n%packets {
			size++
		}
		each(size, i == 0, i == packets-1)
	}
}

// putVP8 writes what begins a packet of a VP8 frame: the payload descriptor (RFC 7741 §4.2) and, on the first one, the
// frame's header (RFC 6386 §9.1). What follows is no picture, but servers and recorders do not look further.
func putVP8(payload []byte, picture uint16, key, first bool) {
	const extended, start, hasPicture, long = 0x80, 0x10, 0x80, 0x8000
	payload[0] = extended
	if first {
		payload[0] |= start
	}
	payload[1] = hasPicture
	binary.BigEndian.PutUint16(payload[2:], long|picture&0x7fff)
	if !first {
		return
	}
	frame := payload[descriptor:]
	const interframe, shown, partition = 1, 1 << 4, 1 << 5 // partition: the first partition's size begins here
	tag := uint32(shown | 16*partition)
	if !key {
		tag |= interframe
	}
	frame[0], frame[1], frame[2] = byte(tag), byte(tag>>8), byte(tag>>16)
	if key {
		const width, height = 1280, 720
		copy(frame[3:], []byte{0x9d, 0x01, 0x2a})
		binary.LittleEndian.PutUint16(frame[6:], width)
		binary.LittleEndian.PutUint16(frame[8:], height)
	}
}

// putOpus writes the byte that begins an Opus packet (RFC 6716 §3.1): one CELT frame of 20 ms, full band, mono.
func putOpus(payload []byte) { payload[0] = 31 << 3 }
