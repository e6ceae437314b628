package load

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtp/codecs"
)

func TestSplit(t *testing.T) {
	for _, n := range []int{1, 64, 1196, 1197, 6250, 31250} {
		var sizes []int
		sum := 0
		split(n, 1196, func(size int, first, last bool) {
			if first != (len(sizes) == 0) || last != (sum+size == n) || size > 1196 || size < 1 {
				t.Errorf("%d bytes: packet %d of %d bytes, first %v, last %v", n, len(sizes), size, first, last)
			}
			sizes = append(sizes, size)
			sum += size
		})
		if sum != n || sizes[0]-sizes[len(sizes)-1] > 1 {
			t.Errorf("%d bytes are cut into %v", n, sizes)
		}
	}
}

func TestFrameBytes(t *testing.T) {
	if got := frameBytes(1500) * frameRate * 8; got != 1_500_000 {
		t.Errorf("1500 kbit/s are %d bit/s", got)
	}
	if got := frameBytes(1); got < descriptor+keyHeader+stampSize {
		t.Errorf("a frame of %d bytes has no room for its header", got)
	}
}

// Pion's depacketizer reads the descriptor as a decoder's would.
func TestVP8(t *testing.T) {
	for _, test := range []struct{ key, first bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		payload := make([]byte, 100)
		putVP8(payload, 0x9234, test.key, test.first)
		var p codecs.VP8Packet
		frame, err := p.Unmarshal(payload)
		if err != nil {
			t.Fatalf("%+v: %v", test, err)
		}
		if p.PictureID != 0x1234 || p.PID != 0 || (p.S == 1) != test.first || len(frame) != 100-descriptor {
			t.Errorf("%+v: %+v", test, p)
		}
		if !test.first {
			continue
		}
		if (frame[0]&1 == 0) != test.key {
			t.Errorf("%+v: frame tag %x", test, frame[:3])
		}
		if want := []byte{0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02}; test.key && !bytes.Equal(frame[3:10], want) {
			t.Errorf("keyframe header %x, want the start code, 1280 and 720: %x", frame[3:10], want)
		}
	}
}

func TestStamp(t *testing.T) {
	payload := make([]byte, 40)
	if _, ok := stampOf(payload); ok {
		t.Error("a stamp in zeroes")
	}
	if _, ok := stampOf(payload[:stampSize-1]); ok {
		t.Error("a stamp in 11 bytes")
	}
	putStamp(payload, began.Add(time.Minute+time.Nanosecond))
	if got, ok := stampOf(payload); !ok || got != time.Minute+time.Nanosecond {
		t.Errorf("got %v, %v", got, ok)
	}
}
