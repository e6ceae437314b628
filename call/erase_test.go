package call

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// impersonal are the fields of events with texts that say nothing of a person: ids, words of ours, names of files, checksums, and what concerns the
// seller only. Whatever text is not here must be gone from an event without anything personal: whoever adds one decides.
var impersonal = []string{
	"Seller", "Buyer", "Language", "Recording", "Link", "Role", "Participant", "Share", "File", "Files", "Wants", "Key", "Source", "Month", "Conference", "Level", "Limit", "Missing", "Message", "Kind", "To", "Channel", "Channels",
	"Version", "Recordings", "RecordingFailed.Reason", "RecordingComposeFailed.Reason", "DeletionOrdered.Reason", "RecordingDeleted.Reason",
	"DeviceRegistered.Device", "DeviceRegistered.Platform", "DeviceRemoved.", "RecordingFinished.", "RecordingDeleted.", "RecordingComposed.", "SellerRegistered.", "SellerChanged.",
}

const secret = "Maria Secret"

// TestAnonymousSaysNothing fills every text of every type of event.
func TestAnonymousSaysNothing(t *testing.T) {
	for _, word := range Types() {
		body, err := bodies[word]([]byte("{}"))
		if err != nil {
			t.Fatal(err)
		}
		filled := reflect.New(reflect.TypeOf(body)).Elem()
		fill(filled, filled.Type().Name())
		e, err := Anonymous(Event{Body: filled.Interface().(Body)})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), secret) {
			t.Errorf("%s keeps something personal: %s\nGive %T a method anonymous (call/erase.go), or put the field into impersonal if it never says anything of a person.", word, text, body)
		}
		again, err := Anonymous(e)
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("%s changes when it is done again: %v, then %v", word, e, again)
		}
	}
}

// fill puts the secret into every text that is not impersonal.
func fill(v reflect.Value, at string) {
	for _, p := range impersonal {
		if strings.HasSuffix(at, "."+p) || at == p || strings.HasSuffix(p, ".") && strings.HasPrefix(at, p) {
			return
		}
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(secret)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			f, name := v.Field(i), v.Type().Field(i)
			if name.Anonymous {
				fill(f, at)
				continue
			}
			fill(f, at+"."+name.Name)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), at)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		k, item := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(k, at)
		fill(item, at)
		v.SetMapIndex(k, item)
	}
}

func TestAnonymousRefusesWhatItDoesNotKnow(t *testing.T) {
	if _, err := Anonymous(Event{Body: Unknown{Name: "tomorrow"}}); err == nil {
		t.Error("an event of an unknown type passes for one without anything personal")
	}
}
