package rest

import (
	"context"
	"strings"
	"testing"
	"time"

	"showroom/call"
)

// sandboxes is a sandbox with one buyer and two messages.
type sandboxes struct {
	now    *time.Time
	err    error
	visits []Visit
}

func (s *sandboxes) Advance(_ context.Context, to time.Time) error {
	if s.err == nil {
		*s.now = to
	}
	return s.err
}

func (s *sandboxes) Visit(_ context.Context, v Visit) (Visitor, error) {
	s.visits = append(s.visits, v)
	return Visitor{ID: "visit_2", Conference: v.Conference, State: "joining", StartedAt: *s.now}, s.err
}

func (s *sandboxes) Visitors() []Visitor {
	return []Visitor{{ID: "visit_1", Conference: "conf_1", State: "failed", Error: "denied", StartedAt: *s.now}}
}

func (s *sandboxes) Leave(id string) (Visitor, error) {
	if id != "visit_1" {
		return Visitor{}, call.ErrNotFound
	}
	return s.Visitors()[0], nil
}

func (s *sandboxes) Captured(after uint64, limit int) (all []Captured) {
	for n := after + 1; n <= 2 && len(all) < limit; n++ {
		all = append(all, Captured{N: n, At: *s.now, Channel: "email", Message: "conf_1.x", Kind: "invitation", Conference: "conf_1", To: "a@b.example", Subject: "S",
			Text: "Come: https://meet.example/join#secret", URL: "https://meet.example/join#secret", HTML: "<a href='https://meet.example/join#secret'>"})
	}
	return all
}

// fillSandbox is [bench.fill] for routes of the sandbox.
func fillSandbox(rt route, v visit) (path, body string) {
	body = map[string]string{
		"POST /sandbox/clock":  `{"advance_seconds": 60}`,
		"POST /sandbox/buyers": `{"conference": "` + v.conference + `"}`,
	}[rt.method+" "+rt.path]
	return strings.ReplaceAll(rt.path, "{buyer}", "visit_1"), body
}

func TestSandbox(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	box := b.config.Sandbox.(*sandboxes)
	if a := b.want(200, "GET", "/sandbox", ""); a.str("now") != "2026-11-20T12:00:00Z" || len(a.body["buyers"].([]any)) != 1 {
		t.Errorf("%s", a.Body)
	}
	if a := b.want(200, "POST", "/sandbox/clock", `{"advance_seconds": 3600}`); a.str("now") != "2026-11-20T13:00:00Z" {
		t.Errorf("%s", a.Body)
	}
	b.want(200, "POST", "/sandbox/clock", `{"to": "2026-12-01T00:00:00+01:00"}`)
	for body, field := range map[string]string{
		`{}`: "advance_seconds", `{"advance_seconds": 0}`: "advance_seconds", `{"advance_seconds": 99999999999}`: "advance_seconds", `{"to": "2026-11-01T00:00:00Z"}`: "to",
		`{"to": "2029-11-01T00:00:00Z"}`: "to", `{"to": "soon"}`: "to", `{"advance_seconds": 1, "to": "2026-12-01T00:00:00Z"}`: "advance_seconds",
	} {
		if a := b.want(422, "POST", "/sandbox/clock", body); a.str("field") != field {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	box.err = ErrCallRuns
	if a := b.want(409, "POST", "/sandbox/clock", `{"advance_seconds": 1}`); a.code() != "conflict" {
		t.Errorf("%s", a.Body)
	}
	box.err = nil

	b.want(201, "POST", "/sandbox/buyers", `{"conference": "`+v.conference+`", "consent": false, "talk_seconds": 0}`)
	if got, want := box.visits[0], (Visit{v.conference, true, false, 0}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	for body, field := range map[string]string{`{}`: "conference", `{"conference": "` + v.conference + `", "talk_seconds": 3601}`: "talk_seconds"} {
		if a := b.want(422, "POST", "/sandbox/buyers", body); a.str("field") != field {
			t.Errorf("%s: %s", body, a.Body)
		}
	}
	if a := b.want(200, "GET", "/sandbox/buyers/visit_1", ""); a.str("error") != "denied" {
		t.Errorf("%s", a.Body)
	}
	first := b.want(200, "GET", "/sandbox/messages?limit=1", "")
	if a := b.want(200, "GET", "/sandbox/messages?limit=1&after="+first.str("next"), ""); a.body["next"] != nil || !strings.Contains(a.Body.String(), "join#secret") {
		t.Errorf("%s", a.Body)
	}
	if a := b.wantAs(200, readKey, "GET", "/sandbox/messages", ""); strings.Contains(a.Body.String(), "join#secret") {
		t.Errorf("a key that may only read sees links: %s", a.Body)
	}
	b.config.Sandbox = nil
	b.restart()
	if a := b.want(404, "GET", "/sandbox", ""); !strings.Contains(a.str("detail"), "--sandbox") {
		t.Errorf("%s", a.Body)
	}
}
