package rest

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestIdempotency(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	links := "/conferences/" + v.conference + "/links"
	body := `{"role": "buyer"}`
	first := b.want(201, "POST", links, body, idempotencyHeader, "abc")
	b.restart()
	again := b.want(201, "POST", links, body, idempotencyHeader, "abc")
	if first.Body.String() != again.Body.String() || first.Header().Get("Content-Type") != again.Header().Get("Content-Type") {
		t.Errorf("first %s, again %s", first.Body, again.Body)
	}
	if a := b.want(409, "POST", links, `{"role": "seller"}`, idempotencyHeader, "abc"); a.code() != "conflict" {
		t.Errorf("another body: %s", a.Body)
	}
	if a := b.want(409, "POST", "/buyers", body, idempotencyHeader, "abc"); a.code() != "conflict" {
		t.Errorf("another address: %s", a.Body)
	}
	if other := b.want(201, "POST", links, body, idempotencyHeader, "abd"); other.str("id") == first.str("id") {
		t.Error("another key gets the same answer")
	}
	for _, bad := range []string{"", strings.Repeat("x", 129), "a b", "ä"} {
		if a := b.want(422, "POST", links, body, idempotencyHeader, bad); a.str("field") != idempotencyHeader {
			t.Errorf("%q: %s", bad, a.Body)
		}
	}
	b.want(422, "POST", links, body, idempotencyHeader, "a", idempotencyHeader, "b")
	b.want(201, "POST", links, body, idempotencyHeader, strings.Repeat("~", 128))
	for name, kept := range b.store.answers {
		if bytes.Contains(kept[1], []byte("token")) || bytes.Contains(kept[1], []byte(first.str("token"))) || strings.Contains(name, "abc") {
			t.Errorf("an answer is kept in clear: %q", kept[1])
		}
	}
}

// TestIdempotencyIsTheCallers: the same key of another API key is another request.
func TestIdempotencyIsTheCallers(t *testing.T) {
	b := newBench(t)
	b.store.keys["sk_second"] = b.store.keys[fullKey]
	k := b.store.keys["sk_second"]
	k.ID = "key_second"
	b.store.keys["sk_second"] = k
	body := `{"name": "B"}`
	x := b.want(201, "POST", "/buyers", body, idempotencyHeader, "1")
	y := b.wantAs(201, "sk_second", "POST", "/buyers", body, idempotencyHeader, "1")
	if x.str("id") == y.str("id") {
		t.Error("one caller got the other's answer")
	}
}

// TestRefusalIsNotKept: what was refused may be sent again when it can succeed.
func TestRefusalIsNotKept(t *testing.T) {
	b := newBench(t)
	v := b.visit()
	at := "/conferences/" + v.conference
	b.want(409, "POST", at+"/end", "", idempotencyHeader, "e")
	b.wantInside(v)
	b.want(200, "POST", at+"/end", "", idempotencyHeader, "e")
	b.want(200, "POST", at+"/end", "", idempotencyHeader, "e")
}

func TestIdempotencyAtOnce(t *testing.T) {
	b := newBench(t)
	ids := make([]string, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			ids[i] = b.ask("POST", "/buyers", fullKey, `{"name": "B"}`, idempotencyHeader, "same").str("id")
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("one key made several: %v", ids)
		}
	}
	if n := len(b.handler.(*api).inFlight.running); n != 0 {
		t.Errorf("%d requests still in flight", n)
	}
}

// TestRememberFails: what was done is answered even if it can't be remembered.
func TestRememberFails(t *testing.T) {
	b := newBench(t)
	b.config.Store = forgetful{b.store}
	b.restart()
	b.want(201, "POST", "/buyers", `{"name": "B"}`, idempotencyHeader, "k")
	if !strings.Contains(b.log.String(), "answer not remembered") {
		t.Errorf("log: %s", b.log)
	}
}

func FuzzOpenAnswer(f *testing.F) {
	box, err := newBox("sk_x", "key/1")
	if err != nil {
		f.Fatal(err)
	}
	good, err := seal(box, reply{status: 201, body: map[string]string{"id": "x"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:10])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		// The fuzzer's processes seal with different nonces; what opens must be what was sealed.
		if answer, err := open(box, sealed); err == nil && fmt.Sprintf("%d %s", answer.status, answer.body) != `201 {"id":"x"}` {
			t.Errorf("%q opens as %v", sealed, answer)
		}
	})
}
