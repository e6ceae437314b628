package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// receiver is a CRM's own server, which checks what it is sent by an implementation of the signatures that is not ours.
type receiver struct {
	mu     sync.Mutex
	oracle *standardwebhooks.Webhook
	broken bool
	seqs   []uint64
	types  []string
	links  []string // of messages to people
	errs   []error
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(req.Body)
	var e struct {
		Seq  uint64
		Type string
		Data struct{ URL, Text, Subject string }
	}
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	if err == nil {
		err = r.oracle.Verify(body, req.Header)
	}
	if err != nil {
		r.errs = append(r.errs, err)
	}
	if r.broken {
		http.Error(w, "not now", http.StatusBadGateway)
		return
	}
	r.seqs, r.types = append(r.seqs, e.Seq), append(r.types, e.Type)
	if strings.Contains(e.Data.Text, e.Data.URL) && e.Data.Subject != "" && e.Data.URL != "" {
		r.links = append(r.links, e.Data.URL)
	}
}

func (r *receiver) got(kind string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.types, kind)
}

// TestWebhooksOfTheProgram: through the API and over the network, signed, in order, and again after the receiver and the program were down.
func TestWebhooksOfTheProgram(t *testing.T) {
	r := &receiver{}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	data := t.TempDir()
	p := startIn(t, data, "demo", "--webhook-networks", "127.0.0.0/8")
	var hook struct{ ID, Secret, State string }
	r.mu.Lock()
	p.api("POST", "/webhooks", map[string]any{"url": s.URL, "events": []string{"*"}}, &hook)
	var err error
	if r.oracle, err = standardwebhooks.NewWebhook(hook.Secret); err != nil {
		t.Fatal(err)
	}
	r.mu.Unlock()
	conf := p.newest().ID
	p.api("POST", "/conferences/"+conf+"/links", map[string]any{"role": "buyer"}, nil)
	p.until("the link is told", func() bool { return r.got("link.issued") })
	p.api("POST", "/webhooks/"+hook.ID+"/redeliver", map[string]any{"after": 0}, nil)
	p.until("everything is told", func() bool { return r.got("seller.registered") && r.got("scheduled") && r.got("message.queued") })

	r.mu.Lock()
	links := slices.Clone(r.links)
	r.mu.Unlock()
	var log struct{ Data json.RawMessage }
	p.api("GET", "/events?type=message.queued", nil, &log)
	if len(links) == 0 || strings.Contains(string(log.Data), "/join#") {
		t.Errorf("messages were handed over with the links %q; the log says %s", links, log.Data)
	}
	r.mu.Lock()
	r.broken = true
	r.mu.Unlock()
	p.api("POST", "/conferences/"+conf+"/cancel", nil, nil)
	p.until("it is seen to fail", func() bool {
		p.api("GET", "/webhooks/"+hook.ID, nil, &hook)
		return hook.State == "failing"
	})
	p.close()
	r.mu.Lock()
	r.broken = false
	first := len(r.seqs)
	r.mu.Unlock()
	p = startIn(t, data, "serve", "--webhook-networks", "127.0.0.0/8")
	p.until("the cancellation is told", func() bool { return r.got("cancelled") })
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.errs) > 0 {
		t.Errorf("the receiver found fault: %v", r.errs)
	}
	if !slices.IsSorted(r.seqs[first:]) {
		t.Errorf("not in order: %v", r.seqs[first:])
	}
}
