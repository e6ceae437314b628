package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"showroom/call"
	"showroom/store"
	"showroom/store/kv"
)

// BenchmarkWebhooks is the time of one event from a log on disk to a receiver over HTTP, signed, its fate on disk, of so many that wait. Of "troubled"
// the receiver refuses one in a hundred at the first try, which is retried seconds later; every call's events must come in their order.
// Run it by -benchtime 1x.
func BenchmarkWebhooks(b *testing.B) {
	const calls, each = 200, 10
	for name, refused := range map[string]int{"well": 0, "troubled": 100} {
		b.Run(name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				s := benchStore(b)
				r := &receiver{refuses: refused, last: map[string]uint64{}, done: make(chan struct{}), want: calls * each}
				server := httptest.NewServer(r)
				hook, err := call.AddWebhook("hook_1", call.Endpoint{URL: server.URL, Events: []string{"call.*", "changed"}}, make([]byte, 32), 0, true, time.Now())
				if err != nil {
					b.Fatal(err)
				}
				if err := s.AddWebhook(b.Context(), hook); err != nil {
					b.Fatal(err)
				}
				fillCalls(b, s, calls, each)
				ctx, cancel := context.WithCancel(b.Context())
				w := &Webhooks{Log: s, Hooks: s, Client: server.Client(), Logger: slog.New(slog.DiscardHandler), Now: time.Now}
				var wg sync.WaitGroup
				b.StartTimer()
				began := time.Now()
				wg.Go(func() { w.Run(ctx) })
				<-r.done
				b.ReportMetric(calls*each/time.Since(began).Seconds(), "events/s")
				b.StopTimer()
				cancel()
				wg.Wait()
				server.Close()
				if r.disorder != "" {
					b.Error(r.disorder)
				}
				b.StartTimer()
			}
		})
	}
}

func benchStore(b *testing.B) *store.Store {
	b.Helper()
	db, err := kv.OpenBolt(filepath.Join(b.TempDir(), "showroom.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	s, err := store.New(db, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// fillCalls schedules conferences and changes each so often: as many events of its stream that a webhook wants.
func fillCalls(b *testing.B, s *store.Store, calls, each int) {
	b.Helper()
	ctx := b.Context()
	buyer, err := s.RegisterBuyer(ctx, "key_crm", call.Contact{Name: "Bruno Lima"})
	if err != nil {
		b.Fatal(err)
	}
	seller, err := s.RegisterSeller(ctx, "key_crm", call.Profile{Name: "Ana Souza", TimeZone: "UTC", Language: "en", MonthlyMinutes: 60})
	if err != nil {
		b.Fatal(err)
	}
	for range calls {
		id := store.NewID("conf_")
		plan := call.Plan{Subject: "Fiat Pulse", StartsAt: time.Now().Add(time.Hour), Length: time.Hour, Recording: call.RecordingOn, AllowOverlap: true}
		if _, err := s.Schedule(ctx, seller.ID, buyer.ID, call.Schedule(id, "key_crm", plan)); err != nil {
			b.Fatal(err)
		}
		for n := range each {
			_, _, err := s.Apply(ctx, id, call.Reschedule("key_crm", func(p call.Plan) (call.Plan, error) {
				p.Subject = fmt.Sprintf("Fiat Pulse %d", n)
				return p, nil
			}))
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// receiver takes each event once, and notes whether one of a call came before an older one.
type receiver struct {
	refuses int // one in so many is refused at first; 0: none

	mu       sync.Mutex
	last     map[string]uint64 // event taken of a stream
	want     int
	done     chan struct{}
	refused  map[uint64]bool
	disorder string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var d delivery
	if err := json.NewDecoder(req.Body).Decode(&d); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuses > 0 && d.Seq%uint64(r.refuses) == 0 && !r.refused[d.Seq] {
		if r.refused == nil {
			r.refused = map[uint64]bool{}
		}
		r.refused[d.Seq] = true
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	if d.Seq <= r.last[d.Stream] {
		if d.Seq < r.last[d.Stream] {
			r.disorder = fmt.Sprintf("event %d of %s came after %d", d.Seq, d.Stream, r.last[d.Stream])
		}
		return // again
	}
	r.last[d.Stream] = d.Seq
	if r.want--; r.want == 0 {
		close(r.done)
	}
}
