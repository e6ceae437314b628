package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestClientAddress(t *testing.T) {
	for _, c := range []struct {
		header string
		lines  []string
		want   string
	}{
		{"", []string{"203.0.113.9"}, "192.0.2.1"}, // nobody vouches for it
		{"X-Forwarded-For", nil, "192.0.2.1"},
		{"X-Forwarded-For", []string{"203.0.113.9"}, "203.0.113.9"},
		{"X-Forwarded-For", []string{"10.9.9.9, 203.0.113.9"}, "203.0.113.9"},
		{"X-Forwarded-For", []string{"10.9.9.9", "203.0.113.9"}, "203.0.113.9"}, // the client's line, and the proxy's
		{"X-Forwarded-For", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"X-Forwarded-For", []string{"203.0.113.9, unknown"}, "192.0.2.1"},
	} {
		a := &app{cfg: Config{ClientHeader: c.header}}
		r := &http.Request{RemoteAddr: "192.0.2.1:5000", Header: http.Header{"X-Forwarded-For": c.lines}}
		if got := a.clientAddress(r); got != c.want {
			t.Errorf("%q %q: %s, want %s", c.header, c.lines, got, c.want)
		}
	}
}

// TestHTTPLogIsLimited: who speaks no TLS cannot fill the log, and a panic of ours is always in it.
func TestHTTPLogIsLimited(t *testing.T) {
	var b bytes.Buffer
	logger := newHTTPLog(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = logger
	s.StartTLS()
	for range 200 {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "GET / HTTP/1.1\r\n\r\n")
		io.Copy(io.Discard, conn)
		conn.Close()
	}
	s.Close()
	if n := strings.Count(b.String(), "\n"); n == 0 || n > 2*httpLinesBurst {
		t.Errorf("%d lines:\n%s", n, b.String())
	}
	logger.Print("http: panic serving 192.0.2.1:5000: boom")
	if !strings.Contains(b.String(), "level=ERROR") {
		t.Error("a panic is not in the log")
	}
}
