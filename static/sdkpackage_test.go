package static

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestSDKExample runs the example of the SDK's README as it stands, in a page of another site.
func TestSDKExample(t *testing.T) {
	readme, err := os.ReadFile("sdk/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := strings.Cut(string(readme), "```html\n")
	page, _, _ = strings.Cut(page, "```")
	f := newFake(t, nil)
	f.welcomes = []message{welcomeOf("buyer", "present", participant("seller", "seller", "Ana Souza"))}
	f.other = "seller"
	host := strings.TrimPrefix(f.url, "http://")
	page = strings.NewReplacer("https://calls.example.com", f.url, "wss://calls.example.com", "ws://"+host).Replace(page)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, page)
	}))
	t.Cleanup(other.Close)
	b := newTab(t)
	b.open(other.URL)
	b.until("document.querySelector('#join')")
	b.run("for (;;) { document.querySelector('#join').click(); if (document.querySelector('#join').onclick) break; await new Promise(r => setTimeout(r, 50)); }")
	b.until("document.querySelector('#others video')?.videoWidth > 0")
	f.send(message{"type": "bye", "reason": "ended"})
	b.until("document.title === 'Over: ended'")
}

// TestSDKPackage: every file that package.json names is there.
func TestSDKPackage(t *testing.T) {
	text, err := os.ReadFile("sdk/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Exports map[string]map[string]string
	}
	if err := json.Unmarshal(text, &p); err != nil || len(p.Exports) == 0 {
		t.Fatalf("package.json: %v, %d exports", err, len(p.Exports))
	}
	for name, files := range p.Exports {
		for kind, file := range files {
			if _, err := os.Stat("sdk/" + file); err != nil {
				t.Errorf("the %s of %s: %v", kind, name, err)
			}
		}
	}
}

// TestSDKTypes: what a class of the SDK has is in its types, and nothing else is. They are made by "make types".
func TestSDKTypes(t *testing.T) {
	code := regexp.MustCompile(`(?m)^  (?:/\*\*.*\*/ )?(?:static )?(?:async )?(?:get )?([a-zA-Z]\w*)(?:\(.*\) \{| =)`)
	types := regexp.MustCompile(`(?m)(?:^    (?:static )?(?:get )?|\*/ )([a-zA-Z]\w*)(?:\(|\??: )`)
	for _, name := range []string{"showroom", "showroom-call"} {
		want, got := members(t, "sdk/"+name+".js", "export class", code), members(t, "sdk/types/"+name+".d.ts", "export declare class", types)
		delete(want, "constructor")
		delete(got, "constructor")
		for m := range want {
			if !got[m] {
				t.Errorf("%s.js has %s, its types have not: run make types", name, m)
			}
		}
		for m := range got {
			if !want[m] {
				t.Errorf("the types of %s.js have %s, it has not: run make types", name, m)
			}
		}
	}
}

// members are the names that the expression finds behind the first class.
func members(t *testing.T, file, class string, expression *regexp.Regexp) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, body, ok := strings.Cut(string(text), class)
	if !ok {
		t.Fatalf("%s has no %s", file, class)
	}
	found := map[string]bool{}
	for _, m := range expression.FindAllStringSubmatch(body, -1) {
		found[m[1]] = true
	}
	return found
}
