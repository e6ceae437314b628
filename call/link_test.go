package call

import (
	"errors"
	"testing"
	"time"
)

// TestLinksEnd: a link outlives the planned end by a day at most, so that one that got about does not open the room for years.
func TestLinksEnd(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name            string
		starts, expires time.Time
		ok              bool
	}{
		{"within a day of the end", now.Add(72 * time.Hour), now.Add(96 * time.Hour), true},
		{"to the second", now, now.Add(25 * time.Hour), true},
		{"a second later", now, now.Add(25*time.Hour + time.Second), false},
		{"years later", now, now.AddDate(3, 0, 0), false},
		{"of a conference that should be over", now.Add(-10 * 24 * time.Hour), now.Add(24 * time.Hour), true},
		{"of one long over, for long", now.Add(-10 * 24 * time.Hour), now.Add(25 * time.Hour), false},
	} {
		state := Case{Conference: Conference{ID: "conf_x", StartsAt: c.starts, Seconds: 3600}}
		_, err := IssueLink("link_x", "key_x", RoleBuyer, "", c.expires)(state, now)
		var invalid *InvalidError
		if (err == nil) != c.ok || err != nil && (!errors.As(err, &invalid) || invalid.Field != "expires_at") {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestConsentsEnd: whoever has said yes can always say no.
func TestConsentsEnd(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	state := Case{Conference: Conference{ID: "conf_x", Links: map[string]Link{"link_x": {ID: "link_x", Role: RoleBuyer, Participant: "buyer"}}}}
	answer := func(accepted bool, text string) error {
		events, err := Agree(Consented{Participant: "buyer", Accepted: accepted, Text: text, Language: "en"})(state, now)
		for _, e := range events {
			state = state.Apply(e)
		}
		return err
	}
	for n := range maxConsents {
		if err := answer(n%2 == 1, "words"); err != nil {
			t.Fatalf("answer %d: %v", n+1, err)
		}
	}
	if err := answer(true, "other words"); !errors.Is(err, ErrTooMany) {
		t.Errorf("yes in other words: %v", err)
	}
	if err := answer(false, "words"); err != nil || state.Conference.Consented("buyer") {
		t.Errorf("no at last: %v", err)
	}
	if err := answer(false, "words again"); !errors.Is(err, ErrTooMany) {
		t.Errorf("no once more: %v", err)
	}
}
