package rest

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"showroom/call"
	"showroom/store/object"
)

// unzip is what the folder of an archive has, by name.
func unzip(t *testing.T, body []byte, folder string) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(f.Name, folder+"/")] = string(text)
	}
	return files
}

// download is an export of the visit's buyer.
func (b *bench) download(v visit, body string) map[string]string {
	b.t.Helper()
	url := strings.TrimPrefix(b.want(201, "POST", "/buyers/"+v.buyer+"/export", body).str("url"), "https://meet.example")
	a := b.wantAs(200, "", "GET", url, "")
	if h := a.Header(); h.Get("Content-Type") != "application/zip" || !strings.Contains(h.Get("Content-Disposition"), v.buyer+".zip") || h.Get("Cache-Control") != "no-store" {
		b.t.Errorf("%v", h)
	}
	return unzip(b.t, a.Body.Bytes(), v.buyer)
}

func TestExport(t *testing.T) {
	b := newBench(t)
	v, other := b.visit(), b.visit()
	b.apply(v.conference, call.IssueLink("link_s", "key_full", call.RoleSeller, "", b.now.Add(60e9)), call.Arrive("link_s"), call.Arrive(v.link),
		call.Agree(call.Consented{Participant: "buyer", Accepted: true, Text: "May <b>we</b>?", Address: "198.51.100.1"}),
		call.Agree(call.Consented{Participant: "seller", Accepted: true, Text: "May we?", Address: "198.51.100.2"}))
	b.wantAs(200, "", "GET", b.fileURL(v), "")
	files := b.download(v, `{"recordings": "files"}`)
	for name, wants := range map[string][]string{
		"index.html":       {"Bruno Secret", "May &lt;b&gt;we&lt;/b&gt;?", "Secret car", "Ana Secret", visitor, "198.51.100.1"},
		"buyer.json":       {"Bruno Secret"},
		"conferences.json": {v.conference, "Secret car"},
		"consents.json":    {"198.51.100.1"},
		"accesses.json":    {`"watched"`, visitor},
		"devices.json":     {"[]"},
		"recordings.json":  {v.file, `"sha256"`},
		"events.json":      {`"buyer.registered"`, `"buyer.exported"`, `"scheduled"`, `"recording.watched"`},
		"recordings/" + v.conference + "/" + v.file: {fileText},
	} {
		for _, want := range wants {
			if !strings.Contains(files[name], want) {
				t.Errorf("%s lacks %q:\n%.2000s", name, want, files[name])
			}
		}
		if strings.HasSuffix(name, ".json") && !json.Valid([]byte(files[name])) {
			t.Errorf("%s is not JSON: %s", name, files[name])
		}
	}
	for name, text := range files {
		for _, strange := range []string{other.conference, other.buyer, "198.51.100.2"} {
			if strings.Contains(text, strange) {
				t.Errorf("%s has %s, which is another's", name, strange)
			}
		}
	}
	if files := b.download(v, ""); files["recordings.json"] == "" || files["recordings/"+v.conference+"/"+v.file] != "" {
		t.Error("the default is a list of the recordings")
	}
	if files := b.download(v, `{"recordings": "none"}`); files["recordings.json"] != "" || files["index.html"] == "" {
		t.Error("none has recordings")
	}
	if a := b.want(422, "POST", "/buyers/"+v.buyer+"/export", `{"recordings": "all"}`); a.str("field") != "recordings" {
		t.Errorf("%s", a.Body)
	}
	url := strings.TrimPrefix(b.want(201, "POST", "/buyers/"+v.buyer+"/export", `{"recordings": "list"}`).str("url"), "https://meet.example")
	b.wantAs(401, "", "GET", strings.Replace(url, "list.zip", "files.zip", 1), "")
	b.wantAs(401, "", "GET", strings.Replace(url, v.buyer, other.buyer, 1), "")
	b.wantAs(401, "", "GET", strings.Replace(url, "key_full", "key_crm", 1), "")
	b.now = b.now.Add(exportLife)
	b.wantAs(410, "", "GET", url, "")
}

func TestEraseBuyer(t *testing.T) {
	b := newBench(t)
	b.config.ErasureTrouble = func(string) error { return object.ErrDenied }
	b.restart()
	v := b.visit()
	b.wantInside(v)
	a := b.want(409, "POST", "/buyers/"+v.buyer+"/erase", "")
	if a.code() != "conflict" || !strings.Contains(a.str("detail"), v.conference) {
		t.Errorf("in a call: %s", a.Body)
	}
	b.wantOver(v)
	planned := b.want(201, "POST", "/conferences", `{"seller": "`+v.seller+`", "buyer": "`+v.buyer+`", "subject": "Secret plan", "starts_at": "2026-11-21T10:00:00Z"}`).str("id")
	a = b.want(202, "POST", "/buyers/"+v.buyer+"/erase", "")
	again := b.want(202, "POST", "/buyers/"+v.buyer+"/erase", "")
	if a.Body.String() != again.Body.String() || strings.Contains(a.Body.String(), "Secret") {
		t.Errorf("%s, again %s", a.Body, again.Body)
	}
	read := b.want(200, "GET", "/buyers/"+v.buyer, "")
	if e := read.body["erasure"].(map[string]any); e["state"] != "erasing" || e["by"] != "key_full" || e["error"] != "store_denied" {
		t.Errorf("%s", read.Body)
	}
	c := b.want(200, "GET", "/conferences/"+planned, "")
	if who := c.body["buyer"].(map[string]any); c.str("state") != "cancelled" || c.str("finish_reason") != "buyer_erased" || who["erased"] != true || who["name"] != "" {
		t.Errorf("%s", c.Body)
	}
	if rec := b.want(200, "GET", "/conferences/"+v.conference+"/recording", ""); rec.str("state") != "deleting" {
		t.Errorf("%s", rec.Body)
	}
	for path, body := range map[string]string{
		"POST /conferences":        `{"seller": "` + v.seller + `", "buyer": "` + v.buyer + `", "subject": "S", "starts_at": "2026-11-21T10:00:00Z"}`,
		"PATCH /buyers/" + v.buyer: `{"name": "Bruno"}`,
	} {
		method, path, _ := strings.Cut(path, " ")
		if a := b.want(410, method, path, body); a.code() != "buyer_erased" {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
	b.apply(v.conference, call.FinishDeletion(1, 0))
	proof := call.Erased{Conferences: 2, Recordings: 1, Files: 1, Bytes: 36, Events: 20}
	buyer := b.store.buyers[v.buyer]
	events, err := buyer.FinishErasure(proof, b.now)
	_, _, err = b.store.fold(call.Case{Buyer: buyer}, events, err)
	if err != nil {
		t.Fatal(err)
	}
	read = b.want(200, "GET", "/buyers/"+v.buyer, "")
	if e := read.body["erasure"].(map[string]any); e["state"] != "erased" || e["error"] != nil || e["proof"].(map[string]any)["bytes"] != 36.0 {
		t.Errorf("%s", read.Body)
	}
	if files := b.download(v, ""); strings.Contains(files["buyer.json"]+files["conferences.json"]+files["index.html"], "Bruno") {
		t.Error("an export has the name that was erased")
	}
	b.want(404, "POST", "/buyers/buy_none/erase", "")
}
