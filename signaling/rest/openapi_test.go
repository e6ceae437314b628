package rest

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"showroom/call"
	"showroom/signaling/rest/resttest"
)

// contract is the OpenAPI file. Every request of this package's tests is held against it, see [bench.ask].
var contract = sync.OnceValues(func() (*resttest.Contract, error) {
	text, err := Document()
	if err != nil {
		return nil, err
	}
	return resttest.Load(text)
})

// TestEveryRouteIsDescribed holds the mux and the file against each other: every route is in the file, every operation of the file is a route, and
// both say the same of who may ask.
func TestEveryRouteIsDescribed(t *testing.T) {
	c, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	described := c.Operations()
	if _, ok := described["GET "+livePath]; !ok { // asks for the key in its first message
		t.Errorf("%s is not described", livePath)
	}
	delete(described, "GET "+livePath)
	for _, rt := range newBench(t).handler.(*api).routes() {
		who, ok := described[rt.pattern()]
		if !ok {
			t.Errorf("%s is a route and not described: add it to a file of signaling/rest/openapi", rt.pattern())
			continue
		}
		delete(described, rt.pattern())
		if want := mayAsk(rt); !slices.Equal(who, want) {
			t.Errorf("%s: security is %v in the file, want %v", rt.pattern(), who, want)
		}
	}
	for op := range described {
		t.Errorf("%s is described and no route", op)
	}
}

// mayAsk is the security of a route as the file says it, sorted.
func mayAsk(rt route) []string {
	switch rt.access {
	case byAnyone:
		return nil
	case bySession:
		return []string{"session"}
	case byPasswordLink:
		return []string{"passwordLink"}
	case byPass:
		return []string{"accessLink"}
	case byWatchToken:
		return []string{"watchLink"}
	case bySignature:
		return []string{"signature"}
	}
	who := append([]string{"apiKey", "session"}, rt.scopes()...)
	for _, role := range []string{ScopeOperator, ScopeSeller} { // once more, for sessions
		if slices.Contains(rt.scopes(), role) {
			who = append(who, role)
		}
	}
	slices.Sort(who)
	return who
}

// TestFileIsComplete: operations have an id and a summary, tags are explained, codes and event types are all named.
func TestFileIsComplete(t *testing.T) {
	c, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for path, item := range c.Doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.OperationID == "" || op.Summary == "" || ids[op.OperationID] || len(op.Tags) != 1 || c.Doc.Tags.Get(op.Tags[0]) == nil {
				t.Errorf("%s %s needs an operationId of its own, a summary and one of the tags", method, path)
			}
			ids[op.OperationID] = true
		}
	}
	var codes []string
	for _, v := range c.Doc.Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		codes = append(codes, v.(string))
	}
	for k := range statuses {
		if !slices.Contains(codes, string(k)) {
			t.Errorf("the code %s is not in the file", k)
		}
	}
	if len(codes) != len(statuses) {
		t.Errorf("the file has %d codes, and there are %d", len(codes), len(statuses))
	}
	types, _ := c.Doc.Components.Schemas["EventTypes"].Value.Extensions["x-types"].(map[string]any)
	for _, word := range call.Types() {
		if s, _ := types[word].(string); s == "" {
			t.Errorf("the event type %s is not in signaling/rest/openapi/events.yaml", word)
		}
		delete(types, word)
	}
	for word := range types {
		t.Errorf("the event type %s is in the file and not in the log", word)
	}
}

func TestDocument(t *testing.T) {
	b := newBench(t)
	a := b.ask("GET", "/api/openapi.json", "", "")
	h := a.Header()
	if a.Code != 200 || h.Get("Content-Type") != "application/json" || h.Get("Access-Control-Allow-Origin") != "*" || a.str("openapi") != "3.1.0" {
		t.Errorf("%d %v %.100s", a.Code, h, a.Body)
	}
	if a := b.ask("GET", "/api/openapi.json", "", "", "If-None-Match", h.Get("ETag")); a.Code != 304 {
		t.Errorf("again: %d", a.Code)
	}
	if a := b.ask("POST", "/api/openapi.json", "", ""); a.Code != 405 {
		t.Errorf("POST: %d", a.Code)
	}
}

func TestMergeRefusesWhatIsSaidTwice(t *testing.T) {
	for _, two := range [][2]string{
		{`{"a": {"b": 1}}`, `{"a": {"b": 1}}`},
		{`{"a": {"b": 1}}`, `{"a": 1}`},
		{`{"a": 1}`, `{"a": {"b": 1}}`},
		{`{"a": {"b": 1}}`, `{"a": [1]}`},
	} {
		var x, y map[string]any
		if json.Unmarshal([]byte(two[0]), &x) != nil || json.Unmarshal([]byte(two[1]), &y) != nil {
			t.Fatal(two)
		}
		if merge(x, y, "") == nil {
			t.Errorf("%v was merged into %v", two, x)
		}
	}
}
