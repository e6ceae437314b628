package rest

import (
	"io"
	"io/fs"
	"net/url"
	"strings"
	"testing"

	"showroom/call"
)

type liveText struct{ *strings.Reader }

func (liveText) Close() error { return nil }

// TestLiveFiles: what is being written is in the recording with an address of what it has by now, which holds until the file is finished.
func TestLiveFiles(t *testing.T) {
	b := newBench(t)
	live := LiveFile{File: call.File{Name: "buyer-2.mkv", Participant: "buyer", Role: call.RoleBuyer, Source: "camera", MediaType: "video/x-matroska",
		Codecs: []string{"h264", "opus"}, OriginMS: b.now.UnixMilli(), OffsetMS: 100, DurationMS: 70_000, Size: 5}, Upto: "5.70000.2"}
	b.config.Live = func(string) []LiveFile { return []LiveFile{live} }
	b.config.OpenLive = func(_, name, upto string) (io.ReadSeekCloser, error) {
		if name != live.Name || upto > live.Upto {
			return nil, fs.ErrNotExist
		}
		return liveText{strings.NewReader(upto)}, nil
	}
	b.restart()
	v := b.visit()
	recording := "/conferences/" + v.conference + "/recording"
	if files := b.want(200, "GET", recording, "").body["files"].([]any); len(files) != 1 {
		t.Fatalf("a file that the log does not know is told: %v", files)
	}
	b.apply(v.conference, call.StartFile(live.Name, "buyer", "camera"))
	a := b.want(200, "GET", recording, "")
	files := a.body["files"].([]any)
	if len(files) != 2 || a.body["state"] != "recording" || a.body["duration_ms"] != 70_100.0 {
		t.Fatalf("recording: %s", a.Body)
	}
	f := files[1].(map[string]any)
	if f["live"] != true || f["participant_name"] != "Bruno Secret" || f["duration_ms"] != 70_000.0 || f["sha256"] != "" {
		t.Errorf("live file: %v", f)
	}
	if was := files[0].(map[string]any); was["live"] != nil {
		t.Errorf("finished file: %v", was)
	}
	u, err := url.Parse(f["url"].(string))
	if err != nil {
		t.Fatal(err)
	}
	got := b.wantAs(206, "", "GET", u.RequestURI(), "", "Range", "bytes=2-")
	if h := got.Header(); got.Body.String() != "70000.2" || h.Get("Content-Type") != "video/x-matroska" || h.Get("ETag") != `"5.70000.2"` {
		t.Errorf("%v %q", h, got.Body)
	}
	for _, upto := range []string{"x", "1;2", `1"`, "1.2.3.4.5", "-1", strings.Repeat("1", 99)} {
		if a := b.ask("GET", u.Path+"?exp="+u.Query().Get("exp")+"&by="+u.Query().Get("by")+"&sig="+u.Query().Get("sig")+"&upto="+url.QueryEscape(upto), "", ""); a.Code != 404 {
			t.Errorf("up to %q: %d %s", upto, a.Code, a.Body)
		}
	}
	b.record(v.conference, live.Name)
	if a := b.wantAs(410, "", "GET", u.RequestURI(), ""); a.code() != "url_expired" {
		t.Errorf("when it is finished: %s", a.Body)
	}
}
