package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestMetrics: with an API key at the server's address, without one only where that is configured.
func TestMetrics(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	debug := free.Addr().String()
	_ = free.Close()
	p := start(t, "demo", "--debug-listen", debug, "--media-engines", "2")
	for _, c := range []struct {
		url, key string
		status   int
		holds    string
	}{
		{p.url + "/metrics", "", http.StatusUnauthorized, "API key"},
		{p.url + "/metrics", "sk_wrong", http.StatusUnauthorized, "API key"},
		{p.url + "/metrics", p.key, http.StatusOK, "\nshowroom_media_forwarded_packets_total 0\n"},
		{p.url + "/metrics", p.key, http.StatusOK, "\nshowroom_recordings_failing 0\n"},
		{p.url + "/debug/pprof/", p.key, http.StatusNotFound, ""},
		{"http://" + debug + "/metrics", "", http.StatusOK, "\nshowroom_peers 0\n"},
		{"http://" + debug + "/debug/pprof/goroutine?debug=1", "", http.StatusOK, "goroutine profile"},
	} {
		req, err := http.NewRequest(http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.key != "" {
			req.Header.Set("Authorization", "Bearer "+c.key)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || !strings.Contains(string(body), c.holds) {
			t.Errorf("%s with key %q: %s, %v: %.300s", c.url, c.key, resp.Status, err, body)
		}
	}
}
