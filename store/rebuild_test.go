package store

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"showroom/call"
	"showroom/store/kv"
)

// Whatever rules are applied in whatever order, the views are the fold of the log, and can be made anew from it.
func TestViewsAreTheFoldOfTheLog(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		db, err := kv.OpenBolt(filepath.Join(dir, fmt.Sprint(n, ".db")))
		if err != nil {
			rt.Fatal(err)
		}
		defer db.Close()
		c := &clock{now: noon}
		s, err := New(db, c.Now)
		if err != nil {
			rt.Fatal(err)
		}
		randomDay(rt, s, c)
		checkFold(rt, s)
		if repaired, err := s.Rebuild(context.Background()); err != nil || repaired != 0 {
			rt.Fatalf("rebuild: %d keys repaired, %v", repaired, err)
		}
		checkRepair(rt, s)
	})
}

// randomDay registers, schedules and lets people come and go.
func randomDay(t *rapid.T, s *Store, c *clock) {
	ctx := context.Background()
	pick := func(what string, ids []string) string { return rapid.SampledFrom(ids).Draw(t, what) }
	var sellers, buyers, confs []string
	links := 0
	for range rapid.IntRange(1, 2).Draw(t, "sellers") {
		p := call.Profile{Name: "Ana", Language: "en"}
		p.TimeZone = pick("zone", []string{"UTC", "America/Sao_Paulo"})
		p.MonthlyMinutes = rapid.IntRange(0, 2).Draw(t, "minutes")
		sellers = append(sellers, need(s.RegisterSeller(ctx, "key_1", p))(t).ID)
	}
	buyers = append(buyers, need(s.RegisterBuyer(ctx, "key_1", call.Contact{Name: "Bia"}))(t).ID)
	for i := range rapid.IntRange(1, 3).Draw(t, "conferences") {
		start := noon.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "start")) * time.Hour)
		rule := call.Schedule(fmt.Sprint("conf_", i), "key_1", plan(start))
		confs = append(confs, need(s.Schedule(ctx, pick("seller", sellers), pick("buyer", buyers), rule))(t).Conference.ID)
	}
	someone := func() string { return pick("who", []string{"seller", "buyer", "guest_1", "guest_2"}) }
	rules := map[string]func() call.Rule{
		"link": func() call.Rule {
			links++
			role := rapid.SampledFrom([]call.Role{call.RoleSeller, call.RoleBuyer, call.RoleGuest}).Draw(t, "role")
			return call.IssueLink(fmt.Sprint("link_", links), "key_1", role, "Gil", c.Now().Add(2*time.Hour))
		},
		"arrive": func() call.Rule { return call.Arrive(fmt.Sprint("link_", rapid.IntRange(1, links+1).Draw(t, "link"))) },
		"revoke": func() call.Rule {
			return call.RevokeLink(fmt.Sprint("link_", rapid.IntRange(1, links+1).Draw(t, "link")), "key_1")
		},
		"admit":  func() call.Rule { return call.Admit(someone(), "seller") },
		"deny":   func() call.Rule { return call.Deny(someone(), "seller") },
		"depart": func() call.Rule { return call.Depart(someone(), call.ReasonLeft) },
		"accept": func() call.Rule { return call.Accept(someone()) },
		"agree": func() call.Rule {
			return call.Agree(call.Consented{Participant: someone(), Accepted: true, Text: "ok"})
		},
		"tick":    func() call.Rule { return call.Tick },
		"recover": func() call.Rule { return call.Recover },
		"empty":   func() call.Rule { return call.CloseEmpty },
		"end":     func() call.Rule { return call.End("seller", call.ReasonEnded) },
		"cancel":  func() call.Rule { return call.Cancel("key_1", "") },
		"start":   func() call.Rule { return call.StartFile(pick("file", []string{"a", "b"}), "seller", "camera") },
		"finish": func() call.Rule {
			return call.FinishFile(call.File{Name: pick("file", []string{"a", "b"}), SHA256: "x"})
		},
		"notify": func() call.Rule {
			return call.Notify(telling, func() string { links++; return fmt.Sprint("link_", links) })
		},
		"told": func() call.Rule {
			m := pick("message", []string{"invitation_buyer_0", "waiting_seller_0_1"})
			return call.Settle(m, "email", call.Sent{Message: m, Channel: "email"})
		},
		"store":  func() call.Rule { return call.StoreFile(pick("file", []string{"a", "b"}), "key") },
		"export": call.Export,
		"delete": func() call.Rule { return call.OrderDeletion("key_1", "") },
		"share": func() call.Rule {
			return call.ShareRecording(fmt.Sprint("share_", c.Now().UnixNano()), "key_1", "", "Gil", c.Now().Add(time.Hour))
		},
		"watch": func() call.Rule { return call.NoteAccess("key_1", call.RecordingWatched{}) },
		"gone":  func() call.Rule { return call.FinishDeletion(1, 1) },
		"fail": func() call.Rule {
			return call.FailFile(call.File{Name: pick("file", []string{"a", "b"}), Reason: "disk full"})
		},
	}
	names := slices.Sorted(maps.Keys(rules))
	// Links and arrivals more often, so that calls take place; their ends less.
	names = append(names, "link", "link", "arrive", "arrive", "arrive", "arrive", "admit", "admit", "tick", "tick", "notify")
	for range rapid.IntRange(0, 40).Draw(t, "steps") {
		c.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms")) * time.Millisecond)
		// A rule may refuse; the log is none the worse for it.
		_, _, _ = s.Apply(ctx, pick("conference", confs), rules[pick("rule", names)]())
	}
}

// checkFold folds the log by itself and compares.
func checkFold(t *rapid.T, s *Store) {
	ctx := context.Background()
	confs, sellers, buyers := map[string]call.Conference{}, map[string]call.Seller{}, map[string]call.Buyer{}
	var last uint64
	for more := true; more; {
		events := need(s.Events(ctx, last, 7))(t)
		for _, e := range events {
			if e.Seq != last+1 {
				t.Fatalf("event %d comes after %d", e.Seq, last)
			}
			last = e.Seq
			switch e.Stream[:4] {
			case "conf":
				confs[e.Stream] = confs[e.Stream].Apply(e)
			case "sell":
				sellers[e.Stream] = sellers[e.Stream].Apply(e)
			default:
				buyers[e.Stream] = buyers[e.Stream].Apply(e)
			}
		}
		more = len(events) > 0
	}
	var open, tasks []string
	for id, want := range confs {
		if a, b := toJSON(t, need(s.Conference(ctx, id))(t)), toJSON(t, want); a != b {
			t.Fatalf("view %s\nfold %s", a, b)
		}
		if len(want.Inside()) > 0 || !want.OngoingSince.IsZero() && !want.Over() {
			open = append(open, id)
		}
		if want.Task() != call.TaskNone {
			tasks = append(tasks, id)
		}
		if kept := need(s.Kept(ctx, want.Seller, want.FinishedAt, 10))(t); want.Over() && slices.Contains(kept, id) != want.Kept() {
			t.Fatalf("%s is kept: %t, the list says %v", id, want.Kept(), kept)
		}
		recorded, _, err := s.Recordings(ctx, call.RecordingFilter{Buyer: want.Buyer, State: want.RecordingState()}, "", 10)
		if err != nil || slices.ContainsFunc(recorded, func(c call.Conference) bool { return c.ID == id }) != !want.RecordedAt.IsZero() {
			t.Fatalf("%s is recorded: %s, the list says %v, %v", id, want.RecordedAt, recorded, err)
		}
		page, _, err := s.Conferences(ctx, call.Filter{Seller: want.Seller, State: want.State}, "", 10)
		if err != nil || !slices.ContainsFunc(page, func(c call.Conference) bool { return c.ID == id }) {
			t.Fatalf("%s is not listed as %s, %v", id, want.State, err)
		}
	}
	slices.Sort(open)
	if got := need(s.Unfinished(ctx))(t); !slices.Equal(got, open) {
		t.Fatalf("unfinished %v, want %v", got, open)
	}
	slices.Sort(tasks)
	if got := need(s.Tasks(ctx))(t); !slices.Equal(got, tasks) {
		t.Fatalf("tasks %v, want %v", got, tasks)
	}
	for id, want := range sellers {
		if a, b := toJSON(t, need(s.Seller(ctx, id))(t)), toJSON(t, want); a != b {
			t.Fatalf("view %s\nfold %s", a, b)
		}
		if used := want.Usage("2026-11"); used.Used > used.Cap {
			t.Fatalf("%d seconds taken of %d", used.Used, used.Cap)
		}
	}
	for id, want := range buyers {
		if a, b := toJSON(t, need(s.Buyer(ctx, id))(t)), toJSON(t, want); a != b {
			t.Fatalf("view %s\nfold %s", a, b)
		}
	}
}

// checkRepair damages what is derived from the log and has it repaired.
func checkRepair(t *rapid.T, s *Store) {
	ctx := context.Background()
	before := dump(t, s.db)
	derived := slices.DeleteFunc(slices.Sorted(maps.Keys(before)), func(k string) bool { return k == keyFormat || k[:3] == tableEvent })
	damaged := 0
	err := s.db.Update(ctx, func(tx kv.Tx) error {
		for _, k := range derived {
			var err error
			switch rapid.IntRange(0, 5).Draw(t, "damage") {
			case 0:
				damaged++
				err = tx.Delete([]byte(k))
			case 1:
				damaged++
				err = tx.Put([]byte(k), []byte("{nonsense"))
			case 2:
				damaged++
				err = tx.Put([]byte(k+"_"), nil) // what nobody has put
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	repaired, err := s.Rebuild(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range dump(t, s.db) {
		if want, ok := before[k]; !ok || want != v {
			t.Fatalf("%q is %q after %d repairs of %d, want %q", k, v, repaired, damaged, want)
		}
		delete(before, k)
	}
	for k := range before {
		t.Fatalf("%q is missing after %d repairs of %d", k, repaired, damaged)
	}
}
