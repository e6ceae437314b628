package recorder

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestUnwrap(t *testing.T) {
	for _, c := range []struct {
		in   []uint16
		want []int64 // relative to the first
	}{
		{[]uint16{5, 6, 4}, []int64{0, 1, -1}},
		{[]uint16{65535, 0, 65534, 1}, []int64{0, 1, -1, 2}},
		{[]uint16{0, 32767, 65534, 32765}, []int64{0, 32767, 65534, 98301}},
		{[]uint16{0, 65535}, []int64{0, -1}},
	} {
		var u unwrap
		first := int64(0)
		for i, v := range c.in {
			n := u.seq(v)
			if i == 0 {
				first = n
			}
			if n-first != c.want[i] || uint16(n) != v {
				t.Errorf("%v: number %d is %d", c.in, i, n-first)
			}
		}
	}
	var u unwrap
	a := u.ts(4294967295)
	if b := u.ts(89999); b-a != 90000 {
		t.Errorf("time stamp over the wrap: %d", b-a)
	}
}

// TestReorder plays shuffled, doubled and lossy sequences: what comes out
// rises, is each packet once, and the holes add up.
func TestReorder(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 7))
		r := newReorder(64)
		start := uint16(rng.Uint32())
		type arrival struct {
			n  int
			at time.Duration
		}
		var in []arrival
		sent := map[int]bool{}
		for n := range 2000 {
			at := time.Duration(n) * 20 * time.Millisecond
			if n > 0 && n < 1999 && rng.Float64() < 0.05 {
				continue
			}
			sent[n] = true
			for range 1 + rng.IntN(2) {
				in = append(in, arrival{n, at + time.Duration(rng.IntN(300)*min(n, 1))*time.Millisecond})
			}
		}
		slices.SortStableFunc(in, func(a, b arrival) int { return int(a.at - b.at) })
		base := time.Unix(0, 0)
		next, got := 0, 0
		pop := func(now time.Time, force bool) {
			for {
				it, missing, ok := r.pop(now, force)
				if !ok {
					return
				}
				n := int(it.ts)
				if int(missing) != n-next {
					t.Fatalf("seed %d: packet %d after %d with %d missing", seed, n, next-1, missing)
				}
				next = n + 1
				got++
			}
		}
		for _, a := range in {
			now := base.Add(a.at)
			it := item{seq: start + uint16(a.n), ts: uint32(a.n), arrived: now}
			if v := r.push(it); v == restart {
				t.Fatalf("seed %d: restart", seed)
			}
			pop(now, false)
		}
		pop(base, true)
		if got != len(sent) {
			t.Fatalf("seed %d: %d of %d packets", seed, got, len(sent))
		}
	}
}

// TestReorderHole waits for a missing packet for half a second, not longer,
// and never holds more than its window.
func TestReorderHole(t *testing.T) {
	r := newReorder(8)
	at := func(ms int) time.Time { return time.Unix(0, 0).Add(time.Duration(ms) * time.Millisecond) }
	push := func(seq uint16, ms int) verdict { return r.push(item{seq: seq, arrived: at(ms)}) }
	push(10, 0)
	if _, _, ok := r.pop(at(0), false); ok {
		t.Error("first packet came out before others could overtake it")
	}
	push(9, 50)
	for i, want := range []uint16{9, 10} {
		if it, missing, ok := r.pop(at(100), false); !ok || missing != 0 || it.seq != want {
			t.Fatalf("packet %d: %d, %d missing, %v", i, it.seq, missing, ok)
		}
	}
	push(12, 110)
	if _, _, ok := r.pop(at(609), false); ok {
		t.Error("hole was closed too early")
	}
	if it, missing, ok := r.pop(at(610), false); !ok || missing != 1 || it.seq != 12 {
		t.Errorf("hole: %d, %d missing, %v", it.seq, missing, ok)
	}
	if v := push(11, 700); v != stray {
		t.Errorf("too late: verdict %d", v)
	}
	push(14, 800)
	for seq := uint16(15); seq < 21; seq++ {
		push(seq, 800)
	}
	if v := push(21, 800); v != full {
		t.Errorf("beyond the window: verdict %d", v)
	}
	for range 7 {
		r.pop(at(800), true)
	}
	if v := push(5000, 900); v != taken { // far ahead
		t.Errorf("far ahead: verdict %d", v)
	}
	if it, missing, ok := r.pop(at(900), false); !ok || it.seq != 5000 || missing != 5000-21 {
		t.Errorf("far ahead: %d, %d missing, %v", it.seq, missing, ok)
	}
	for n := 1; ; n++ {
		if v := push(100, 1000); v == restart {
			if n != strayLimit {
				t.Errorf("restart after %d strays", n)
			}
			break
		}
	}
}

func TestQueue(t *testing.T) {
	q := queue{maxItems: 4, maxBytes: 100}
	payload := make([]byte, 30)
	for i := range 6 {
		payload[0] = byte(i)
		half := q.push(item{seq: uint16(i)}, payload)
		if half != (i >= 1) {
			t.Errorf("packet %d: half full: %v", i, half)
		}
	}
	items, closed := q.take(nil)
	if len(items) != 3 || closed || q.drops() != 3 {
		t.Fatalf("%d items, %d dropped", len(items), q.drops())
	}
	for i, it := range items {
		if it.payload[0] != byte(i) || it.lost {
			t.Errorf("item %d: payload %d, lost %v", i, it.payload[0], it.lost)
		}
	}
	q.recycle([][]byte{items[0].payload, nil})
	q.push(item{seq: 7}, payload)
	q.close()
	q.push(item{seq: 8}, payload)
	if items, closed = q.take(items); len(items) != 1 || !closed || !items[0].lost || items[0].seq != 7 {
		t.Errorf("after the drop: %v, %v", items, closed)
	}
}
