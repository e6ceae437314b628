package rest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"showroom/call"
	"showroom/store/object"
)

// TestDeleteRecording: what was ordered to go is not served from that moment on, and stays gone.
func TestDeleteRecording(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	recording := "/conferences/" + v.conference + "/recording"
	file := b.fileURL(v)
	if a := b.want(409, "DELETE", recording, ""); !strings.Contains(a.str("detail"), "not over") {
		t.Errorf("before the end: %s", a.Body)
	}
	b.wantOver(v)
	b.wantAs(200, "", "GET", file, "")
	b.wantAs(403, readKey, "DELETE", recording, "")
	for range 2 {
		if a := b.want(202, "DELETE", recording, ""); a.str("state") != "deleting" {
			t.Errorf("ordered: %s", a.Body)
		}
	}
	check := func(state string) {
		t.Helper()
		if a := b.wantAs(410, "", "GET", file, ""); a.code() != "recording_deleted" {
			t.Errorf("file: %s", a.Body)
		}
		a := b.want(200, "GET", recording, "")
		d, _ := a.body["deletion"].(map[string]any)
		if a.str("state") != state || len(a.body["files"].([]any)) != 0 || d["by"] != "key_full" || d["reason"] != "request" || (d["done_at"] == nil) == (state == "deleted") {
			t.Errorf("recording: %s", a.Body)
		}
		w := b.wantAs(200, v.watch, "GET", "/watch", "")
		if w.str("state") != state || len(w.body["files"].([]any)) != 0 {
			t.Errorf("watch: %s", w.Body)
		}
		for _, secret := range []string{"storage", "consents", "deletion", "127.0.0.1"} {
			if strings.Contains(w.Body.String(), secret) {
				t.Errorf("the watch page is told of %s: %s", secret, w.Body)
			}
		}
	}
	check("deleting")
	b.apply(v.conference, call.FinishDeletion(1, 0))
	check("deleted")
	b.want(204, "DELETE", recording, "")
	if a := b.want(200, "GET", "/conferences/"+v.conference+"/events", ""); !strings.Contains(a.Body.String(), `"recording.deleted"`) {
		t.Errorf("no proof in the log: %s", a.Body)
	}
	empty := b.want(201, "POST", "/conferences", `{"seller": "`+v.seller+`", "buyer": "`+v.buyer+`", "subject": "S", "starts_at": "2026-11-21T10:00:00Z"}`).str("id")
	b.want(204, "DELETE", "/conferences/"+empty+"/recording", "")
}

// TestSellersPolicies: how long recordings are kept, and what happens without consent.
func TestSellersPolicies(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	seller := "/sellers/" + v.seller
	a := b.want(200, "GET", seller, "")
	if a.body["retention_days"] != 0.0 || a.str("without_consent") != "unrecorded" {
		t.Errorf("defaults: %s", a.Body)
	}
	b.wantOver(v)
	a = b.want(200, "PATCH", seller, `{"retention_days": 30, "without_consent": "no_call"}`)
	if a.body["retention_days"] != 30.0 || a.str("without_consent") != "no_call" || a.str("name") != "Ana Secret" {
		t.Errorf("changed: %s", a.Body)
	}
	if until, want := b.want(200, "GET", "/conferences/"+v.conference+"/recording", "").str("keep_until"), b.now.AddDate(0, 0, 30).Format(time.RFC3339); until != want {
		t.Errorf("kept until %s, want %s", until, want)
	}
	for body, field := range map[string]string{
		`{"retention_days": -1}`: "retention_days", `{"retention_days": 36501}`: "retention_days", `{"retention_days": "1"}`: "retention_days",
		`{"without_consent": "maybe"}`: "without_consent",
	} {
		if p := b.want(422, "PATCH", seller, body); p.str("field") != field {
			t.Errorf("%s: %s", body, p.Body)
		}
	}
}

// busy is a keeper that has something to tell.
type busy struct {
	progress Progress
	waiting  Waiting
}

func (k busy) Progress(string) (Progress, bool) { return k.progress, true }
func (k busy) Waiting() Waiting                 { return k.waiting }

// TestStorage: the API says where files are, how much is there, and in a word what is wrong.
func TestStorage(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	storageOf := func() map[string]any {
		t.Helper()
		return b.want(200, "GET", "/conferences/"+v.conference+"/recording", "").body["storage"].(map[string]any)
	}
	if s := storageOf(); s["state"] != "waiting" || s["bytes"] != 36.0 || s["sent_bytes"] != 0.0 {
		t.Errorf("at first: %v", s)
	}
	for err, word := range map[error]string{
		nil:                   "",
		object.ErrUnavailable: "store_unavailable", object.ErrDenied: "store_denied", object.ErrFull: "store_full", object.ErrChecksum: "store_corrupts",
		errors.New("dial 10.0.0.7:9000"): "failed",
	} {
		k := busy{progress: Progress{Running: err == nil, Sent: map[string]int64{v.file: 20}, Failures: 3, Err: err, Next: b.now.Add(time.Minute)}}
		if err != nil {
			k.progress.Err, k.waiting = fmt.Errorf("upload: %w", err), Waiting{Conferences: 7, Failing: 2, Since: b.now, Err: err}
		}
		b.config.Keeper = k
		b.restart()
		s := storageOf()
		state := "waiting"
		if err == nil {
			state = "uploading"
		}
		if got, _ := s["error"].(string); got != word || s["sent_bytes"] != 20.0 || s["state"] != state {
			t.Errorf("%v: %v", err, s)
		}
		a := b.want(200, "GET", "/storage", "")
		if a.str("error") != word || strings.Contains(a.Body.String(), "10.0.0.7") || err != nil && (a.body["waiting"] != 7.0 || a.body["failing"] != 2.0) {
			t.Errorf("%v: %s", err, a.Body)
		}
	}
	b.upload(v.conference, v.file)
	if s := storageOf(); s["state"] != "stored" || s["sent_bytes"] != 36.0 || s["stored"] != 1.0 {
		t.Errorf("at last: %v", s)
	}
}
