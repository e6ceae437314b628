package recorder

import (
	"time"

	"showroom/recorder/webm"
)

// frame is one whole frame of a track.
type frame struct {
	ts      int64         // unwrapped RTP time
	arrived time.Time     // of its first packet
	at      time.Duration // on the conference's time line, once the clock has said so
	entered time.Time     // when it came to the interleaver
	data    []byte
	key     bool
	track   webm.Track // set on a keyframe
	codec   *codec
	length  time.Duration // how long it lasts; 0: until the next
	gap     string        // reason for what is missing before it, "" if nothing is
}

// assembler makes whole frames of packets in sequence. A frame with a missing
// packet is not made, and after one, or at the start, nothing is until a keyframe.
type assembler struct {
	codec *codec
	ts    unwrap

	needKey bool // for video: the next frame must be a keyframe
	inside  bool // packets of the frame below are being collected
	skip    bool // the frame with time stamp cur is given up
	begun   bool // cur is set
	cur     int64
	arrived time.Time
	depack  depacketiser
	data    []byte
	gap     string
	dropped int64    // packets given up
	packets int64    // of the frame being collected
	free    [][]byte // buffers of frames that are written
	held    [][]byte // payloads the depacketiser may still point into
	spent   [][]byte // payloads to be used again
}

func newAssembler(c *codec) *assembler {
	return &assembler{codec: c, needKey: !c.audio}
}

// missing tells that packets are missing before the next one.
func (a *assembler) missing(reason string) {
	if a.gap == "" || reason == GapOverflow {
		a.gap = reason
	}
	if a.codec.audio {
		return
	}
	a.giveUp()
	a.skip, a.begun = false, false
	a.needKey = true
}

func (a *assembler) giveUp() {
	a.dropped += a.packets
	a.reset()
}

func (a *assembler) reset() {
	a.inside, a.packets, a.data, a.depack = false, 0, nil, nil
	a.spent = append(a.spent, a.held...)
	a.held = a.held[:0]
}

const (
	maxFree    = 16        // buffers of frames kept for reuse
	maxFreeCap = 128 << 10 // bytes of each
)

// buffer for a frame.
func (a *assembler) buffer() []byte {
	n := len(a.free)
	if n == 0 {
		return make([]byte, 0, 2048)
	}
	b := a.free[n-1]
	a.free = a.free[:n-1]
	return b
}

// recycle gives the buffer of a frame back.
func (a *assembler) recycle(b []byte) {
	if len(a.free) < maxFree && cap(b) <= maxFreeCap {
		a.free = append(a.free, b[:0])
	}
}

// push takes the next packet and returns the frames that it completes: none,
// one, or, where a sender sets no marker, the one before it.
func (a *assembler) push(it item, out []frame) []frame {
	ts := a.ts.ts(it.ts)
	if a.inside && ts != a.cur {
		out = a.finish(out)
	}
	a.held = append(a.held, it.payload)
	if len(it.payload) == 0 { // padding: it only counts in the sequence
		return out
	}
	a.packets++
	if !a.inside {
		fresh := !a.begun || ts != a.cur
		if !fresh && !a.codec.audio || fresh && a.needKey && !a.codec.begins(it.payload) {
			// The rest of a frame that is given up or done, or one that needs
			// a frame we do not have.
			a.begun, a.cur = true, ts
			a.skip = true
			a.giveUp()
			return out
		}
		a.begun, a.cur, a.inside, a.skip = true, ts, true, false
		a.arrived, a.depack = it.arrived, a.codec.depacketiser()
	}
	part, err := a.depack.Unmarshal(it.payload)
	if err != nil || len(a.data)+len(part) > maxFrame {
		a.fail()
		return out
	}
	if a.data == nil {
		a.data = a.buffer()
	}
	a.data = append(a.data, part...)
	if it.marker || a.codec.audio {
		out = a.finish(out)
	}
	return out
}

// fail gives up a frame that cannot be read; what follows refers to it.
func (a *assembler) fail() {
	a.giveUp()
	a.skip = true
	if a.gap == "" {
		a.gap = GapLoss
	}
	a.needKey = !a.codec.audio
}

func (a *assembler) finish(out []frame) []frame {
	data := a.data
	if len(data) == 0 {
		a.giveUp()
		return out
	}
	key, track, ok := a.codec.describe(data)
	if !ok || a.needKey && !key {
		a.fail()
		return out
	}
	f := frame{ts: a.cur, arrived: a.arrived, data: data, key: key, track: track, codec: a.codec, gap: a.gap}
	if a.codec.audio {
		f.length = webm.OpusDuration(data)
	}
	a.reset()
	a.needKey, a.gap = false, ""
	return append(out, f)
}
