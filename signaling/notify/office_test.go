package notify

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
	"showroom/store"
	"showroom/store/kv"
)

// box is a channel that keeps what it is given, or fails as it is told.
type box struct {
	mu   sync.Mutex
	got  []received
	fail func(Message) error
	slow func(Message) time.Duration // how long it takes
}

type received struct {
	at time.Time
	Message
}

func (b *box) Name() string { return "box" }

func (b *box) Send(_ context.Context, m Message) error {
	if b.slow != nil {
		time.Sleep(b.slow(m))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		if err := b.fail(m); err != nil {
			return err
		}
	}
	b.got = append(b.got, received{time.Now(), m})
	return nil
}

// lines are what was received, one a line: when, and what.
func (b *box) lines(zone *time.Location) (lines []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.got {
		_, word, _ := strings.Cut(r.ID, ".")
		lines = append(lines, r.at.In(zone).Format("01-02 15:04:05 ")+word)
	}
	slices.Sort(lines) // two that go at the same time go in any order
	return lines
}

// office is an outbox on a real store, with a clock of its own.
type office struct {
	*testing.T
	*store.Store
	path   string
	db     kv.DB
	box    *box
	policy call.Policy
	stop   func()
	seller call.Seller
	buyer  call.Buyer
}

var usual = call.Policy{Reminders: []time.Duration{time.Hour, 10 * time.Minute}, Again: 2 * time.Minute, Colleague: 5 * time.Minute}

// openOffice opens one at a time on a seller's clock. Call it in a bubble.
func openOffice(t *testing.T, zone, now string) *office {
	t.Helper()
	o := &office{T: t, path: filepath.Join(t.TempDir(), "showroom.db"), box: &box{}, policy: usual}
	time.Sleep(time.Until(o.parse(zone, now)))
	o.open()
	t.Cleanup(func() { o.close() })
	var err error
	o.seller, err = o.RegisterSeller(t.Context(), "key_crm", call.Profile{Name: "Ana Souza", Email: "ana@cars.example", TimeZone: zone, Language: "en", MonthlyMinutes: 600,
		ColleagueName: "Caio", ColleagueEmail: "caio@cars.example"})
	if err == nil {
		o.buyer, err = o.RegisterBuyer(t.Context(), "key_crm", call.Contact{Name: "Bruno Lima", Email: "bruno@mail.example"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) parse(zone, text string) time.Time {
	o.Helper()
	place, err := time.LoadLocation(zone)
	if err != nil {
		o.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", text, place)
	if err != nil {
		o.Fatal(err)
	}
	return at
}

// open starts a process.
func (o *office) open() {
	o.Helper()
	var err error
	if o.db, err = kv.OpenBolt(o.path); err == nil {
		o.Store, err = store.New(o.db, time.Now)
	}
	if err != nil {
		o.Fatal(err)
	}
	w := NewWriter("https://calls.example", "calls@cars.example", func(p call.Pass) (string, error) { return "token-of-" + p.Link, nil })
	out := NewOutbox(o.Store, []Channel{o.box}, o.policy, w, func() string { return store.NewID("link_") }, slog.New(slog.DiscardHandler), time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { out.Run(ctx) })
	o.stop = func() { cancel(); wg.Wait() }
}

func (o *office) close() {
	o.stop()
	if err := o.db.Close(); err != nil {
		o.Error(err)
	}
}

func (o *office) restart() { o.close(); o.open() }

func (o *office) schedule(at time.Time) string {
	o.Helper()
	id := store.NewID("conf_")
	if _, err := o.Schedule(o.Context(), o.seller.ID, o.buyer.ID, call.Schedule(id, "key_crm", call.Plan{Subject: "Fiat Pulse 2025", StartsAt: at, Length: 30 * time.Minute, Recording: call.RecordingOn})); err != nil {
		o.Fatal(err)
	}
	synctest.Wait()
	return id
}

func (o *office) apply(conference string, rule call.Rule) {
	o.Helper()
	if _, _, err := o.Apply(o.Context(), conference, rule); err != nil {
		o.Fatal(err)
	}
	synctest.Wait()
}

func (o *office) come(conference string, role call.Role) {
	o.Helper()
	c, err := o.Case(o.Context(), conference)
	if err != nil {
		o.Fatal(err)
	}
	o.apply(conference, call.Arrive(c.Conference.Messages["invitation_"+string(role)+"_0"].Link))
}

// until lets the clock run to a time of the seller's.
func (o *office) until(text string) {
	o.Helper()
	time.Sleep(time.Until(o.parse(o.seller.TimeZone, text)))
	synctest.Wait()
}

func (o *office) want(lines ...string) {
	o.Helper()
	if got := o.box.lines(o.seller.Zone()); !slices.Equal(got, lines) {
		o.Errorf("sent\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}
