package rest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// TestKeys is an operator's way with the keys.
func TestKeys(t *testing.T) {
	b := newBench(t)
	seller := b.want(201, "POST", "/sellers", `{"name": "Ana", "monthly_minutes": 1}`).str("id")
	for _, c := range []struct{ body, field string }{
		{`{"scope": "crm"}`, "name"},
		{`{"name": "K"}`, "scope"},
		{`{"name": "K", "scope": "king"}`, "scope"},
		{`{"name": "K", "scope": "seller"}`, "seller"},
		{`{"name": "K", "scope": "seller", "seller": "buy_x"}`, "seller"},
		{`{"name": "K", "scope": "crm", "seller": "` + seller + `"}`, "seller"},
		{`{"name": "K", "scope": "crm", "expires_at": "soon"}`, "expires_at"},
	} {
		if a := b.want(422, "POST", "/keys", c.body); a.str("field") != c.field {
			t.Errorf("%s: %s", c.body, a.Body)
		}
	}
	made := b.want(201, "POST", "/keys", `{"name": "app", "scope": "seller", "seller": "`+seller+`", "expires_at": "2026-12-01T00:00:00Z"}`)
	id, secret := made.str("id"), made.str("secret")
	if made.str("created_by") != "key_full" || !strings.HasPrefix(secret, "sk_") {
		t.Errorf("%s", made.Body)
	}
	me := b.wantAs(200, secret, "GET", "/me", "")
	if me.str("id") != id || me.str("seller") != seller || me.str("scope") != "seller" {
		t.Errorf("me: %s", me.Body)
	}
	k := b.want(200, "GET", "/keys/"+id, "")
	if k.str("last_used_at") == "" || k.str("last_used_from") != "192.0.2.1" || k.body["secret"] != nil {
		t.Errorf("used: %s", k.Body)
	}
	if all := b.want(200, "GET", "/keys", ""); !strings.Contains(all.Body.String(), id) || strings.Contains(all.Body.String(), secret) {
		t.Errorf("list: %s", all.Body)
	}
	tag := k.Header().Get("ETag")
	b.want(200, "PATCH", "/keys/"+id, `{"name": "Ana's app"}`, "If-Match", tag)
	b.want(412, "PATCH", "/keys/"+id, `{"name": "late"}`, "If-Match", tag)
	for _, bad := range []string{`{"overlap_seconds": -1}`, `{"overlap_seconds": 604801}`} {
		b.want(422, "POST", "/keys/"+id+"/rotate", bad)
	}
	if a := b.want(201, "POST", "/keys/"+id+"/rotate", ""); a.str("secret") == "" || a.str("rotated_at") == "" || a.str("name") != "Ana's app" {
		t.Errorf("rotated: %s", a.Body)
	}
	b.want(204, "DELETE", "/keys/"+id, "")
	b.want(404, "DELETE", "/keys/"+id, "")
	b.want(404, "POST", "/keys/"+id+"/rotate", "")
	b.wantAs(401, secret, "GET", "/me", "")
	if strings.Contains(b.log.String(), secret) {
		t.Error("the secret is in the log")
	}
	short := b.want(201, "POST", "/keys", `{"name": "short", "scope": "crm", "expires_at": "2026-11-20T13:00:00Z"}`).str("secret")
	b.wantAs(200, short, "GET", "/me", "")
	b.now = b.now.Add(time.Hour)
	b.wantAs(401, short, "GET", "/me", "")
}

// TestLastUse is written once a minute, and a store that cannot write it does not lock anybody out.
func TestLastUse(t *testing.T) {
	b := newBench(t)
	used := func() time.Time { k, _ := b.store.Key(t.Context(), fullKey); return k.LastUsedAt }
	first := b.now
	b.want(200, "GET", "/me", "")
	b.now = b.now.Add(59 * time.Second)
	b.want(200, "GET", "/me", "")
	if !used().Equal(first) {
		t.Errorf("written again after %s", used().Sub(first))
	}
	b.now = b.now.Add(time.Second)
	b.want(200, "GET", "/me", "")
	if !used().Equal(b.now) {
		t.Errorf("not written after a minute: %s", used())
	}
	b.config.Store = &unused{b.store}
	b.restart()
	b.want(200, "GET", "/me", "")
	if !strings.Contains(b.log.String(), "last use of an API key not noted") {
		t.Errorf("log: %s", b.log)
	}
}

type unused struct{ *memory }

func (unused) UsedKey(ctx context.Context, id, from string) error { return errors.New("disk full") }

// TestTags: who changes what somebody else has changed meanwhile is told so, and overwrites nothing.
func TestTags(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	for path, change := range map[string]string{"/sellers/" + v.seller: `{"name": "A"}`, "/buyers/" + v.buyer: `{"name": "B"}`, "/keys/" + v.key: `{"name": "C"}`} {
		tag := b.want(200, "GET", path, "").Header().Get("ETag")
		if a := b.ask("GET", path, fullKey, "", "If-None-Match", `"x", `+tag); a.Code != 304 || a.Body.Len() != 0 || a.Header().Get("ETag") != tag {
			t.Errorf("%s again: %d %s", path, a.Code, a.Body)
		}
		changed := b.want(200, "PATCH", path, change, "If-Match", `"x", `+tag)
		if next := changed.Header().Get("ETag"); next == tag || next != b.want(200, "GET", path, "").Header().Get("ETag") {
			t.Errorf("%s: the tag after the change is %s", path, next)
		}
		if a := b.want(412, "PATCH", path, `{"name": "late"}`, "If-Match", tag); a.code() != "changed" {
			t.Errorf("%s: %s", path, a.Body)
		}
		b.want(412, "PATCH", path, `{"name": "weak"}`, "If-Match", "W/"+changed.Header().Get("ETag"))
		b.want(200, "PATCH", path, `{"name": "any"}`, "If-Match", "*")
	}
	at := "/conferences/" + v.conference
	tag := b.want(200, "GET", at, "").Header().Get("ETag")
	b.wantAs(200, v.token, "POST", "/invitation/accept", "")
	b.want(412, "PATCH", at, `{"subject": "late"}`, "If-Match", tag)
	b.want(412, "POST", at+"/no-show", "", "If-Match", tag)
	b.want(412, "POST", at+"/cancel", "", "If-Match", tag)
	b.want(200, "POST", at+"/cancel", "", "If-Match", b.want(200, "GET", at, "").Header().Get("ETag"))
}

// TestSellersKey: with the key of one seller, what is another's is not there, and what is made is its own.
func TestSellersKey(t *testing.T) {
	b := newBench(t)
	v, other := b.visit(), b.visit()
	for _, path := range []string{"/sellers", "/conferences", "/conferences?seller=" + v.seller} {
		text := b.wantAs(200, v.secret, "GET", path, "").Body.String()
		if !strings.Contains(text, v.seller) || strings.Contains(text, other.seller) || strings.Contains(text, other.conference) {
			t.Errorf("%s: %s", path, text)
		}
	}
	if a := b.wantAs(200, v.secret, "GET", "/conferences?seller="+other.seller, ""); len(a.body["data"].([]any)) != 0 {
		t.Errorf("another's conferences: %s", a.Body)
	}
	buyer := b.wantAs(201, v.secret, "POST", "/buyers", `{"name": "Caio"}`)
	if buyer.str("seller") != v.seller {
		t.Errorf("the buyer is not its own: %s", buyer.Body)
	}
	b.wantAs(422, v.secret, "POST", "/buyers", `{"name": "Caio", "seller": "`+other.seller+`"}`)
	b.wantAs(404, other.secret, "GET", "/buyers/"+buyer.str("id"), "")
	b.wantAs(404, other.secret, "PATCH", "/buyers/"+buyer.str("id"), `{"name": "X"}`)
	schedule := func(seller, buyer string) string {
		return `{"seller": "` + seller + `", "buyer": "` + buyer + `", "subject": "S", "starts_at": "2026-11-21T10:00:00Z"}`
	}
	b.wantAs(201, v.secret, "POST", "/conferences", schedule(v.seller, buyer.str("id")))
	b.wantAs(422, v.secret, "POST", "/conferences", schedule(v.seller, other.buyer))
	b.wantAs(422, v.secret, "POST", "/conferences", schedule(other.seller, buyer.str("id")))
	b.want(422, "POST", "/buyers", `{"name": "Caio", "seller": "x"}`)
}
