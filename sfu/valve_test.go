package sfu

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

func binding(t testing.TB, user string) []byte {
	t.Helper()
	m, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewSoftware("padded"), stun.NewUsername(user),
		stun.NewShortTermIntegrity("wrong"), stun.Fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return m.Raw
}

func TestValve(t *testing.T) {
	port := func(n int) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(n)) }
	request, media := binding(t, "ours:theirs"), []byte{0x80, 96, 0, 1}
	passed := func(v *valve, n int, now time.Duration, next func(i int) ([]byte, netip.AddrPort)) (count int) {
		for i := range n {
			if p, from := next(i); v.lets(p, from, now) {
				count++
			}
		}
		return count
	}
	for name, c := range map[string]struct {
		next        func(i int) ([]byte, netip.AddrPort)
		burst, rate int
	}{
		"STUN of one source":                   {func(int) ([]byte, netip.AddrPort) { return request, port(1) }, stunBurst, stunRate},
		"STUN of many sources to one fragment": {func(i int) ([]byte, netip.AddrPort) { return request, port(i % 50_000) }, stunBurst, stunRate},
		"STUN of one source to many fragments": {func(i int) ([]byte, netip.AddrPort) {
			return binding(t, string([]byte{byte(i), byte(i >> 8), byte(i >> 16)})+":theirs"), port(1)
		}, stunBurst, stunRate},
		"media of one source": {func(int) ([]byte, netip.AddrPort) { return media, port(1) }, mediaBurst, mediaRate},
	} {
		v := newValve(nil)
		if n := passed(v, 20_000, 0, c.next); n != c.burst {
			t.Errorf("%s: %d of a burst passed, want %d", name, n, c.burst)
		}
		n := 0
		for ms := range 1000 {
			n += passed(v, 20, time.Duration(ms)*time.Millisecond, c.next)
		}
		if n < c.rate*98/100 || n > c.rate {
			t.Errorf("%s: %d passed in a second, want %d", name, n, c.rate)
		}
	}
	v := newValve(nil)
	passed(v, 20_000, 0, func(int) ([]byte, netip.AddrPort) { return request, port(1) })
	if n := passed(v, 100, 0, func(int) ([]byte, netip.AddrPort) { return media, port(1) }); n != 100 {
		t.Errorf("%d of 100 media packets passed behind a flood of STUN", n)
	}
}

func TestUserFragment(t *testing.T) {
	if f := userFragment(binding(t, "ours:theirs")); string(f) != "ours" {
		t.Errorf("%q", f)
	}
}

func FuzzUserFragment(f *testing.F) {
	f.Add(binding(f, "ours:theirs"))
	v := newValve(nil)
	f.Fuzz(func(t *testing.T, p []byte) {
		v.lets(p, netip.AddrPort{}, 0)
		var m stun.Message
		if !isSTUN(p) || stun.Decode(p, &m) != nil {
			return
		}
		var user stun.Username
		if user.GetFrom(&m) == nil && userFragment(p) == nil {
			t.Errorf("user %q is not seen", user)
		}
	})
}

func BenchmarkValve(b *testing.B) {
	b.ReportAllocs()
	v, from, p := newValve(nil), netip.MustParseAddrPort("192.0.2.1:5000"), []byte{0x80, 96, 0, 1}
	for b.Loop() {
		v.lets(p, from, time.Since(v.start))
	}
}
