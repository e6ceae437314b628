package call_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"showroom/call"
)

func TestUnknownEventIsKept(t *testing.T) {
	const line = `{"seq":7,"stream":"conf_a","type":"call.transcribed","at":"2026-03-02T15:00:00Z","actor":"system","data":{"words":12}}`
	var e call.Event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatal(err)
	}
	back, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(line, string(back)); diff != "" {
		t.Errorf("an event from a newer version changed on its way (-was +is):\n%s", diff)
	}
	before := call.Conference{ID: "conf_a", State: call.StateOngoing}
	after := before.Apply(e)
	before.Version = 7
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("it changed the conference:\n%s", diff)
	}
}

// TestFoldKeepsTheOldState folds on from one state in two ways; neither may be seen in the other.
func TestFoldKeepsTheOldState(t *testing.T) {
	at := time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)
	event := func(b call.Body) call.Event { return call.Event{Stream: "conf_a", At: at, Body: b} }
	base := call.Conference{}.
		Apply(event(call.Entered{Participant: "seller", Role: call.RoleSeller})).
		Apply(event(call.Consented{Participant: "seller", Accepted: true})).
		Apply(event(call.RecordingStarted{File: "seller-1.webm"}))
	want, err := json.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []call.Body{
		call.Left{Participant: "seller"}, call.Consented{Participant: "seller"},
		call.RecordingFailed{File: "seller-1.webm", Reason: "disk full"}, call.RecordingStarted{File: "seller-2.webm"},
		call.LinkIssued{Link: "link_a"},
	} {
		base.Apply(event(b))
	}
	got, err := json.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("folding changed the state folded from:\n%s", diff)
	}
}

// FuzzEvent reads what a damaged or foreign log may hold: an error or an event that survives another trip.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"seq":1,"stream":"conf_a","type":"call.new","at":"2026-03-02T15:00:00Z","actor":"system","data":{}}`))
	f.Add([]byte(`{"seq":2,"stream":"sell_a","type":"minutes.reserved","at":"2026-03-02T15:00:00Z","data":{"seconds":15,"month":"2026-03"}}`))
	f.Add([]byte(`{"type":"nobody.knows","data":[1,2]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var e call.Event
		if json.Unmarshal(b, &e) != nil {
			return
		}
		once, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		var back call.Event
		if err := json.Unmarshal(once, &back); err != nil {
			t.Fatalf("written but not read: %v\n%s", err, once)
		}
		twice, err := json.Marshal(back)
		if err != nil || string(once) != string(twice) {
			t.Fatalf("%s became %s (%v)", once, twice, err)
		}
		call.Conference{}.Apply(e)
		call.Seller{}.Apply(e)
		call.Buyer{}.Apply(e)
	})
}
