package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"showroom/call"
)

// derive puts a derived file into the object store and the log.
func (b *bench) derive(v visit, d call.Derived, text string) {
	b.t.Helper()
	b.put(v.conference, d.Name, text)
	sum := sha256.Sum256([]byte(text))
	d.Size, d.SHA256 = int64(len(text)), hex.EncodeToString(sum[:])
	b.apply(v.conference, call.AddDerived(d))
}

func (b *bench) recordingOf(v visit) (rec map[string]any, composition string, urls map[string]string) {
	b.t.Helper()
	rec = b.want(200, "GET", "/conferences/"+v.conference+"/recording", "").body
	urls = map[string]string{}
	for _, d := range rec["derived"].([]any) {
		d := d.(map[string]any)
		urls[d["name"].(string)] = strings.TrimPrefix(d["url"].(string), "https://meet.example")
	}
	return rec, rec["composition"].(map[string]any)["state"].(string), urls
}

func TestDerivedFiles(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	state := func(want string) map[string]string {
		t.Helper()
		_, is, urls := b.recordingOf(v)
		if is != want {
			t.Errorf("composing is %s, want %s", is, want)
		}
		return urls
	}
	state("none")
	if a := b.want(409, "POST", "/conferences/"+v.conference+"/recording/compose", ""); a.code() != "conflict" {
		t.Errorf("composing a call that is not over: %s", a.Body)
	}
	b.wantOver(v)
	state("waiting")
	b.apply(v.conference, call.StartComposition([]string{call.ComposedWebM, call.ComposedPoster}))
	state("composing")
	if rec, _, _ := b.recordingOf(v); rec["composition"].(map[string]any)["progress"] != 0.25 {
		t.Errorf("no progress: %v", rec["composition"])
	}
	b.apply(v.conference, call.FailComposition("ffmpeg failed: no"))
	state("failed")
	b.want(200, "POST", "/conferences/"+v.conference+"/recording/compose", "")
	state("waiting")
	b.apply(v.conference, call.StartComposition([]string{call.ComposedWebM, call.ComposedPoster}))
	b.derive(v, call.Derived{Name: call.ComposedPoster, Kind: call.DerivedPoster, MediaType: "image/jpeg"}, "a picture")
	b.derive(v, call.Derived{Name: call.ComposedWebM, Kind: call.DerivedVideo, MediaType: "video/webm", DurationMS: 60_000}, "a film")
	urls := state("ready")
	for name, want := range map[string][2]string{call.ComposedPoster: {"image/jpeg", "a picture"}, call.ComposedWebM: {"video/webm", "a film"}} {
		a := b.wantAs(200, "", "GET", urls[name], "")
		if got := [2]string{a.Header().Get("Content-Type"), a.Body.String()}; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	b.wantAs(401, "", "GET", strings.Replace(urls[call.ComposedPoster], "poster.jpg", "strip.jpg", 1), "")
	b.config.Composing = nil
	b.restart()
	state("ready") // what is there stays
	if a := b.want(409, "POST", "/conferences/"+v.conference+"/recording/compose", ""); !strings.Contains(a.str("detail"), "ffmpeg") {
		t.Errorf("without ffmpeg: %s", a.Body)
	}
}

func TestArchive(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	b.wantInside(v)
	b.apply(v.conference, call.Agree(call.Consented{Participant: "buyer", Accepted: true, Text: "May we record?", Language: "en", Address: "127.0.0.1"}))
	b.wantOver(v)
	b.apply(v.conference, call.StartComposition([]string{call.ComposedWebM, call.ComposedPoster}))
	b.derive(v, call.Derived{Name: call.ComposedWebM, Kind: call.DerivedVideo, MediaType: "video/webm"}, "a film")
	rec, _, _ := b.recordingOf(v)
	url := strings.TrimPrefix(rec["archive_url"].(string), "https://meet.example")
	if watch := b.wantAs(200, v.watch, "GET", "/watch", ""); strings.Contains(watch.Body.String(), "archive") || !strings.Contains(watch.Body.String(), "conference.webm") {
		t.Errorf("a watch link gives %s; want the video, and no evidence of consents", watch.Body)
	}
	a := b.wantAs(200, "", "GET", url, "")
	if got := a.Header().Get("Content-Type"); got != "application/zip" {
		t.Errorf("the archive is %s", got)
	}
	got := unzip(t, a.Body.Bytes(), v.conference)
	if want := []string{v.file, "conference.webm", "consents.json", "manifest.json"}; !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("the archive has %v, want %v", slices.Sorted(maps.Keys(got)), want)
	}
	if got[v.file] != fileText || got["conference.webm"] != "a film" || !strings.Contains(got["consents.json"], "May we record?") {
		t.Errorf("the archive has %v", got)
	}
	b.wantAs(401, "", "GET", strings.Replace(url, "exp=", "exp=9", 1), "")

	// What cannot be read breaks the download off: it must not look whole.
	if err := b.objects.Delete(t.Context(), call.ObjectKey(v.conference, "conference.webm")); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("an archive with a file missing ends with %v", err)
		}
	}()
	b.ask("GET", url, "", "")
}
