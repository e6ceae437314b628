package udp

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 30 * time.Second

func listen(t testing.TB, address string, media Handler) *Conn {
	t.Helper()
	c, err := Listen(address, media)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

// on gives c's address on the loopback of a family.
func on(c *Conn, loopback string) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(loopback), uint16(c.LocalAddr().(*net.UDPAddr).Port))
}

// TestBatches sends runs of equal and of odd sizes to two sockets at a time, and wants each
// datagram as it was, from where it was sent, in order.
func TestBatches(t *testing.T) {
	for _, family := range []struct{ listen, loopback string }{{"127.0.0.1:0", "127.0.0.1"}, {"[::1]:0", "::1"}, {"0.0.0.0:0", "127.0.0.1"}} {
		t.Run(family.listen, func(t *testing.T) {
			type got struct {
				b    []byte
				from netip.AddrPort
			}
			sender := listen(t, family.listen, nil)
			out := sender.NewBatch()
			var receivers [2]*Conn
			var received [2]chan got
			var done [2]chan struct{}
			for i := range receivers {
				ch, end := make(chan got, 1000), make(chan struct{})
				received[i], done[i] = ch, end
				receivers[i] = listen(t, family.listen, func(b []byte, from netip.AddrPort, _ time.Time, _ *Batch) {
					ch <- got{bytes.Clone(b), from}
					b[0] = 0 // a handler may write
				})
				go func() {
					defer close(end)
					_, _, _ = receivers[i].ReadFromAddrPort(nil) // until closed
				}()
			}
			var hints [2]Hint
			var sent [2][][]byte
			sizes := []int{1200, 1200, 1200, 700, 1200, 90, 90, 90, 1400, 1, 1200, 1200, 300, 300, 301}
			for round := range 10 {
				for n, size := range sizes {
					for i := range receivers {
						b := bytes.Repeat([]byte{byte(n*10 + round)}, size)
						b[0] = 128 + byte(i)
						out.Put(copy(out.Next(), b), on(receivers[i], family.loopback), &hints[i])
						sent[i] = append(sent[i], b)
					}
				}
			}
			out.Flush()
			for i := range receivers {
				for n, want := range sent[i] {
					select {
					case g := <-received[i]:
						if !bytes.Equal(g.b, want) || g.from != on(sender, family.loopback) {
							t.Fatalf("datagram %d is %d bytes %x… from %v, want %d bytes %x…", n, len(g.b), g.b[:1], g.from, len(want), want[:1])
						}
					case <-time.After(patience):
						t.Fatalf("datagram %d of %d did not come", n, len(sent[i]))
					}
				}
				_ = receivers[i].Close()
				<-done[i]
			}
			s := sender.Stats()
			t.Logf("%+v", s)
			if s.Written != uint64(2*len(sent[0])) || s.Dropped != 0 {
				t.Errorf("%d of %d were written", s.Written, 2*len(sent[0]))
			}
		})
	}
}

// TestOnlyBatchesWriteMedia and only handlers see it.
func TestOnlyBatchesWriteMedia(t *testing.T) {
	seen := 0
	c := listen(t, "127.0.0.1:0", func([]byte, netip.AddrPort, time.Time, *Batch) { seen++ })
	to := on(c, "127.0.0.1")
	for first := range 256 {
		b := []byte{byte(first), 1, 2, 3}
		media := first >= 128 && first <= 191
		if _, err := c.WriteToAddrPort(b, to); errors.Is(err, ErrMedia) != media {
			t.Fatalf("first byte %d: %v", first, err)
		}
		if _, err := c.WriteTo(b, net.UDPAddrFromAddrPort(to)); errors.Is(err, ErrMedia) != media {
			t.Fatalf("first byte %d: %v", first, err)
		}
		if media {
			out := c.NewBatch()
			var hint Hint
			out.Put(copy(out.Next(), b), to, &hint)
			out.Flush()
			continue
		}
		for range 2 {
			buf := make([]byte, 10)
			n, from, err := c.ReadFrom(buf)
			if err != nil || n != 4 || buf[0] != byte(first) || from.String() != to.String() {
				t.Fatalf("first byte %d came as %v from %v: %v", first, buf[:n], from, err)
			}
		}
	}
	if s := c.Stats(); seen != 64 || s.Refused != 128 {
		t.Errorf("%d of 64 were handled, %d of 128 refused", seen, s.Refused)
	}
}

// echo is a client of a socket that sends back all media, in the batch it came in.
func echo(t testing.TB) net.Conn {
	t.Helper()
	var hint Hint
	c := listen(t, "127.0.0.1:0", func(b []byte, from netip.AddrPort, _ time.Time, out *Batch) {
		out.Put(copy(out.Next(), b), from, &hint)
	})
	_ = c.SetReadDeadline(time.Time{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _, _ = c.ReadFromAddrPort(nil)
	}()
	client, err := net.Dial("udp", c.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		_ = c.Close()
		<-done
	})
	return client
}

func TestHandlerAnswersWithinTheBatch(t *testing.T) {
	client := echo(t)
	buf := make([]byte, 10)
	for i := range 100 {
		if _, err := client.Write([]byte{128, byte(i)}); err != nil {
			t.Fatal(err)
		}
		_ = client.SetReadDeadline(time.Now().Add(patience))
		if n, err := client.Read(buf); err != nil || n != 2 || buf[1] != byte(i) {
			t.Fatalf("answer %d is %v: %v", i, buf[:n], err)
		}
	}
}

// TestUnreachable goes on after destinations that refuse: each costs only its own packets.
func TestUnreachable(t *testing.T) {
	c, good := listen(t, "127.0.0.1:0", nil), listen(t, "127.0.0.1:0", nil)
	out := c.NewBatch()
	var a, b Hint
	for range 3 {
		out.Put(copy(out.Next(), "for nobody"), netip.MustParseAddrPort("240.0.0.1:9"), &a)
		out.Put(copy(out.Next(), "for nobody"), netip.MustParseAddrPort("[2001:db8::1]:9"), &a)
		out.Put(copy(out.Next(), "good"), on(good, "127.0.0.1"), &b)
	}
	out.Flush()
	buf := make([]byte, 100)
	for range 3 {
		if n, _, err := good.ReadFromAddrPort(buf); err != nil || string(buf[:n]) != "good" {
			t.Fatalf("%q, %v", buf[:n], err)
		}
	}
}

func TestDeadlineAndClose(t *testing.T) {
	c := listen(t, "127.0.0.1:0", nil)
	if err := c.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.ReadFromAddrPort(nil); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	_ = c.Close()
	if _, _, err := c.ReadFromAddrPort(nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	out := c.NewBatch()
	out.Put(copy(out.Next(), "late"), on(c, "127.0.0.1"), &Hint{})
	out.Flush() // drops
	if c.Stats().Dropped != 1 {
		t.Error("a closed socket sends")
	}
	if _, err := Listen("nowhere", nil); err == nil {
		t.Error("listens nowhere")
	}
}

// TestWriteDeadline lets nobody stop the batches: Pion sets a deadline to give up one peer's write.
func TestWriteDeadline(t *testing.T) {
	c, to := listen(t, "127.0.0.1:0", nil), listen(t, "127.0.0.1:0", nil)
	if err := c.SetWriteDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	out := c.NewBatch()
	out.Put(copy(out.Next(), "media"), on(to, "127.0.0.1"), &Hint{})
	out.Flush()
	buf := make([]byte, 100)
	if n, _, err := to.ReadFromAddrPort(buf); err != nil || string(buf[:n]) != "media" {
		t.Fatalf("%q, %v", buf[:n], err)
	}
}

// BenchmarkEcho is a datagram from one socket to another and back, both batched.
func BenchmarkEcho(b *testing.B) {
	client := echo(b)
	packet := make([]byte, 1200)
	packet[0] = 128
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(packet); err != nil {
			b.Fatal(err)
		}
		if _, err := client.Read(packet); err != nil {
			b.Fatal(err)
		}
	}
}
