package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// refuses runs a command that cannot start and returns its words. A command that starts after all is ended.
func refuses(t *testing.T, code int, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	out, log := newLines(), newLines()
	began := time.Now()
	got := run(ctx, ctx, args, out, log)
	said := string(log.text)
	if ctx.Err() != nil {
		t.Fatalf("%v started, and ran until the test ended it: %s", args, said)
	}
	if got != code {
		t.Errorf("%v: exit code %d, want %d: %s", args, got, code, said)
	}
	if took := time.Since(began); took > within/2 {
		t.Errorf("%v took %v to fail", args, took)
	}
	return said
}

func contains(t *testing.T, said string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(said, word) {
			t.Errorf("it says %q, want %q in it", said, word)
		}
	}
}

// loopback are arguments of a server that disturbs nobody.
func loopback(data string, args ...string) []string {
	return append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--media-udp", "127.0.0.1:0", "--media-tcp", "127.0.0.1:0"}, args...)
}

func TestSecondStartOnOneFolder(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := startIn(t, data, "serve")
	contains(t, refuses(t, 1, loopback(data)...), data, "another Showroom")
	contains(t, refuses(t, 1, "key", "crm", "--data", data), data, "another Showroom")
	if status, body := p.get("/readyz"); status != 200 {
		t.Errorf("the first is not ready any more: %d %s", status, body)
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close() })
	for flag, address := range map[string]string{"--listen": l.Addr().String(), "--media-tcp": l.Addr().String(), "--media-udp": udp.LocalAddr().String()} {
		t.Run(flag, func(t *testing.T) {
			contains(t, refuses(t, 1, loopback(t.TempDir(), flag, address)...), address, "in use")
		})
	}
}

func TestUnknownWords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for _, c := range []struct {
		name string
		args []string
		want []string
	}{
		{"flag", loopback(dir, "--listne", ":1"), []string{"--listne"}},
		{"command", []string{"sevre"}, []string{"sevre"}},
		{"key", loopback(dir, "--config", config("key.yaml", "listne: ':1'\n")), []string{"key.yaml", "listne"}},
		{"value", loopback(dir, "--log-level", "loud"), []string{"--log-level", "loud"}},
		{"duration", loopback(dir, "--config", config("value.yaml", "drain-timeout: soon\n")), []string{"drain-timeout", "soon"}},
		{"not YAML", loopback(dir, "--config", config("bad.yaml", "listen: [\n")), []string{"bad.yaml"}},
		{"no file", loopback(dir, "--config", filepath.Join(dir, "none.yaml")), []string{"none.yaml"}},
		{"half of TLS", loopback(dir, "--tls-cert", config("cert.pem", "")), []string{"--tls-key"}},
		{"port alone", loopback(dir, "--listen", "8080"), []string{"--listen", "8080", ":8080"}},
		{"public URL", loopback(dir, "--public-url", "calls.example.com"), []string{"--public-url", "calls.example.com"}},
	} {
		t.Run(c.name, func(t *testing.T) { contains(t, refuses(t, 2, c.args...), c.want...) })
	}
}

// A setting is the same word as a flag, in the file and, with SHOWROOM_ before it, in the environment.
func TestEnvironment(t *testing.T) {
	var help strings.Builder
	if code := run(t.Context(), t.Context(), []string{"serve", "-help"}, &help, &help); code != 0 {
		t.Fatalf("-help ended with %d", code)
	}
	for _, flag := range regexp.MustCompile(`(?m)^ {6}--([a-z0-9-]+)`).FindAllStringSubmatch(help.String(), -1) {
		name := "SHOWROOM_" + strings.ToUpper(strings.ReplaceAll(flag[1], "-", "_"))
		if !strings.Contains(help.String(), "$"+name) {
			t.Errorf("the manual does not name %s for --%s", name, flag[1])
		}
	}
	t.Setenv("SHOWROOM_S3_ENDPOINT", "127.0.0.1:1")
	contains(t, refuses(t, 2, loopback(t.TempDir())...), "--s3-access-key")
}

// Without a command the program says what it can do.
func TestNoCommand(t *testing.T) {
	var out strings.Builder
	if code := run(t.Context(), t.Context(), nil, &out, &out); code != 0 {
		t.Errorf("ended with %d", code)
	}
	contains(t, out.String(), "serve", "demo", "SHOWROOM_")
}
