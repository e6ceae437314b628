package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the design: who may import what of ours, and of others'. A package not named here may not exist.
var mayImport = map[string]struct{ ours, others []string }{
	"call":              {},
	"call/player":       {ours: []string{"call", "sfu", "recorder"}},
	"sfu":               {ours: []string{"sfu/udp"}, others: []string{"github.com/pion"}},
	"sfu/udp":           {others: []string{"github.com/pion", "golang.org/x/net", "golang.org/x/sys"}},
	"signaling":         {ours: []string{"call", "sfu"}, others: []string{"github.com/gorilla/websocket", "github.com/golang-jwt/jwt", "golang.org/x/time"}},
	"signaling/rest":    {ours: []string{"call", "store/object", "signaling/rest/password"}, others: []string{"golang.org/x/time", "go.yaml.in/yaml", "github.com/gorilla/websocket"}},
	"signaling/notify":  {ours: []string{"call", "signaling/notify/push"}, others: []string{"code.dny.dev/ssrf", "github.com/arran4/golang-ical", "github.com/wneessen/go-mail"}},
	"recorder":          {ours: []string{"call", "store/object", "recorder/webm"}, others: []string{"github.com/pion/rtp", "golang.org/x/sys"}},
	"recorder/webm":     {others: []string{"github.com/at-wat/ebml-go"}},
	"recorder/compose":  {ours: []string{"call", "recorder", "store/object"}},
	"store":             {ours: []string{"call", "store/kv"}},
	"store/kv":          {others: []string{"go.etcd.io/bbolt"}},
	"store/object":      {others: []string{"github.com/minio/minio-go"}},
	"static":            {},
	"cmd/showroom":      {ours: []string{"*"}, others: []string{"*"}},
	"cmd/showroom/load": {ours: []string{"sfu/sfutest"}, others: []string{"github.com/pion", "github.com/gorilla/websocket", "golang.org/x/sys"}},

	"signaling/rest/password": {others: []string{"golang.org/x/crypto"}},
	"signaling/notify/push":   {ours: []string{"call"}, others: []string{"github.com/SherClockHolmes/webpush-go", "github.com/golang-jwt/jwt", "golang.org/x/oauth2"}},

	// suites and sources that only tests use
	"sfu/sfutest":             {ours: []string{"sfu"}, others: []string{"github.com/pion"}},
	"store/kv/kvtest":         {ours: []string{"store/kv"}, others: []string{"pgregory.net/rapid"}},
	"signaling/rest/resttest": {others: []string{"github.com/getkin/kin-openapi"}},
	"store/object/objecttest": {ours: []string{"store/object"}},
}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "showroom/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	std, err := exec.Command("go", "list", "std").Output()
	if err != nil {
		t.Fatalf("go list std: %v", err)
	}
	standard := strings.Fields(string(std))
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, "showroom/")
		rule, ok := mayImport[name]
		if !ok {
			t.Errorf("package %s is not in the design", name)
			continue
		}
		for _, imported := range p.Imports {
			ours, isOurs := strings.CutPrefix(imported, "showroom/")
			switch {
			case isOurs && !allowed(rule.ours, ours, func(a, b string) bool { return a == b }):
				t.Errorf("%s imports %s", name, ours)
			case !isOurs && !slices.Contains(standard, imported) && !allowed(rule.others, imported, strings.HasPrefix):
				t.Errorf("%s imports %s", name, imported)
			}
		}
	}
}

func allowed(list []string, imported string, match func(string, string) bool) bool {
	return slices.ContainsFunc(list, func(a string) bool { return a == "*" || match(imported, a) })
}
