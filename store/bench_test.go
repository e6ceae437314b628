package store

import (
	"fmt"
	"testing"
	"time"

	"showroom/call"
)

const manyConferences = 10_000

// busyShop has 10,000 conferences of 100 sellers, written in few transactions.
func busyShop(b *testing.B) (s *shop, sellers, confs []string) {
	b.Helper()
	s = openShop(b)
	buyer := s.buyer()
	var cases []call.Case
	for range 100 {
		c := call.Case{Seller: need(s.Seller(s.ctx, s.seller(600)))(b), Buyer: need(s.Buyer(s.ctx, buyer))(b)}
		cases = append(cases, c)
		sellers = append(sellers, c.Seller.ID)
	}
	err := s.update(s.ctx, func(t tx) error {
		for i := range manyConferences {
			c := cases[i%len(cases)]
			id := fmt.Sprintf("conf_%05d", i)
			events, err := call.Schedule(id, "key_1", plan(noon.Add(time.Duration(i)*time.Minute)))(c, noon)
			if err != nil {
				return err
			}
			c.Conference.ID = id
			if _, _, err := t.append(c, events); err != nil {
				return err
			}
			confs = append(confs, id)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return s, sellers, confs
}

// An Apply that appends: one fsync of the disk under it included.
func BenchmarkApply(b *testing.B) {
	s, _, confs := busyShop(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		link := fmt.Sprint("link_", i)
		s.apply(confs[i%len(confs)], call.IssueLink(link, "key_1", call.RoleSeller, "", noon.Add(time.Hour)))
		i++
	}
}

// An Apply that finds nothing to do.
func BenchmarkApplyNothing(b *testing.B) {
	s, _, confs := busyShop(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.apply(confs[i%len(confs)], call.Recover)
		i++
	}
}

func BenchmarkConferences(b *testing.B) {
	s, sellers, confs := busyShop(b)
	middle := formatCursor(agedID(nil, noon.Add(manyConferences/2*time.Minute), confs[manyConferences/2]))
	for _, bench := range []struct {
		name   string
		filter call.Filter
		cursor string
	}{
		{"all", call.Filter{}, ""},
		{"middle", call.Filter{}, middle},
		{"seller", call.Filter{Seller: sellers[50]}, ""},
		{"seller+state", call.Filter{Seller: sellers[50], State: call.StateScheduled}, ""},
		{"empty", call.Filter{State: call.StateOngoing}, ""},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := s.Conferences(s.ctx, bench.filter, bench.cursor, 50); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCase(b *testing.B) {
	s, _, confs := busyShop(b)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := s.Case(s.ctx, confs[i%len(confs)]); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkKey(b *testing.B) {
	s := openShop(b)
	secret, _, err := s.CreateKey(s.ctx, call.Key{Name: "crm", Scope: "admin"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Key(s.ctx, secret); err != nil {
			b.Fatal(err)
		}
	}
}
