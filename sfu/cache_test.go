package sfu

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"
)

// TestCache finds what fits its limits as it was put in, and nothing else.
func TestCache(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	payload := func(ext uint64, size int) []byte {
		b := bytes.Repeat([]byte{byte(ext)}, size)
		binary.BigEndian.PutUint64(b, ext)
		return b
	}
	for name, rate := range map[string]int{"300 kbit/s": 300_000, "1.5 Mbit/s": 1_500_000, "20 Mbit/s": 20_000_000} {
		var c cache
		buf := make([]byte, 2048)
		sizes := map[uint64]int{}
		now := time.Now()
		begin := uint64(1<<32 + 65000)
		for ext := begin; ext < begin+5000; ext++ {
			size := 8 + r.IntN(1192)
			sizes[ext] = size
			now = now.Add(time.Duration(size*8) * time.Second / time.Duration(rate))
			c.add(ext, uint32(ext), ext%2 == 0, payload(ext, size), now)
			back := ext - uint64(r.IntN(600))
			if p, ok := c.find(back, 2, buf); ok && (p.ext != back || p.timestamp != uint32(back) || p.marker != (back%2 == 0) || !bytes.Equal(p.payload[2:], payload(back, sizes[back]))) {
				t.Fatalf("%s: packet %d is %d, %d bytes", name, back, p.ext, len(p.payload))
			}
		}
		bytesKept, span := 0, 0.0
		for ext := begin + 4999; ; ext-- {
			if _, ok := c.find(ext, 0, buf); !ok {
				break
			}
			bytesKept += sizes[ext]
			span = float64(bytesKept*8) / float64(rate)
		}
		t.Logf("%s: %.1f s in %d KiB", name, span, len(c.ring)>>10)
		if len(c.ring) > cacheMost || (len(c.ring) < cacheMost && span < 0.5) || (len(c.ring) == cacheMost && bytesKept < cacheMost*3/4) {
			t.Errorf("%s: %.1f s are kept, in %d bytes", name, span, len(c.ring))
		}
	}
}

// TestCacheFollowsRate holds half a second of what a track sends now: it does not keep the room of a keyframe or of another rate, and
// does not change its size all the time.
func TestCacheFollowsRate(t *testing.T) {
	var c cache
	now, ext, changes := time.Now(), uint64(0), 0
	play := func(length time.Duration, rate int) {
		const fps = 30
		frame := rate / 8 / fps
		for end := now.Add(length); now.Before(end); now = now.Add(time.Second / fps) {
			size := frame
			if ext == 0 || now.UnixMilli()%10_000 < 1000/fps {
				size *= 5 // a keyframe
			}
			for ; size > 0; size -= 1200 {
				before := len(c.ring)
				c.add(ext, 0, false, make([]byte, min(1200, size)), now)
				if ext++; len(c.ring) != before {
					changes++
				}
			}
		}
	}
	for _, step := range []struct {
		rate        int
		least, most int // KiB
	}{{1_500_000, 96, 128}, {4_000_000, 240, 256}, {1_500_000, 96, 128}, {300_000, 16, 48}, {400_000, 32, 48}} {
		play(time.Minute, step.rate)
		if got := len(c.ring) >> 10; got < step.least || got > step.most {
			t.Errorf("%d bit/s take %d KiB, want %d to %d", step.rate, got, step.least, step.most)
		}
		changes = 0
		play(time.Minute, step.rate)
		if changes > 8 {
			t.Errorf("%d bit/s: the size changed %d times in a minute", step.rate, changes)
		}
	}
}
