package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLimitsNameTests: docs/limits.md claims nothing by a test that does not exist.
func TestLimitsNameTests(t *testing.T) {
	page, err := os.ReadFile("../../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(page), -1)
	if len(names) < 80 {
		t.Errorf("only %d tests are named", len(names))
	}
	source := map[string]string{} // of a package's tests
	for _, n := range names {
		pkg, name := n[1], n[2]
		if source[pkg] == "" {
			files, err := filepath.Glob(filepath.Join("../..", pkg, "*_test.go"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				text, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				source[pkg] += string(text)
			}
		}
		if !strings.Contains(source[pkg], "\nfunc "+name+"(") {
			t.Errorf("there is no %s in %s", name, pkg)
		}
	}
}
