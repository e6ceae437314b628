package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func options(e *edge) Options {
	return Options{
		URL: e.URL, Key: testKey, Calls: 2, Viewers: 3, Duration: time.Second, Ramp: time.Millisecond, VideoKbps: 600, PID: os.Getpid(),
		Saturate: "viewers", Most: 4, Step: time.Second, MaxDelay: time.Minute, JoinRate: 10, Burst: 8, Churn: 6, Scenarios: []string{"calls", "viewers"},
	}
}

// Both scenarios, real peers on a real media server, measured by the process of this test.
func TestRun(t *testing.T) {
	e := newEdge(t)
	var out bytes.Buffer
	r, err := Run(t.Context(), options(e), &out)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	if len(r.Scenarios) != 2 || r.FailedInTotal != 0 || r.PID != os.Getpid() || r.IdleResident == 0 {
		t.Fatalf("%+v", r)
	}
	// A publisher sends 30 frames of 3 packets and 50 audio packets a second.
	for i, want := range []struct{ participants, streams int }{{4, 4}, {4, 3}} {
		f := r.Scenarios[i]
		sent := float64(want.streams * (30*3 + 50))
		if f.Participants != want.participants || f.PacketsPerSecond < sent*0.5 || f.PacketsPerSecond > sent*1.3 {
			t.Errorf("%s: %d participants, %.0f packets/s, want about %.0f", f.Scenario, f.Participants, f.PacketsPerSecond, sent)
		}
		if f.Process == nil || f.Process.CPUMicrosPerPacket <= 0 || f.Process.CPUPercent <= 0 || f.Process.ResidentBytes <= 0 {
			t.Errorf("%s: process %+v", f.Scenario, f.Process)
		}
		joins := uint64(want.participants - []int{2, 1}[i]) // those who came when somebody published
		if f.JoinMillis.Values != joins || f.JoinMillis.P50 <= 0 || f.DelayMicros.Values == 0 || f.DelayMicros.P99 < f.DelayMicros.P50 {
			t.Errorf("%s: join %+v, delay %+v", f.Scenario, f.JoinMillis, f.DelayMicros)
		}
		if f.LostPercent > 1 {
			t.Errorf("%s: lost %d packets", f.Scenario, f.Lost)
		}
	}
	if e.ended != 3 {
		t.Errorf("%d conferences were ended, 3 were made", e.ended)
	}
	for _, want := range []string{"2 calls 1:1: joining", "server CPU, µs a forwarded packet", "1 → 3 viewers"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in the output", want)
		}
	}
}

// The scenarios that size a machine, small: steps until --most, joins and a burst beside calls, people who come and go.
func TestEveryScenario(t *testing.T) {
	e := newEdge(t)
	e.deny = func(role string, n int) string { // 1 with the viewers, 5 that join in turn, 2 in calls, then a burst of 4
		if role == "buyer" && n == 1+5+2+3 {
			return "too_many"
		}
		return ""
	}
	o := options(e)
	o.Scenarios, o.Viewers, o.Most, o.VideoKbps = []string{"saturation", "joins", "churn"}, 3, 3, 100
	var out bytes.Buffer
	r, err := Run(t.Context(), o, &out)
	if err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	if s := r.Saturation; s == nil || len(s.Steps) != 1 || s.Best != nil && s.Half == nil || s.Limit == "" {
		t.Errorf("saturation %+v", s)
	}
	j := r.Joins
	if j == nil || j.Joins != 10 || j.JoinMillis.Values != 5 || len(j.Failures) != 0 {
		t.Fatalf("joins %+v", j)
	}
	if b := j.Burst; b == nil || b.Joins != 8 || b.Served != 6 || b.Alone != 1 || total(b.Failures) != 0 || len(b.Refused) != 1 || b.Refused[0].Reason != "error: too_many" {
		t.Errorf("burst %+v", b)
	} else if b.Before == nil || b.During == nil || b.Before.Participants != 4 || b.During.ForwardedPackets == 0 {
		t.Errorf("before %+v, during %+v", b.Before, b.During)
	}
	if c := r.Churn; c == nil || c.Joins != 6 || len(c.Failures) != 0 || len(c.Samples) < 3 || c.Samples[0].Files <= 0 || c.Samples[0].Goroutines != -1 {
		t.Errorf("churn %+v", c)
	}
	for _, want := range []string{"saturation by viewers:", "8 joins in one second:", "refused 1: error: too_many", "calls meanwhile", "6 joins and leaves"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in the output", want)
		}
	}
}

func TestRunJSON(t *testing.T) {
	o := options(newEdge(t))
	o.Viewers, o.JSON, o.PID = 0, true, 0 // the process is found by its port
	var out bytes.Buffer
	want, err := Run(t.Context(), o, &out)
	if err != nil {
		t.Fatal(err)
	}
	var got Report
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, out.String())
	}
	if got.PID != os.Getpid() || len(got.Scenarios) != 1 || got.Scenarios[0].ForwardedPackets != want.Scenarios[0].ForwardedPackets {
		t.Errorf("got %+v", got)
	}
}

// Some fail: they are named in the report, and the others are measured.
func TestSomeFail(t *testing.T) {
	e := newEdge(t)
	e.deny = func(role string, n int) string {
		if role == "guest" && n > 0 {
			return "room_full"
		}
		return ""
	}
	o := options(e)
	o.Calls, o.Viewers = 0, 4
	var out bytes.Buffer
	r, err := Run(t.Context(), o, &out)
	if err != nil {
		t.Fatal(err)
	}
	f := r.Scenarios[0]
	if r.FailedInTotal != 2 || f.Participants != 3 || len(f.Failures) != 1 || f.Failures[0].Peers != 2 {
		t.Errorf("%+v", f)
	}
	if want := "1 → 4 viewers: 2 failed: error: room_full: as the test wants it"; !strings.Contains(out.String(), want) {
		t.Errorf("%q is not in\n%s", want, out.String())
	}
}

func TestNobodyGetsIn(t *testing.T) {
	for _, role := range []string{"seller", "buyer"} {
		e := newEdge(t)
		e.deny = func(r string, _ int) string {
			if r == role {
				return "no_minutes"
			}
			return ""
		}
		_, err := Run(t.Context(), options(e), &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), "2 calls 1:1: nobody got into a call: error: no_minutes: as the test wants it (2×)") {
			t.Errorf("%s: %v", role, err)
		}
	}
}

// What the server loses on the way in it asks for, and viewers miss nothing.
func TestPublisherAnswersNACK(t *testing.T) {
	e := newEdge(t)
	x := &run{options: options(e), stage: &stage{api: newAPI(e.URL, testKey)}, tell: func(string, ...any) {}}
	t.Cleanup(x.stage.api.close)
	local, err := localAddress(e.URL)
	if err != nil {
		t.Fatal(err)
	}
	x.place = &place{local: local}
	if x.crew, err = newCrew(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.crew.close)
	s := x.scenario("1 → 3 viewers")
	var lossy *dropper
	f, err := s.run(t.Context(), func(ctx context.Context) error {
		if err := s.broadcast(ctx); err != nil {
			return err
		}
		camera := s.live()[0].camera
		camera.mu.Lock()
		defer camera.mu.Unlock()
		lossy = &dropper{rtpWriter: camera.writer, ssrc: camera.ssrc}
		camera.writer = lossy
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if lossy.dropped == 0 || lossy.again == 0 {
		t.Errorf("%d packets were dropped, %d sent again", lossy.dropped, lossy.again)
	}
	if f.LostPercent > 1 { // the last may still be under way
		t.Errorf("%.2f %% are lost, though the publisher has all of them", f.LostPercent)
	}
}

// dropper loses each tenth packet of a stream, but not those sent again.
type dropper struct {
	rtpWriter
	ssrc              uint32
	n, dropped, again int
}

func (d *dropper) WriteRTP(h *rtp.Header, payload []byte) error {
	if h.SSRC != d.ssrc {
		d.again++
	} else if d.n++; d.n%10 == 0 {
		d.dropped++
		return nil
	}
	return d.rtpWriter.WriteRTP(h, payload)
}

func TestPlainErrors(t *testing.T) {
	e := newEdge(t)
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, test := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no server":     {func(o *Options) { o.URL = gone.URL }, "cannot reach a server at " + gone.URL},
		"another":       {func(o *Options) { o.URL = other.URL }, "is --url a Showroom server?"},
		"wrong key":     {func(o *Options) { o.Key = "sk_wrong" }, "the server refused the API key"},
		"no key":        {func(o *Options) { o.Key = "" }, "--key is needed"},
		"no process":    {func(o *Options) { o.PID = 1 << 30 }, "--pid: there is no process 1073741824"},
		"no URL":        {func(o *Options) { o.URL = "localhost:8080" }, `--url "localhost:8080" is not like http://localhost:8080`},
		"nothing to do": {func(o *Options) { o.Calls, o.Viewers = 0, 0 }, "nothing to measure"},
		"no such":       {func(o *Options) { o.Scenarios = []string{"cals"} }, `--scenarios: "cals" is none of calls, viewers,`},
		"nothing more":  {func(o *Options) { o.Saturate = "rooms" }, `--saturate "rooms" is neither`},
		"no step":       {func(o *Options) { o.Step = 0 }, "--step 0s is too short"},
		"no bound":      {func(o *Options) { o.MaxDelay = 0 }, "--max-delay 0s is not positive"},
		"no rate":       {func(o *Options) { o.JoinRate = 0 }, "--join-rate 0 is not between"},
		"too many":      {func(o *Options) { o.Viewers = 1e6 }, "--viewers 1000000 is not between"},
		"too short":     {func(o *Options) { o.Duration = time.Millisecond }, "--duration 1ms is too short"},
		"no bit rate":   {func(o *Options) { o.VideoKbps = 0 }, "--video-kbps 0 is not between"},
		"negative":      {func(o *Options) { o.Calls = -1 }, "--calls -1 is not between"},
		"negative ramp": {func(o *Options) { o.Ramp = -1 }, "--ramp -1ns is negative"},
		"negative pid":  {func(o *Options) { o.PID = -1 }, "--pid -1 is no process id"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(e)
			test.change(&o)
			if _, err := Run(t.Context(), o, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestCanceled(t *testing.T) {
	e := newEdge(t)
	o := options(e)
	o.Duration = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	e.deny = func(role string, n int) string {
		if role == "buyer" && n == 1 {
			cancel()
		}
		return ""
	}
	if _, err := Run(ctx, o, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if e.ended == 0 {
		t.Error("the conferences are left open")
	}
}

func TestLocalAddress(t *testing.T) {
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		if ip, err := localAddress("http://" + host + ":8080"); err != nil || ip.String() != "127.0.0.1" {
			t.Errorf("%s: %v, %v", host, ip, err)
		}
	}
}
