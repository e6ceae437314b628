package call_test

import (
	"slices"
	"testing"

	"showroom/call"
)

// TestObjects names everything that deleting a recording has to delete.
func TestObjects(t *testing.T) {
	c := call.Conference{ID: "conf_a"}
	for _, b := range []call.Body{
		call.RecordingStarted{File: "seller-1.webm"},
		call.RecordingFinished{File: call.File{Name: "buyer-1.mkv"}},
		call.RecordingStored{File: "buyer-1.mkv", Key: "recordings/conf_a/buyer-1.mkv"},
		call.RecordingFailed{File: "buyer-2.webm"},
	} {
		c = c.Apply(call.Event{Stream: "conf_a", Body: b})
	}
	want := []string{
		"buyer-1.mkv", "buyer-2.webm", "conference.m4a", "conference.mp4", "conference.webm", "consents.json", "manifest.json", "poster.jpg", "seller-1.webm", "strip.jpg",
	}
	for i, name := range want {
		want[i] = "recordings/conf_a/" + name
	}
	if got := c.Objects(); !slices.Equal(got, want) {
		t.Errorf("objects are %v, want %v", got, want)
	}
}
