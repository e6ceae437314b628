package store

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

// counted counts what is read of a database.
type counted struct {
	kv.DB
	reads int
}

type countedTx struct {
	kv.Tx
	reads *int
}

func (c *counted) View(ctx context.Context, fn func(kv.Tx) error) error {
	return c.DB.View(ctx, func(t kv.Tx) error { return fn(countedTx{t, &c.reads}) })
}

func (t countedTx) Get(key []byte) ([]byte, error) {
	*t.reads++
	return t.Tx.Get(key)
}

func (t countedTx) Scan(r kv.Range) iter.Seq2[kv.Item, error] {
	return func(yield func(kv.Item, error) bool) {
		for item, err := range t.Tx.Scan(r) {
			*t.reads++
			if !yield(item, err) {
				return
			}
		}
	}
}

// crowd is a store with 1,000 conferences of two sellers and two buyers, of which a few differ from the rest, and 600 people.
type crowd struct {
	*shop
	db                     *counted
	ana, bruno, bia, carla string
	cancelled              []string // of ana with carla, the last start first
}

func openCrowd(t *testing.T) *crowd {
	t.Helper()
	bolt, err := kv.OpenBolt(filepath.Join(t.TempDir(), "crowd.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bolt.Close() })
	c := &crowd{db: &counted{DB: bolt}}
	c.shop = shopOn(t, c.db)
	c.ana, c.bruno = c.seller(60), c.seller(60)
	err = c.Bulk(c.ctx, func(b *Bulk) error {
		for i := range 600 {
			name := fmt.Sprintf("João Nº%d Souza", i)
			buyer, err := b.RegisterBuyer("key_1", call.Contact{Name: name, Phone: fmt.Sprint("+55 11 9", 10_000_000+i), Seller: []string{"", c.ana}[i%2]})
			if err != nil {
				return err
			}
			c.bia, c.carla = c.carla, buyer.ID
		}
		for i := range 1000 {
			seller, buyer := c.ana, c.bia
			if i%2 == 1 {
				seller = c.bruno
			}
			if i%100 == 0 {
				buyer = c.carla
			}
			made, err := b.Schedule(seller, buyer, call.Schedule(NewID("conf_"), "key_1", plan(noon.Add(time.Duration(i)*time.Minute))))
			if err != nil {
				return err
			}
			if i%200 == 0 {
				if _, _, err := b.Apply(made.Conference.ID, call.Cancel("key_1", "")); err != nil {
					return err
				}
				c.cancelled = append([]string{made.Conference.ID}, c.cancelled...)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestNoListIsScanned: whatever is chosen of however many, about as much is read as is returned.
func TestNoListIsScanned(t *testing.T) {
	c := openCrowd(t)
	limit := 10
	conferences := func(f call.Filter, cursor string) (n int, next string) {
		page, next, err := c.Conferences(c.ctx, f, cursor, limit)
		return len(must(t, page, err)), next
	}
	buyers := func(f call.PeopleFilter, cursor string) (n int, next string) {
		page, next, err := c.Buyers(c.ctx, f, cursor, limit)
		return len(must(t, page, err)), next
	}
	hour := func(from, to int) call.Span {
		return call.Span{From: noon.Add(time.Duration(from) * time.Hour), To: noon.Add(time.Duration(to) * time.Hour)}
	}
	for name, test := range map[string]struct {
		list func(cursor string) (int, string)
		want int
	}{
		"all":              {func(s string) (int, string) { return conferences(call.Filter{}, s) }, 10},
		"seller":           {func(s string) (int, string) { return conferences(call.Filter{Seller: c.bruno}, s) }, 10},
		"state":            {func(s string) (int, string) { return conferences(call.Filter{State: call.StateCancelled}, s) }, 5},
		"buyer":            {func(s string) (int, string) { return conferences(call.Filter{Buyer: c.carla}, s) }, 10},
		"seller and buyer": {func(s string) (int, string) { return conferences(call.Filter{Buyer: c.carla, Seller: c.bruno}, s) }, 0},
		"buyer and state": {func(s string) (int, string) {
			return conferences(call.Filter{Buyer: c.bia, State: call.StateCancelled}, s)
		}, 0},
		"all three": {func(s string) (int, string) {
			return conferences(call.Filter{Buyer: c.carla, Seller: c.ana, State: call.StateCancelled}, s)
		}, 5},
		"time": {func(s string) (int, string) { return conferences(call.Filter{Span: hour(5, 6)}, s) }, 10},
		"seller, state and time": {func(s string) (int, string) {
			return conferences(call.Filter{Seller: c.ana, State: call.StateCancelled, Span: hour(3, 5)}, s)
		}, 1},
		"time without any":        {func(s string) (int, string) { return conferences(call.Filter{Span: hour(1000, 2000)}, s) }, 0},
		"buyers":                  {func(s string) (int, string) { return buyers(call.PeopleFilter{}, s) }, 10},
		"buyers of a seller":      {func(s string) (int, string) { return buyers(call.PeopleFilter{Seller: c.ana}, s) }, 10},
		"buyers of another":       {func(s string) (int, string) { return buyers(call.PeopleFilter{Seller: c.bruno}, s) }, 0},
		"buyers by name":          {func(s string) (int, string) { return buyers(call.PeopleFilter{Text: "joao"}, s) }, 10},
		"buyers by word":          {func(s string) (int, string) { return buyers(call.PeopleFilter{Text: "Nº599"}, s) }, 1},
		"buyers by telephone":     {func(s string) (int, string) { return buyers(call.PeopleFilter{Text: "55 11 910000007"}, s) }, 1},
		"buyers by number":        {func(s string) (int, string) { return buyers(call.PeopleFilter{Text: "910000007"}, s) }, 1},
		"a seller's buyers named": {func(s string) (int, string) { return buyers(call.PeopleFilter{Seller: c.ana, Text: "nº598 S"}, s) }, 0},
		"nobody":                  {func(s string) (int, string) { return buyers(call.PeopleFilter{Text: "zuleika"}, s) }, 0},
	} {
		c.db.reads = 0
		n, next := test.list("")
		if n != test.want || c.db.reads > 3*n+3 {
			t.Errorf("%s: %d with %d reads, want %d", name, n, c.db.reads, test.want)
		}
		if next != "" {
			c.db.reads = 0
			if n, _ := test.list(next); c.db.reads > 3*n+3 {
				t.Errorf("%s, second page: %d reads for %d", name, c.db.reads, n)
			}
		}
	}
	for name, test := range map[string]struct {
		filter call.EventFilter
		want   int
	}{
		"seller":           {call.EventFilter{Seller: c.bruno}, 10},
		"buyer":            {call.EventFilter{Buyer: c.carla}, 10},
		"type":             {call.EventFilter{Types: []string{"cancelled"}}, 5},
		"types":            {call.EventFilter{Types: []string{"cancelled", "seller.registered", "call.finished"}}, 7},
		"seller and type":  {call.EventFilter{Seller: c.ana, Types: []string{"cancelled"}}, 5},
		"another's":        {call.EventFilter{Seller: c.bruno, Types: []string{"cancelled"}}, 0},
		"buyer and type":   {call.EventFilter{Buyer: c.carla, Types: []string{"cancelled", "buyer.registered"}}, 6},
		"a seller's buyer": {call.EventFilter{Seller: c.ana, Buyer: c.carla, Types: []string{"cancelled"}}, 5},
	} {
		c.db.reads = 0
		events, _, err := c.EventsOf(c.ctx, test.filter, 0, limit)
		if n := len(must(t, events, err)); n != test.want || c.db.reads > 4*n+5 {
			t.Errorf("events by %s: %d with %d reads, want %d", name, n, c.db.reads, test.want)
		}
	}
	if got := c.list(call.Filter{Buyer: c.carla, Seller: c.ana, State: call.StateCancelled}, 1); !slices.Equal(got, c.cancelled) {
		t.Errorf("got  %v\nwant %v", got, c.cancelled)
	}
}

// TestEventsOfAreThoseOfTheLog holds each filter against a walk through the whole log, whatever the size of the pages.
func TestEventsOfAreThoseOfTheLog(t *testing.T) {
	s := openShop(t)
	ana, bruno := s.seller(60), s.seller(60)
	bia := need(s.RegisterBuyer(s.ctx, "key_1", call.Contact{Name: "Bia", Seller: ana}))(t).ID
	caio := s.buyer()
	of := map[string][2]string{ana: {ana, ""}, bruno: {bruno, ""}, bia: {ana, bia}, caio: {"", caio}}
	for i, pair := range [][2]string{{ana, bia}, {bruno, caio}, {bruno, bia}, {ana, caio}} {
		id := s.conference(pair[0], pair[1], noon.Add(time.Duration(i)*time.Hour))
		of[id] = pair
		s.meet(id)
		s.apply(id, call.End("seller", call.ReasonEnded))
	}
	log := need(s.Events(s.ctx, 0, maxBatch))(t)
	for _, f := range []call.EventFilter{{}, {Seller: ana}, {Buyer: bia}, {Seller: bruno, Buyer: bia}, {Types: []string{"call.finished", "actor.left"}},
		{Seller: ana, Types: []string{"minutes.reserved"}}, {Buyer: caio, Types: []string{"buyer.registered", "scheduled", "scheduled"}}, {Seller: "sell_none"}, {Types: []string{"none"}}, {Buyer: "x\x00y"}} {
		var want []uint64
		for _, e := range log {
			o := of[e.Stream]
			if (f.Seller == "" || f.Seller == o[0]) && (f.Buyer == "" || f.Buyer == o[1]) && (len(f.Types) == 0 || slices.Contains(f.Types, e.Body.Type())) {
				want = append(want, e.Seq)
			}
		}
		for _, limit := range []int{1, 3, 1000} {
			var got []uint64
			for seq := uint64(0); ; {
				events, next, err := s.EventsOf(s.ctx, f, seq, limit)
				for _, e := range must(t, events, err) {
					got = append(got, e.Seq)
				}
				if len(events) < limit {
					if !strings.Contains(f.Buyer, "\x00") && next != uint64(len(log)) {
						t.Errorf("%+v: the end is %d, want %d", f, next, len(log))
					}
					break
				}
				seq = next
			}
			if !slices.Equal(got, want) {
				t.Errorf("%+v, %d at once:\ngot  %v\nwant %v", f, limit, got, want)
			}
		}
	}
	if n := need(s.Rebuild(s.ctx))(t); n != 0 {
		t.Errorf("%d keys were wrong", n)
	}
}

// TestSearch finds everybody once, also who has the text at two places, and whoever changed their name by the new one only.
func TestSearch(t *testing.T) {
	s := openShop(t)
	var ids []string
	for _, name := range []string{"Ana Ana Ánanias", "Mariana", "ana", "Anabela Sá", "Bia"} {
		ids = append(ids, need(s.RegisterBuyer(s.ctx, "key_1", call.Contact{Name: name, Email: "ana@x.br"}))(t).ID)
	}
	search := func(text string, limit int) (found []string) {
		for _, b := range pages(t, limit, func(c string) ([]call.Buyer, string, error) {
			return s.Buyers(s.ctx, call.PeopleFilter{Text: text}, c, limit)
		}) {
			found = append(found, b.ID)
		}
		slices.Sort(found)
		return found
	}
	all := slices.Sorted(slices.Values(ids))
	for limit := 1; limit < 7; limit++ {
		if got := search("ANA", limit); !slices.Equal(got, all) {
			t.Errorf("%d at once: %v, want %v", limit, got, all)
		}
	}
	if got := search("anania", 3); !slices.Equal(got, ids[:1]) {
		t.Errorf("a word in the middle: %v", got)
	}
	need(s.ChangeBuyer(s.ctx, ids[0], "key_1", func(b call.Buyer) (call.Contact, error) {
		b.Name = "Rita"
		return b.Contact, nil
	}))(t)
	if got := search("anania", 3); len(got) > 0 {
		t.Errorf("by the old name: %v", got)
	}
	if got := search("rit", 3); !slices.Equal(got, ids[:1]) {
		t.Errorf("by the new name: %v", got)
	}
	page, next, err := s.Buyers(s.ctx, call.PeopleFilter{Text: "ana"}, "", 1)
	if err != nil || len(page) != 1 || next == "" {
		t.Fatal(page, next, err)
	}
	for _, cursor := range []string{"x", formatCursor([]byte("zzz\x00buy_a")), formatCursor([]byte("ana\x00no id"))} {
		if _, _, err := s.Buyers(s.ctx, call.PeopleFilter{Text: "ana"}, cursor, 1); err == nil {
			t.Errorf("the cursor %q is taken", cursor)
		}
	}
	if n := need(s.Rebuild(s.ctx))(t); n != 0 {
		t.Errorf("%d keys were wrong", n)
	}
}

// TestOlderFormats: a store whose lists are of an earlier version is brought up to date when it is opened.
func TestOlderFormats(t *testing.T) {
	s := openShop(t)
	ana, bia := s.seller(60), s.buyer()
	id := s.conference(ana, bia, noon)
	want := dump(t, s.db)
	err := s.db.Update(s.ctx, func(kvTx kv.Tx) error {
		t := tx{kvTx}
		for _, list := range []string{listConferences, listRecordings, listBuyers, listBuyerWords, listSellerWords, listEvents} {
			if err := t.dropRange(kv.Prefix([]byte(list))); err != nil {
				return err
			}
		}
		// as it was: by seller and state
		if err := t.Put(agedID([]byte(listConferences+ana+"\x00scheduled\x00"), noon, id), nil); err != nil {
			return err
		}
		if err := t.Put(agedID([]byte(listBuyers), noon, bia), nil); err != nil {
			return err
		}
		return t.Put([]byte(keyFormat), []byte("2"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(s.db, s.clock.Now); err != nil {
		t.Fatal(err)
	}
	for k, v := range dump(t, s.db) {
		if want[k] != v {
			t.Errorf("%q is %q, want %q", k, v, want[k])
		}
		delete(want, k)
	}
	for k := range want {
		t.Errorf("%q is missing", k)
	}
	if _, err := New(s.db, s.clock.Now); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Update(s.ctx, func(tx kv.Tx) error { return tx.Put([]byte(keyFormat), []byte("99")) }); err != nil {
		t.Fatal(err)
	}
	if _, err := New(s.db, s.clock.Now); err == nil {
		t.Error("a later format is opened")
	}
}
