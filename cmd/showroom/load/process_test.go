package load

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	const rest = "S 1 2 3 4 5 6 7 8 9 10 1200 34 0 0 20 0 9 0 123 456"
	for name, test := range map[string]struct {
		text string
		want uint64
		ok   bool
	}{
		"plain":         {"123 (showroom) " + rest, 1234, true},
		"spaces":        {"123 (a server) " + rest, 1234, true},
		"parentheses":   {"123 (a) 7 (b) " + rest, 1234, true},
		"empty":         {"", 0, false},
		"no name":       {"123 showroom " + rest, 0, false},
		"cut":           {"123 (showroom) S 1 2 3", 0, false},
		"not a number":  {"123 (showroom) " + strings.Replace(rest, "1200", "x", 1), 0, false},
		"negative time": {"123 (showroom) " + strings.Replace(rest, "34", "-34", 1), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseStat(test.text)
			if got != test.want || (err == nil) != test.ok {
				t.Errorf("got %d, %v", got, err)
			}
		})
	}
}

func TestParseStatm(t *testing.T) {
	for text, want := range map[string]int64{"5000 321 100 1 0 20 0\n": 321, "5000": -1, "": -1, "5 x": -1, "5 -3": -1, "5 99999999999999999999": -1} {
		if got, err := parseStatm(text); (err == nil) != (want >= 0) || err == nil && got != want {
			t.Errorf("%q: got %d, %v", text, got, err)
		}
	}
}

func FuzzProc(f *testing.F) {
	f.Add("123 (a) b) S 1 2 3 4 5 6 7 8 9 10 1200 34 0", uint16(80))
	f.Add("0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 777 1", uint16(80))
	f.Fuzz(func(t *testing.T, text string, port uint16) {
		_, _ = parseStat(text)
		if pages, err := parseStatm(text); err == nil && pages < 0 {
			t.Errorf("%d pages", pages)
		}
		listening(text, port)
	})
}

func TestOwnProcess(t *testing.T) {
	p := newProcess("/proc", os.Getpid())
	before, err := p.cpu()
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for used := before; used < before+3*p.tick; { // spin: the test is that it is counted
		if used, err = p.cpu(); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("no processor time in 10 s of spinning")
		}
	}
	if n, err := p.resident(); err != nil || n < 1<<20 || n > 1<<36 {
		t.Errorf("resident: %d bytes, %v", n, err)
	}
}

func TestNoSuchProcess(t *testing.T) {
	p := newProcess(t.TempDir(), 77)
	if _, err := p.cpu(); err == nil || err.Error() != "there is no process 77" {
		t.Errorf("cpu: %v", err)
	}
	if _, err := p.resident(); err == nil || err.Error() != "there is no process 77" {
		t.Errorf("resident: %v", err)
	}
}

func TestClockTick(t *testing.T) {
	root := t.TempDir()
	if got := clockTick(root); got != 10*time.Millisecond {
		t.Errorf("without auxv: %v", got)
	}
	var vector []byte
	for _, word := range []uint32{6, 4096, 17, 250, 0, 0} {
		if strconv.IntSize == 64 {
			vector = binary.NativeEndian.AppendUint64(vector, uint64(word))
		} else {
			vector = binary.NativeEndian.AppendUint32(vector, word)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "self"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "self", "auxv"), vector, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := clockTick(root); got != 4*time.Millisecond {
		t.Errorf("250 Hz: %v", got)
	}
}

func TestFindListener(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		port := uint16(l.Addr().(*net.TCPAddr).Port)
		if pid, err := findListener("/proc", port); err != nil || pid != os.Getpid() {
			t.Errorf("%s: got %d, %v", address, pid, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if pid, err := findListener("/proc", port); err == nil || !strings.Contains(err.Error(), "--pid") {
			t.Errorf("%s, closed: got %d, %v", address, pid, err)
		}
	}
}

func TestPortOf(t *testing.T) {
	for address, want := range map[string]struct {
		port  uint16
		local bool
	}{
		"http://localhost:8080":   {8080, true},
		"https://127.0.0.9":       {443, true},
		"http://[::1]:90":         {90, true},
		"http://calls.example":    {80, false},
		"https://192.0.2.1:65535": {65535, false},
	} {
		if port, local, err := portOf(address); err != nil || port != want.port || local != want.local {
			t.Errorf("%s: got %d, %v, %v", address, port, local, err)
		}
	}
	if _, _, err := portOf("http://localhost:99999"); err == nil {
		t.Error("port 99999 passed")
	}
}

func TestStatus(t *testing.T) {
	const text = "Name:\tx\nRssAnon:\t  1234 kB\nCpus_allowed_list:\t0-1,4\n"
	if got := statusLine(text, "RssAnon"); got != "1234 kB" {
		t.Errorf("got %q", got)
	}
	if got := statusLine(text, "Rss"); got != "" {
		t.Errorf("got %q", got)
	}
	for list, want := range map[string]int{"0": 1, "0-1": 2, "0-1,4": 3, "": 0, "x": 0, "3-1": 0, "0-": 0} {
		if got := cpuList(list); got != want {
			t.Errorf("%q: %d, want %d", list, got, want)
		}
	}
	p := newProcess("/proc", os.Getpid())
	anonymous, err1 := p.anonymous()
	files, err2 := p.files()
	if err := errors.Join(err1, err2); err != nil || anonymous <= 0 || files < 3 || p.cores() < 1 {
		t.Errorf("%d bytes, %d files, %d cores, %v", anonymous, files, p.cores(), err)
	}
}
