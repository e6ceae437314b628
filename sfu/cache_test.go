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
