package call

import (
	"testing"
	"time"
)

// TestMonthEnds: also where the clock is changed at midnight of the first, a month ends when the next begins, and never has a gap before it.
func TestMonthEnds(t *testing.T) {
	for _, zone := range []string{"UTC", "America/Sao_Paulo", "America/New_York", "America/Havana", "America/Asuncion", "America/Santiago", "Europe/Lisbon", "Asia/Beirut", "Asia/Amman",
		"Asia/Gaza", "Africa/Cairo", "Africa/Casablanca", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "Asia/Kathmandu", "Antarctica/Troll", "America/Godthab", "Atlantic/Azores"} {
		s := Seller{Profile: Profile{TimeZone: zone}}
		for year := 1990; year < 2040; year++ {
			for month := time.January; month <= time.December; month++ {
				middle := time.Date(year, month, 15, 12, 0, 0, 0, s.Zone())
				end := s.monthEnd(middle)
				if in, next := s.Month(end.Add(-1)), s.Month(end); in != s.Month(middle) || next != s.Month(middle.AddDate(0, 1, 0)) {
					t.Errorf("%s: %s ends at %s, which is in %s, behind %s", zone, s.Month(middle), end, next, in)
				}
				if start, err := s.MonthStart(s.Month(middle.AddDate(0, 1, 0))); err != nil || !start.Equal(end) {
					t.Errorf("%s: the month behind %s begins at %s, %v, and that one ends at %s", zone, s.Month(middle), start, err, end)
				}
			}
		}
	}
	for _, month := range []string{"", "2026", "2026-13", "2026-1", "2026-11-01", "0000-01", "x"} {
		if start, err := (Seller{}).MonthStart(month); err == nil {
			t.Errorf("%q begins at %s", month, start)
		}
	}
}
