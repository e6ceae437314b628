package rest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"showroom/call"
	"showroom/store/object"
)

// forgetful can't remember answers.
type forgetful struct{ *memory }

func (forgetful) Remember(context.Context, string, []byte, []byte) error {
	return call.ErrStorageFull
}

func TestNewChecksItsConfig(t *testing.T) {
	good := newBench(t).config
	for name, spoil := range map[string]func(*Config){
		"no store":    func(c *Config) { c.Store = nil },
		"no tokens":   func(c *Config) { c.Tokens = nil },
		"no objects":  func(c *Config) { c.Objects = nil },
		"no local":    func(c *Config) { c.Local = nil },
		"no log":      func(c *Config) { c.Log = nil },
		"short key":   func(c *Config) { c.SigningKey = c.SigningKey[:31] },
		"missing key": func(c *Config) { c.SigningKey = nil },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	good.Now, good.Address = nil, nil
	if _, err := New(good); err != nil {
		t.Error(err)
	}
}

func TestCORS(t *testing.T) {
	b := newBench(t)
	preflight := []string{"Origin", "https://crm.example", "Access-Control-Request-Method", "POST"}
	if a := b.ask("OPTIONS", "/sellers", "", "", preflight...); a.Code != 405 || a.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without origins: %d %v", a.Code, a.Header())
	}
	b.config.Origins = []string{"https://crm.example"}
	b.restart()
	a := b.ask("OPTIONS", "/sellers", "", "", preflight...)
	h := a.Header()
	if a.Code != 204 || h.Get("Access-Control-Allow-Origin") != "https://crm.example" || h.Get("Access-Control-Allow-Credentials") != "" ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") || h.Get("Vary") != "Origin" {
		t.Errorf("preflight: %d %v", a.Code, h)
	}
	if got := b.want(200, "GET", "/me", "", "Origin", "https://crm.example").Header().Get("Access-Control-Allow-Origin"); got != "https://crm.example" {
		t.Errorf("Allow-Origin: %q", got)
	}
	for _, origin := range []string{"https://crm.example.evil", "http://crm.example", "https://crm.example:444", "null", ""} {
		a := b.ask("GET", "/me", fullKey, "", "Origin", origin)
		if a.Header().Get("Access-Control-Allow-Origin") != "" || a.Header().Get("Vary") != "Origin" {
			t.Errorf("origin %q: %v", origin, a.Header())
		}
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   code
	}{
		{call.ErrNotFound, 404, "not_found"},
		{fmt.Errorf("%w: %w", call.Invalid("seller", "no"), call.ErrNotFound), 422, "invalid"},
		{fmt.Errorf("read: %w", call.ErrOver), 409, "conflict"},
		{call.ErrReused, 409, "conflict"},
		{call.ErrNoMinutes, 409, "no_minutes"},
		{call.ErrStorageFull, 507, "storage_full"},
		{object.ErrFull, 507, "storage_full"},
		{object.ErrUnavailable, 503, "unavailable"},
		{context.DeadlineExceeded, 503, "unavailable"},
		{errors.New("password of the database"), 500, "internal"},
	} {
		p := problemOf(c.err)
		if p.Status != c.status || p.Code != c.code || strings.Contains(p.Detail, "password") {
			t.Errorf("%v: %+v", c.err, p)
		}
	}
	for c, status := range statuses {
		if p := fail(c, "x"); p.Status != status || p.Title == "" {
			t.Errorf("%s: %+v", c, p)
		}
	}
}

// TestBrokenStore: every route says that it is our fault, tells nothing, and logs it.
func TestBrokenStore(t *testing.T) {
	for want, broken := range map[int]error{500: errors.New("secret disk"), 507: call.ErrStorageFull, 503: context.DeadlineExceeded} {
		b := newBench(t)
		v := b.visit()
		routes := b.handler.(*api).routes()
		filled := map[string][2]string{}
		for _, rt := range routes {
			path, body := b.fill(rt, v)
			filled[rt.pattern()] = [2]string{path, body}
		}
		b.store.broken = broken
		for _, rt := range routes {
			credential := map[access]string{byKey: fullKey, byAnyKey: fullKey, byOperatorKey: fullKey, byPass: v.token, byWatchToken: v.watch, byPasswordLink: v.invite}[rt.access]
			pairs := []string{}
			if rt.access == bySession {
				pairs = append(pairs, "Cookie", v.cookie)
			}
			a := b.wantAs(want, credential, rt.method, filled[rt.pattern()][0], filled[rt.pattern()][1], pairs...)
			checkProblem(t, a)
			if strings.Contains(a.Body.String(), "secret") {
				t.Errorf("%s: an inner error got out: %s", rt.pattern(), a.Body)
			}
		}
		if !strings.Contains(b.log.String(), broken.Error()) {
			t.Errorf("the log does not say why: %s", b.log)
		}
	}
}

func TestFailures(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	f := newFailures()
	fill := func(addr string, n int) (wait time.Duration) {
		for range n {
			wait = f.add(addr, now)
		}
		return wait
	}
	if wait := fill("192.0.2.1", maxFailures); wait != 0 {
		t.Errorf("waits %v too early", wait)
	}
	now = now.Add(20 * time.Second)
	if wait := fill("::ffff:192.0.2.1", 1); wait != 40*time.Second {
		t.Errorf("waits %v", wait)
	}
	if wait := fill("192.0.2.2", 1); wait != 0 {
		t.Errorf("another address waits %v", wait)
	}
	if fill("2001:db8::1", maxFailures); fill("2001:db8::ffff:2", 1) == 0 {
		t.Error("a network of 64 bits has many tries")
	}
	if fill("2001:db8:0:1::1", 1) != 0 {
		t.Error("another network waits")
	}
	for i := range maxAddresses * 2 { // a flood of addresses is counted together and forgets nobody
		f.add(fmt.Sprintf("10.0.%d.%d", i/256, i%256), now)
	}
	if len(f.seen) > maxAddresses+1 {
		t.Errorf("%d addresses are remembered", len(f.seen))
	}
	if fill("192.0.2.1", 1) == 0 || fill("203.0.113.9", 1) == 0 {
		t.Error("a flood of addresses opens the door")
	}
	now = now.Add(failureWindow)
	if fill("192.0.2.1", 1) != 0 || fill("203.0.113.9", 1) != 0 {
		t.Error("still waits after the window")
	}
	if len(f.seen) > 2 {
		t.Errorf("%d addresses are remembered after the window", len(f.seen))
	}
}
