package rest

import (
	"strings"
	"testing"
	"time"

	"showroom/call"
)

// accessesOf are the lines of the record, the newest first: what, who, which file and from where.
func (b *bench) accessesOf(v visit) (lines []string) {
	b.t.Helper()
	for _, o := range b.want(200, "GET", "/conferences/"+v.conference+"/recording/accesses", "").body["data"].([]any) {
		a := o.(map[string]any)
		by := a["by"].(map[string]any)
		line := []string{a["what"].(string), by["kind"].(string)}
		for _, v := range []any{by["name"], a["file"], a["from"], a["reason"]} {
			if s, ok := v.(string); ok {
				line = append(line, s)
			}
		}
		lines = append(lines, strings.Join(line, " "))
	}
	return lines
}

func (b *bench) wantAccesses(v visit, want ...string) {
	b.t.Helper()
	if got := b.accessesOf(v); strings.Join(got, "\n") != strings.Join(want, "\n") {
		b.t.Errorf("accesses:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const visitor = "192.0.2.1" // the address of httptest's requests

// TestAccesses: one line for each person and file, however many ranges their player asks for.
func TestAccesses(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	shared := "shared key console " + visitor
	b.wantAccesses(v, shared)
	url := b.fileURL(v)
	for i := range 30 {
		b.wantAs(206, "", "GET", url, "", "Range", "bytes=1-2")
		b.wantAs(200, "", "HEAD", url, "")
		if i%10 == 9 {
			b.now = b.now.Add(4 * time.Minute)
			url = b.fileURL(v)
		}
	}
	watched := "watched key console buyer-1.webm " + visitor
	b.wantAccesses(v, watched, shared)
	b.wantAs(200, "", "GET", url+"&download=1", "")
	downloaded := "downloaded key console buyer-1.webm " + visitor
	b.wantAccesses(v, downloaded, watched, shared)
	b.now = b.now.Add(accessGap)
	b.wantAs(200, "", "GET", b.fileURL(v), "")
	b.wantAccesses(v, watched, downloaded, watched, shared)

	// Whoever has a link is somebody else than the holder of the key, and no key's doing.
	named := b.want(201, "POST", "/conferences/"+v.conference+"/recording/links", `{"name": " Caio ", "expires_at": "2026-12-20T12:00:00Z"}`)
	_, token, _ := strings.Cut(named.str("url"), "#")
	files := b.wantAs(200, token, "GET", "/watch", "").body["files"].([]any)
	byLink := strings.TrimPrefix(files[0].(map[string]any)["url"].(string), "https://meet.example")
	b.wantAs(200, "", "GET", byLink, "")
	ticket := b.wantAs(200, readKey, "GET", "/conferences/"+v.conference+"/recording/watch", "")
	_, token, _ = strings.Cut(ticket.str("url"), "#")
	files = b.wantAs(200, token, "GET", "/watch", "").body["files"].([]any)
	b.wantAs(200, "", "GET", strings.TrimPrefix(files[0].(map[string]any)["url"].(string), "https://meet.example"), "")
	rest := []string{watched, downloaded, watched, shared}
	rest = append([]string{"watched key report buyer-1.webm " + visitor, "watched link Caio buyer-1.webm " + visitor, "shared key console " + visitor}, rest...)
	b.wantAccesses(v, rest...)

	// What is revoked ends at once, also for who is watching.
	b.want(204, "DELETE", "/conferences/"+v.conference+"/recording/links/"+named.str("id"), "")
	b.want(204, "DELETE", "/conferences/"+v.conference+"/recording/links/"+named.str("id"), "")
	if a := b.wantAs(401, "", "GET", byLink, ""); a.code() != "token_revoked" {
		t.Errorf("%s", a.Body)
	}
	b.wantOver(v)
	b.want(202, "DELETE", "/conferences/"+v.conference+"/recording", "")
	b.wantAs(410, "", "GET", url, "")
	b.apply(v.conference, call.FinishDeletion(1, 0))
	b.want(410, "POST", "/conferences/"+v.conference+"/recording/links", "")
	b.wantAccesses(v, append([]string{"deleted system", "deletion_ordered key console " + visitor + " request", "share_revoked key console " + visitor}, rest...)...)

	pages, after := 0, ""
	for more := true; more; pages++ {
		a := b.want(200, "GET", "/conferences/"+v.conference+"/recording/accesses?limit=4"+after, "")
		after, more = "&after="+a.str("next"), a.str("next") != ""
	}
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
	names := b.wantAs(200, v.secret, "GET", "/conferences/"+v.conference+"/recording/accesses", "").Body.String()
	if strings.Contains(names, "report") {
		t.Errorf("a seller's key is told the names of others: %s", names)
	}
}

// TestAccessIsNotServedUnnoted: what the log cannot take is not served, and is noted once it can.
func TestAccessIsNotServedUnnoted(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	url := b.fileURL(v)
	failing := &unnoted{memory: b.store}
	b.config.Store = failing
	b.restart()
	failing.err = call.ErrStorageFull
	b.wantAs(507, "", "GET", url, "")
	failing.err = nil
	b.wantAs(200, "", "GET", url, "")
	b.wantAccesses(v, "watched key console buyer-1.webm "+visitor, "shared key console "+visitor)
}

func TestManyAccesses(t *testing.T) {
	a, now := newAccesses(), time.Now()
	for i := range 3 * maxSeen {
		if !a.begins(seen{file: strings.Repeat("x", i%7), address: time.Duration(i).String()}, now.Add(time.Duration(i)*time.Millisecond)) {
			t.Fatal("somebody new is taken for somebody else")
		}
	}
	if len(a.last) > maxSeen {
		t.Errorf("%d are remembered", len(a.last))
	}
}

func TestRecordings(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	b.now = b.now.Add(30 * time.Minute)
	other := b.visit()
	list := func(query string) (all []string) {
		for _, o := range b.want(200, "GET", "/recordings"+query, "").body["data"].([]any) {
			all = append(all, o.(map[string]any)["conference"].(string))
		}
		return all
	}
	for query, want := range map[string]string{
		"":                         other.conference + " " + v.conference,
		"?seller=" + v.seller:      v.conference,
		"?buyer=" + other.buyer:    other.conference,
		"?state=ready":             other.conference + " " + v.conference,
		"?state=deleted":           "",
		"?to=2026-11-20T12:30:00Z": v.conference,
		"?from=2026-11-20T12:10:00Z&to=2027-01-01T00:00:00Z":        other.conference,
		"?state=ready&seller=" + v.seller + "&buyer=" + other.buyer: "",
	} {
		if got := strings.Join(list(query), " "); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for query, field := range map[string]string{"?state=none": "state", "?seller=x": "seller", "?buyer=x": "buyer", "?from=x": "from", "?after=x": "after"} {
		if a := b.want(422, "GET", "/recordings"+query, ""); a.str("field") != field {
			t.Errorf("%s: %s", query, a.Body)
		}
	}
	a := b.wantAs(200, v.secret, "GET", "/recordings", "")
	if strings.Contains(a.Body.String(), other.conference) || !strings.Contains(a.Body.String(), v.conference) {
		t.Errorf("a seller's key sees %s", a.Body)
	}
	one := a.body["data"].([]any)[0].(map[string]any)
	if one["duration_ms"] != 60_500.0 || one["bytes"] != float64(len(fileText)) || one["files"] != 1.0 || one["shares"] != 0.0 || one["deletable"] != false || one["subject"] != "Secret car" {
		t.Errorf("%v", one) // the link for 15 minutes has expired
	}
}
