package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// TestBench fills a small store twice and prints the figures of both.
func TestBench(t *testing.T) {
	var out, progress bytes.Buffer
	dir := filepath.Join(t.TempDir(), "store")
	p := &process{t.Context(), t.Context(), &out, &progress}
	if err := (&benchCommand{Conferences: []int{300, 500}, Requests: 3, Data: dir}).Run(p); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"300 conferences", "500 conferences", "p50 grew", "create", "buyers found by name"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing:\n%s", want, &out)
		}
	}
	if err := (&benchCommand{Conferences: []int{10}, Requests: 1, Data: dir}).Run(p); err == nil {
		t.Error("a folder that has something in it is taken")
	}
	if err := (&benchCommand{Conferences: []int{10, 5}, Requests: 1}).Run(p); err == nil {
		t.Error("descending numbers are taken")
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&benchCommand{Conferences: []int{10}, Requests: 1}).Run(&process{over, over, &out, &progress}); err == nil {
		t.Error("it goes on when it was told to stop")
	}
}
