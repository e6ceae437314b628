//go:build linux

package udp

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzControl reads any control message and any address of any size: what the kernel gives is
// not checked elsewhere.
func FuzzControl(f *testing.F) {
	// One of UDP_GRO by its layout: length 20, level SOL_UDP, type UDP_GRO, a segment size of 1,200.
	f.Add([]byte{20, 0, 0, 0, 0, 0, 0, 0, unix.IPPROTO_UDP, 0, 0, 0, unix.UDP_GRO, 0, 0, 0, 0xb0, 4, 0, 0, 0, 0, 0, 0}, []byte{unix.AF_INET, 0, 0, 9, 127, 0, 0, 1}, uint16(3000))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 1, 0, 0, 0, 0}, []byte{unix.AF_INET6, 0, 0, 9, 0, 0, 0, 0, 0xfe, 0x80}, uint16(1))
	f.Add([]byte{}, []byte{}, uint16(0))
	r := &reader{buf: make([]byte, readMessages*readSize)}
	f.Fuzz(func(t *testing.T, control, name []byte, size uint16) {
		_ = segmentSize(control)
		copy(r.control[0][:], control)
		r.names[0] = [unix.SizeofSockaddrInet6]byte{}
		copy(r.names[0][:], name)
		r.msgs[0].SetControllen(len(control)) // may be more than there is room for
		r.msgs[0].size = uint32(size)
		total := 0
		for b, from := range r.datagrams(0) {
			if len(b) == 0 || !from.IsValid() {
				t.Fatalf("%d bytes from %v", len(b), from)
			}
			total += len(b)
		}
		if from, ok := address(&r.names[0]); ok && total != int(size) || !ok && total != 0 {
			t.Fatalf("%d of %d bytes came from %v", total, size, from)
		} else if ok {
			var back [unix.SizeofSockaddrInet6]byte
			putAddress(&back, from, true)
			if again, _ := address(&back); again != from && !from.Addr().IsUnspecified() {
				t.Fatalf("%v became %v", from, again)
			}
		}
	})
}

// BenchmarkFlush sends full batches: to one destination, which the kernel segments, and to many.
func BenchmarkFlush(b *testing.B) {
	for name, dests := range map[string]int{"to 1": 1, "to 40": 40} {
		b.Run(name, func(b *testing.B) {
			c := listen(b, "127.0.0.1:0", nil)
			out := c.NewBatch()
			to, hints := make([]netip.AddrPort, dests), make([]Hint, dests)
			for i := range to {
				to[i] = on(listen(b, "127.0.0.1:0", nil), "127.0.0.1")
			}
			packet := make([]byte, 1200)
			const count = 80
			b.ReportAllocs()
			for b.Loop() {
				for n := range count {
					out.Put(copy(out.Next(), packet), to[n%dests], &hints[n%dests])
				}
				out.Flush()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/datagram")
		})
	}
}
