package main

import "testing"

// TestCollectAt saves memory while media flows and time while people join.
func TestCollectAt(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		what            string
		allocated, live uint64
		want            int
	}{
		{"before the first collection", mib, 0, busyPercent}, {"nobody is there", 0, 6 * mib, calmPercent},
		{"ten calls", 400 << 10, 10 * mib, calmPercent}, {"ten joins a second", 10 * mib, 10 * mib, busyPercent},
		{"five hundred calls and no join", 20 * mib, 240 * mib, calmPercent},
	} {
		if got := collectAt(c.allocated, c.live); got != c.want {
			t.Errorf("%s: at %d %%, want %d", c.what, got, c.want)
		}
	}
}
