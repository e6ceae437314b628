package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"showroom/signaling/rest"
	"showroom/signaling/rest/resttest"
)

// program is the whole program, started by its run on ports of its own.
type program struct {
	t   *testing.T
	out *lines
	log *testLog
	url string
	key string

	seller, buyer string // links of the demo, if it is one

	drain, stop context.CancelFunc
	done        chan int
}

// start runs a command with free loopback ports and waits until it says where it is.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	return startIn(t, t.TempDir(), args...)
}

func startIn(t *testing.T, data string, args ...string) *program {
	t.Helper()
	soon, drain := context.WithCancel(context.Background())
	now, stop := context.WithCancel(context.Background())
	p := &program{t: t, out: newLines(), drain: drain, stop: stop, done: make(chan int, 1)}
	args = append(args, "--data", data, "--media-udp", "127.0.0.1:0", "--media-tcp", "127.0.0.1:0", "--drain-timeout", "1s")
	if !slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "--compose-") }) { // most tests have no use for it, and the machine other things to do
		args = append(args, "--compose-layout", "off")
	}
	listen := true
	for _, a := range args {
		listen = listen && a != "--listen"
	}
	if listen {
		args = append(args, "--listen", "127.0.0.1:0")
	}
	p.log = &testLog{t: t, lines: newLines()}
	go func() { p.done <- run(soon, now, args, p.out, p.log) }()
	t.Cleanup(p.close)
	if args[0] == "demo" {
		p.seller = p.out.find(t, `Seller +(\S+)`)
		p.buyer = p.out.find(t, `Buyer +(\S+)`)
		p.key = p.out.find(t, `API key +(\S+)`)
		p.url = p.out.find(t, `Console +(\S+)/console`)
	} else {
		p.url = p.out.find(t, `Showroom at (\S+)`)
	}
	return p
}

// close ends the program as two signals do, once.
func (p *program) close() {
	p.drain()
	p.stop()
	if code, ok := <-p.done; ok {
		if code != 0 {
			p.t.Errorf("the program ended with %d", code)
		}
		close(p.done)
	}
}

// api asks the HTTP API and decodes the answer.
func (p *program) api(method, path string, body, into any) int {
	p.t.Helper()
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			p.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, p.url+"/api/v1"+path, bytes.NewReader(sent))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.hold(req, sent, resp, b)
	if resp.StatusCode >= 400 {
		p.t.Fatalf("%s %s: %s: %s", method, path, resp.Status, b)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			p.t.Fatalf("%s %s: %v: %s", method, path, err, b)
		}
	}
	return resp.StatusCode
}

var contract = sync.OnceValues(func() (*resttest.Contract, error) {
	text, err := rest.Document()
	if err != nil {
		return nil, err
	}
	return resttest.Load(text)
})

// hold holds an exchange against the OpenAPI file.
func (p *program) hold(req *http.Request, sent []byte, resp *http.Response, answer []byte) {
	p.t.Helper()
	c, err := contract()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := c.Check(resttest.Exchange{Method: req.Method, Target: req.URL.RequestURI(), Header: req.Header, Body: sent,
		Status: resp.StatusCode, AnswerHeader: resp.Header, Answer: answer}); err != nil {
		p.t.Error(err)
	}
}

// conference is what tests read of a conference.
type conference struct {
	ID               string
	State            string
	FinishReason     string `json:"finish_reason"`
	ConnectedSeconds int    `json:"connected_seconds"`
	Seller           struct{ ID string }
}

// newest is the conference that starts last: the demo's.
func (p *program) newest() conference {
	p.t.Helper()
	var page struct{ Data []conference }
	p.api("GET", "/conferences?limit=1", nil, &page)
	if len(page.Data) != 1 {
		p.t.Fatal("there is no conference")
	}
	return p.conference(page.Data[0].ID)
}

func (p *program) conference(id string) (c conference) {
	p.t.Helper()
	p.api("GET", "/conferences/"+id, nil, &c)
	return c
}

type recordingFile struct {
	Name, Participant, Source, URL, SHA256 string
	MediaType                              string `json:"media_type"`
	OffsetMS                               int64  `json:"offset_ms"`
	DurationMS                             int64  `json:"duration_ms"`
	Size                                   int64
	Gaps                                   []struct {
		Track, Reason string
		StartMS       int64 `json:"start_ms"`
		EndMS         int64 `json:"end_ms"`
	}
}

// recording waits until the conference's recording is ready.
func (p *program) recording(id string) []recordingFile {
	p.t.Helper()
	var r struct {
		State string
		Files []recordingFile
	}
	p.until("the recording is ready", func() bool {
		p.api("GET", "/conferences/"+id+"/recording", nil, &r)
		return r.State == "ready"
	})
	return r.Files
}

// until asks again and again; there is no event to wait for on the far side of HTTP.
func (p *program) until(what string, is func() bool) {
	p.t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	end := time.After(within)
	for !is() {
		select {
		case <-ticker.C:
		case <-end:
			p.t.Fatalf("in vain: %s", what)
		}
	}
}

// lines is an output that can be waited on.
type lines struct {
	mu    sync.Mutex
	text  []byte
	wrote chan struct{}
}

func newLines() *lines { return &lines{wrote: make(chan struct{})} }

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	close(l.wrote)
	l.wrote = make(chan struct{})
	return len(b), nil
}

// all is what was written so far.
func (l *lines) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// find waits for a match of the pattern and returns its group.
func (l *lines) find(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	end := time.After(within)
	for {
		l.mu.Lock()
		match, wrote := re.FindSubmatch(l.text), l.wrote
		l.mu.Unlock()
		if match != nil {
			return string(match[1])
		}
		select {
		case <-wrote:
		case <-end:
			t.Fatalf("the program never printed %s", pattern)
		}
	}
}

// testLog gives the program's log to the test's, and keeps it.
type testLog struct {
	t *testing.T
	*lines
}

func (l *testLog) Write(b []byte) (int, error) {
	l.t.Logf("%s", bytes.TrimSpace(b))
	return l.lines.Write(b)
}
