package store

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"showroom/call"
	"showroom/store/kv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is where the clock of every test starts.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// clock stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// shop is a store with what tests do to it.
type shop struct {
	*Store
	testing.TB
	db    kv.DB
	clock *clock
	ctx   context.Context
}

func openShop(t testing.TB) *shop {
	t.Helper()
	return openShopAt(t, filepath.Join(t.TempDir(), "showroom.db"))
}

func openShopAt(t testing.TB, path string) *shop {
	t.Helper()
	db, err := kv.OpenBolt(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return shopOn(t, db)
}

func shopOn(t testing.TB, db kv.DB) *shop {
	t.Helper()
	c := &clock{now: noon}
	s, err := New(db, c.Now)
	if err != nil {
		t.Fatal(err)
	}
	return &shop{Store: s, TB: t, db: db, clock: c, ctx: context.Background()}
}

// fataler is a test or a property.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

func must[T any](t fataler, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// need is must for a call of two results: need(f())(t).
func need[T any](v T, err error) func(fataler) T {
	return func(t fataler) T { t.Helper(); return must(t, v, err) }
}

func (s *shop) seller(minutes int) string {
	s.Helper()
	seller, err := s.RegisterSeller(s.ctx, "key_1", call.Profile{Name: "Ana", TimeZone: "America/Sao_Paulo", Language: "pt-BR", MonthlyMinutes: minutes})
	return must(s.TB, seller, err).ID
}

func (s *shop) buyer() string {
	s.Helper()
	buyer, err := s.RegisterBuyer(s.ctx, "key_1", call.Contact{Name: "Bia"})
	return must(s.TB, buyer, err).ID
}

func plan(start time.Time) call.Plan {
	return call.Plan{Subject: "Onix 2024", StartsAt: start, Length: 30 * time.Minute, Recording: call.RecordingOn, AllowOverlap: true}
}

func (s *shop) conference(seller, buyer string, start time.Time) string {
	s.Helper()
	c, err := s.Schedule(s.ctx, seller, buyer, call.Schedule(NewID("conf_"), "key_1", plan(start)))
	return must(s.TB, c, err).Conference.ID
}

// apply insists that the rule holds.
func (s *shop) apply(conference string, rule call.Rule) (call.Case, []call.Event) {
	s.Helper()
	c, events, err := s.Apply(s.ctx, conference, rule)
	if err != nil {
		s.Fatal(err)
	}
	return c, events
}

// meet brings seller and buyer together; the minutes run from then on.
func (s *shop) meet(conference string) {
	s.Helper()
	expires := s.clock.Now().Add(time.Hour)
	for _, role := range []call.Role{call.RoleSeller, call.RoleBuyer} {
		link := NewID("link_")
		s.apply(conference, call.IssueLink(link, "key_1", role, "", expires))
		s.apply(conference, call.Arrive(link))
	}
	s.apply(conference, call.Admit("buyer", "seller"))
}

// dump is all that is in the database.
func dump(t fataler, db kv.DB) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := db.View(context.Background(), func(t kv.Tx) error {
		for item, err := range t.Scan(kv.Range{}) {
			if err != nil {
				return err
			}
			all[string(item.Key)] = string(item.Value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestUnknownFormat(t *testing.T) {
	s := openShop(t)
	err := s.db.Update(s.ctx, func(t kv.Tx) error { return t.Put([]byte(keyFormat), []byte("9")) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(s.db, time.Now); err == nil {
		t.Fatal("a store of format 9 was opened")
	}
}

// TestOldFormat opens what the version before wrote, which had fewer lists.
func TestOldFormat(t *testing.T) {
	s := openShop(t)
	seller, buyer := s.seller(10), s.buyer()
	conf := s.conference(seller, buyer, noon)
	s.conference(seller, buyer, noon.Add(time.Hour))
	s.meet(conf)
	s.apply(conf, call.FinishFile(call.File{Name: "buyer-1.webm", SHA256: "00"}))
	s.apply(conf, call.End("seller", call.ReasonEnded))
	want := dump(t, s.db)
	err := s.db.Update(s.ctx, func(t kv.Tx) error {
		for k := range want {
			if strings.HasPrefix(k, listTasks) || strings.HasPrefix(k, listKept) || strings.HasPrefix(k, listAwaited) {
				if err := t.Delete([]byte(k)); err != nil {
					return err
				}
			}
		}
		return t.Put([]byte(keyFormat), []byte("1"))
	})
	if err != nil {
		t.Fatal(err)
	}
	again := shopOn(t, s.db)
	if ids := need(again.Tasks(s.ctx))(t); !slices.Equal(ids, []string{conf}) {
		t.Errorf("tasks are %v, want %s", ids, conf)
	}
	if got := dump(t, s.db); !maps.Equal(got, want) {
		t.Errorf("after it was opened the store is\n%q, want\n%q", got, want)
	}
}

func TestNewID(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := NewID("conf_")
		if !validID(id) || seen[id] || len(id) < len("conf_")+26 {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}
