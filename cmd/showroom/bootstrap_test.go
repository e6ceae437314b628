package main

import (
	"os"
	"strings"
	"testing"
)

// TestBootstrap: the first start writes one operator's key, the next ones none, also when the file is gone.
func TestBootstrap(t *testing.T) {
	data := t.TempDir()
	p := startIn(t, data, "serve")
	file := p.out.find(t, `The first API key, an operator's, is in (\S+):`)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want a file for its owner only", info.Mode(), err)
	}
	p.key = strings.TrimSpace(string(text))
	var me struct{ ID, Scope string }
	p.api("GET", "/me", nil, &me)
	if me.Scope != "operator" {
		t.Errorf("the first key has the scope %s", me.Scope)
	}
	var made struct{ ID, Secret string }
	p.api("POST", "/keys", map[string]any{"name": "CRM", "scope": "crm"}, &made)
	p.api("POST", "/keys/"+made.ID+"/rotate", map[string]any{"overlap_seconds": 60}, nil)
	p.close()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	again := startIn(t, data, "serve")
	if _, err := os.Stat(file); err == nil || strings.Contains(again.out.all(), "API key") {
		t.Error("the second start made a key, too")
	}
	again.key = made.Secret // the old secret, in its hour of grace
	again.api("GET", "/me", nil, nil)
	if strings.Contains(again.log.all(), made.Secret) || strings.Contains(p.log.all(), p.key) {
		t.Error("a secret is in the log")
	}
}
