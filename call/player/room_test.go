package player

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"showroom/call"
	"showroom/recorder"
	"showroom/sfu"
	"showroom/sfu/sfutest"
)

const patience = 30 * time.Second // of tests, on a busy machine

// files is a log that tells which rules it was asked to apply.
type files chan struct{}

func (f files) Apply(context.Context, string, call.Rule) (call.Case, []call.Event, error) {
	f <- struct{}{}
	return call.Case{}, nil, nil
}

// TestRecordOff withdraws the consent of somebody who is being recorded: it must stop, and not wait for itself.
func TestRecordOff(t *testing.T) {
	media, err := sfu.New(sfu.Config{UDP: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	rec, err := recorder.New(recorder.Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	log := make(files, 100)
	n := NewNative(media, rec, log, slog.New(slog.DiscardHandler))
	r, err := n.Open(call.Conference{ID: "conf_x", Recording: call.RecordingOn})
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Join("buyer", call.RoleBuyer, sfu.PeerEvents{})
	if err != nil {
		t.Fatal(err)
	}
	client := publish(t, p)
	defer client.Close()
	if err := r.Record("buyer", true); err != nil {
		t.Fatal(err)
	}
	await(t, log, "the file to begin")
	done := make(chan struct{})
	go func() { // Record must not hang
		defer close(done)
		if err := r.Record("buyer", false); err != nil {
			t.Error(err)
		}
	}()
	await(t, done, "the recording to stop")
	await(t, log, "the file to be finished")
	r.Close()
	if err := n.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func await[T any](t *testing.T, c <-chan T, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatal("waited for ", what)
	}
}

// publish connects a client that speaks.
func publish(t *testing.T, p *sfu.Peer) *sfutest.Client {
	t.Helper()
	client, err := sfutest.New(sfutest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	offer, sections, err := client.Offer(false)
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]sfu.Source{}
	for mid, source := range sections {
		sources[mid] = sfu.Source(source)
	}
	answer, err := p.Offer(offer, sources)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Answer(answer); err != nil {
		t.Fatal(err)
	}
	client.PublishAudio(client.Mic)
	return client
}
