package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
	"showroom/signaling"
	"showroom/signaling/rest"
	"showroom/store"
	"showroom/store/kv"
	"showroom/store/object"
)

// TestUsageOverTheMonth lets a call run over the end of a month at which there is no midnight: in Havana the clocks of 1 April 2001 went from 0:00 to
// 1:00. What the API says of both months is the fold of the log, in the resource, the lines and the table.
func TestUsageOverTheMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, api, secret := usageAPI(t)
		ctx := t.Context()
		seller, err := s.RegisterSeller(ctx, "key_1", call.Profile{Name: "Ana", TimeZone: "America/Havana", Language: "es", MonthlyMinutes: 60})
		if err != nil {
			t.Fatal(err)
		}
		buyer, err := s.RegisterBuyer(ctx, "key_1", call.Contact{Name: "Bruno"})
		if err != nil {
			t.Fatal(err)
		}
		end := time.Date(2001, 4, 1, 5, 0, 0, 0, time.UTC)
		time.Sleep(time.Until(end.Add(-90 * time.Second)))
		apply := func(id string, rules ...call.Rule) (c call.Case) {
			for _, rule := range rules {
				if c, _, err = s.Apply(ctx, id, rule); err != nil {
					t.Fatal(err)
				}
			}
			return c
		}
		const id = "conf_a"
		plan := call.Plan{Subject: "Uno", StartsAt: time.Now(), Length: time.Hour, Recording: call.RecordingOff}
		if _, err := s.Schedule(ctx, seller.ID, buyer.ID, call.Schedule(id, "key_1", plan)); err != nil {
			t.Fatal(err)
		}
		c := apply(id, call.IssueLink("link_s", "key_1", call.RoleSeller, "", end.Add(time.Hour)), call.IssueLink("link_b", "key_1", call.RoleBuyer, "", end.Add(time.Hour)),
			call.Arrive("link_s"), call.Arrive("link_b"), call.Admit("buyer", "seller"))
		for began := time.Now(); time.Since(began) < 5*time.Minute; {
			if time.Sleep(time.Until(c.Meter(time.Now()).Next)); time.Since(began) < 5*time.Minute {
				c = apply(id, call.Tick)
			}
		}
		c = apply(id, call.End("seller", call.ReasonEnded))
		spent := c.Conference.ConnectedSeconds
		for month, want := range map[string]int{"2001-03": 90, "2001-04": spent - 90} {
			ask := func(path string) []byte {
				r := httptest.NewRequest(http.MethodGet, "/api/v1/sellers/"+seller.ID+path+"?month="+month, nil)
				r.Header.Set("Authorization", "Bearer "+secret)
				w := httptest.NewRecorder()
				if api.ServeHTTP(w, r); w.Code != http.StatusOK {
					t.Fatalf("%s: %d %s", path, w.Code, w.Body)
				}
				return w.Body.Bytes()
			}
			var usage, calls struct {
				Used int `json:"used_seconds"`
				Data []struct{ Seconds int }
			}
			if err := json.Unmarshal(ask("/usage"), &usage); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(ask("/usage/calls"), &calls); err != nil {
				t.Fatal(err)
			}
			records := ask("/usage.csv")
			rows, err := csv.NewReader(bytes.NewReader(records)).ReadAll()
			if err != nil || len(rows) != 2 || len(calls.Data) != 1 {
				t.Fatalf("%s: %q, %v, %v", month, records, err, calls)
			}
			if folded := c.Seller.Taken[month]; folded != want || usage.Used != want || calls.Used != want || calls.Data[0].Seconds != want || rows[1][8] != strconv.Itoa(want) {
				t.Errorf("%s: the fold has %d s, the resource %d, the lines %d, the table %s, want %d", month, folded, usage.Used, calls.Used, rows[1][8], want)
			}
		}
	})
}

// usageAPI is the API over a real store, with the key that opens it.
func usageAPI(t *testing.T) (s *store.Store, api http.Handler, secret string) {
	t.Helper()
	db, err := kv.OpenBolt(filepath.Join(t.TempDir(), "showroom.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if s, err = store.New(db, time.Now); err != nil {
		t.Fatal(err)
	}
	objects, err := object.NewDisk(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = objects.Close() })
	key := make([]byte, 32)
	tokens, err := signaling.NewTokens([]signaling.Key{{ID: "1", Secret: key}})
	if err != nil {
		t.Fatal(err)
	}
	api, err = rest.New(rest.Config{Store: s, Tokens: tokens, Objects: objects, Words: wording{}, SigningKey: key, PublicURL: "https://meet.example", Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Local:    func(string, string) (io.ReadSeekCloser, error) { return nil, fs.ErrNotExist },
		Manifest: func(context.Context, string) ([]byte, error) { return nil, call.ErrNotFound }})
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err = s.CreateKey(t.Context(), call.Key{Name: "test", Scope: rest.ScopeRead})
	if err != nil {
		t.Fatal(err)
	}
	return s, api, secret
}
