package notify

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"showroom/call"
	"showroom/store"
	"showroom/store/kv"
)

// BenchmarkKnockToMail is the time from a buyer's knock, before it is in the log, until the mail server has taken the letter to the seller: the log on disk, a new
// connection with TLS and a password for each letter. Run it by -benchtime 300x.
func BenchmarkKnockToMail(b *testing.B) {
	db, err := kv.OpenBolt(filepath.Join(b.TempDir(), "showroom.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s, err := store.New(db, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	office, config := openPostOffice(b, "starttls")
	office.took = make(chan string, 100)
	email, err := NewEmail(config)
	if err != nil {
		b.Fatal(err)
	}
	w := NewWriter("https://calls.example", email.Address(), func(p call.Pass) (string, error) { return "token-of-" + p.Link, nil })
	out := NewOutbox(s, []Channel{email}, usual, w, func() string { return store.NewID("link_") }, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { out.Run(ctx) })
	defer func() { cancel(); wg.Wait() }()
	buyer, err := s.RegisterBuyer(ctx, "key_crm", call.Contact{Name: "Bruno Lima"})
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		address := fmt.Sprintf("seller%d@cars.example", n)
		seller, err := s.RegisterSeller(ctx, "key_crm", call.Profile{Name: "Ana Souza", Email: address, TimeZone: "UTC", Language: "en", MonthlyMinutes: 60})
		if err != nil {
			b.Fatal(err)
		}
		id := store.NewID("conf_")
		if _, err := s.Schedule(ctx, seller.ID, buyer.ID, call.Schedule(id, "key_crm", call.Plan{Subject: "Fiat Pulse", StartsAt: time.Now(), Length: time.Hour, Recording: call.RecordingOn})); err != nil {
			b.Fatal(err)
		}
		if to := <-office.took; to != address { // the invitation
			b.Fatalf("a letter to %s", to)
		}
		c, err := s.Case(ctx, id)
		if err != nil {
			b.Fatal(err)
		}
		link := c.Conference.Messages["invitation_buyer_0"].Link
		b.StartTimer()
		began := time.Now()
		if _, _, err := s.Apply(ctx, id, call.Arrive(link)); err != nil {
			b.Fatal(err)
		}
		if to := <-office.took; to != address {
			b.Fatalf("a letter to %s", to)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	ms := func(share float64) float64 { return took[int(share*float64(len(took)-1))].Seconds() * 1000 }
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
}
