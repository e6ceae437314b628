package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"showroom/signaling/rest"
)

// try is a sandbox with what tests ask of it.
type try struct{ *program }

// at is the time by its clock.
func (y try) at() time.Time {
	y.t.Helper()
	var s struct{ Now time.Time }
	y.api("GET", "/sandbox", nil, &s)
	return s.Now
}

// to sets the clock.
func (y try) to(at time.Time) {
	y.t.Helper()
	y.api("POST", "/sandbox/clock", map[string]any{"to": at.UTC().Format(time.RFC3339)}, nil)
}

// captured are messages of a conference, as words.
func (y try) captured(conference string) (all []string) {
	y.t.Helper()
	var page struct{ Data []rest.Captured }
	y.api("GET", "/sandbox/messages?limit=200", nil, &page)
	for _, m := range page.Data {
		if m.Conference == conference {
			all = append(all, fmt.Sprint(m.Kind, " ", m.Channel, " ", m.To))
		}
	}
	return all
}

func (y try) visitor(id string) (v rest.Visitor) {
	y.t.Helper()
	y.api("GET", "/sandbox/buyers/"+id, nil, &v)
	return v
}

// schedule makes a seller with a phone, a buyer, and a conference that starts at a time.
func (y try) schedule(start time.Time) (conference, phone string) {
	y.t.Helper()
	var seller, buyer, conf, device struct{ ID string }
	y.api("POST", "/sellers", map[string]any{"name": "Ana", "email": "ana@cars.example", "monthly_minutes": 60, "colleague_name": "Caio", "colleague_email": "caio@cars.example"}, &seller)
	y.api("POST", "/buyers", map[string]any{"name": "Bruno", "email": "bruno@mail.example"}, &buyer)
	y.api("POST", "/sellers/"+seller.ID+"/devices", map[string]any{"platform": "fcm", "token": "token-of-" + seller.ID}, &device)
	y.api("POST", "/conferences", map[string]any{"seller": seller.ID, "buyer": buyer.ID, "subject": "Fiat Pulse 2025", "starts_at": start.UTC().Format(time.RFC3339)}, &conf)
	return conf.ID, device.ID
}

// TestSandbox is an integration tried out: three days pass in a moment, a buyer comes, waits, talks and leaves, and another one never comes.
func TestSandbox(t *testing.T) {
	data := t.TempDir()
	var err error
	y := try{startIn(t, data, "demo", "--sandbox", "--webhook-networks", "127.0.0.0/8", "--reminders", "1h,10m", "--waiting-again", "2m", "--waiting-colleague", "5m")}
	crm := &receiver{}
	hooks := httptest.NewServer(crm)
	t.Cleanup(hooks.Close)
	var hook struct{ Secret string }
	crm.mu.Lock()
	y.api("POST", "/webhooks", map[string]any{"url": hooks.URL, "events": []string{"no_show"}}, &hook)
	if crm.oracle, err = standardwebhooks.NewWebhook(hook.Secret); err != nil {
		t.Fatal(err)
	}
	crm.mu.Unlock()
	start := y.at().Add(72 * time.Hour).Truncate(time.Minute)
	conf, phone := y.schedule(start)
	y.until("the invitations are captured", func() bool { return len(y.captured(conf)) == 3 })
	y.to(start.Add(-5 * time.Minute))
	got, want := y.captured(conf), []string{
		"invitation email ana@cars.example", "invitation email bruno@mail.example", "invitation push " + phone,
		"reminder email ana@cars.example", "reminder email ana@cars.example", "reminder email bruno@mail.example", "reminder email bruno@mail.example",
		"reminder push " + phone, "reminder push " + phone}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("three days on:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	response, err := http.Get(y.url + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if at, err := time.Parse(time.RFC3339, response.Header.Get("Showroom-Sandbox")); err != nil || at.Before(start.Add(-6*time.Minute)) {
		t.Errorf("the answer says %q: %v", response.Header.Get("Showroom-Sandbox"), err)
	}

	y.waits(conf, phone)
	y.talks(conf)
	y.missed()
	y.until("the CRM is told", func() bool { return crm.got("no_show") })
	crm.mu.Lock()
	if len(crm.errs) > 0 {
		t.Errorf("the receiver found fault: %v", crm.errs)
	}
	crm.mu.Unlock()

	y.close()
	refused := newLines()
	if code := run(t.Context(), t.Context(), []string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--media-udp", "127.0.0.1:0", "--media-tcp", "off"}, refused, refused); code == 0 || !strings.Contains(refused.all(), "--sandbox") {
		t.Errorf("a sandbox's data served for real: %d %s", code, refused.all())
	}
	again := try{startIn(t, data, "demo", "--sandbox")}
	if at := again.at(); at.Before(start) {
		t.Errorf("after a restart the clock is at %s, before %s", at, start)
	}
}

// waits: the buyer comes and nobody is there: the seller is told, again, and then the colleague.
func (y try) waits(conf, phone string) {
	y.t.Helper()
	var v rest.Visitor
	y.api("POST", "/sandbox/buyers", map[string]any{"conference": conf, "talk_seconds": 1}, &v)
	told := func(what string) bool { return slices.Contains(y.captured(conf), "waiting "+what) }
	y.until("the buyer knocks and the seller is told", func() bool {
		return y.visitor(v.ID).State == "knocking" && told("push "+phone) && told("email ana@cars.example")
	})
	before := len(y.captured(conf))
	y.api("POST", "/sandbox/clock", map[string]any{"advance_seconds": 130}, nil)
	if after := len(y.captured(conf)); after != before+2 || told("email caio@cars.example") {
		y.t.Errorf("two minutes on: %q", y.captured(conf)[before:])
	}
	y.api("POST", "/sandbox/clock", map[string]any{"advance_seconds": 180}, nil)
	if !told("email caio@cars.example") {
		y.t.Errorf("five minutes on: %q", y.captured(conf))
	}
	var c struct {
		Accepted string `json:"accepted_at"`
	}
	if y.api("GET", "/conferences/"+conf, nil, &c); c.Accepted == "" {
		y.t.Error("the buyer did not accept")
	}
}

// talks: a seller's client lets the buyer in, and gets real sound and pictures; the clock stays meanwhile.
func (y try) talks(conf string) {
	y.t.Helper()
	var link struct{ URL string }
	y.api("POST", "/conferences/"+conf+"/links", map[string]any{"role": "seller"}, &link)
	seller, _ := dial(y.t, "seller", link.URL)
	seller.await("knock")
	seller.consent()
	seller.offer()
	body, _ := json.Marshal(map[string]any{"advance_seconds": 60})
	y.until("the clock stays", func() bool {
		r, err := http.NewRequest("POST", y.url+"/api/v1/sandbox/clock", bytes.NewReader(body))
		if err != nil {
			y.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+y.key)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			y.t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode == http.StatusConflict
	})
	seller.send("admit", map[string]any{"participant": "buyer"})
	seller.gets(200 * time.Millisecond)
	var all struct{ Buyers []rest.Visitor }
	y.until("the buyer has talked and left", func() bool {
		y.api("GET", "/sandbox", nil, &all)
		return all.Buyers[0].State == "left"
	})
	if v := all.Buyers[0]; v.Heard == 0 || v.Error != "" {
		y.t.Errorf("the buyer: %+v", v)
	}
	seller.send("leave", nil)
	seller.await("bye")
	y.until("the call is over", func() bool {
		if y.conference(conf).State != "finished" {
			y.api("POST", "/conferences/"+conf+"/end", nil, nil)
		}
		return y.conference(conf).State == "finished"
	})
}

// missed: nobody comes to another one, and a month begins.
func (y try) missed() {
	y.t.Helper()
	start := y.at().Add(40 * 24 * time.Hour).Truncate(time.Minute)
	conf, _ := y.schedule(start)
	y.to(start.Add(24 * time.Hour))
	c := y.conference(conf)
	if c.State != "finished" || c.FinishReason != "no_show" {
		y.t.Errorf("nobody came: %+v", c)
	}
	var usage struct{ Month string }
	if y.api("GET", "/sellers/"+c.Seller.ID+"/usage", nil, &usage); usage.Month != start.Add(24*time.Hour).UTC().Format("2006-01") {
		y.t.Errorf("the month is %s", usage.Month)
	}
}

// TestRealDataIsNoSandbox: what was used for real cannot be tried out with.
func TestRealDataIsNoSandbox(t *testing.T) {
	data := t.TempDir()
	p := startIn(t, data, "demo")
	p.close()
	out := newLines()
	if code := run(t.Context(), t.Context(), []string{"serve", "--sandbox", "--data", data, "--listen", "127.0.0.1:0", "--media-udp", "127.0.0.1:0", "--media-tcp", "off"}, out, out); code == 0 || !strings.Contains(out.all(), "without --sandbox") {
		t.Errorf("%d %s", code, out.all())
	}
}
