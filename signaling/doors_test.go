package signaling

import (
	"net/http"
	"testing"
)

func TestOrigins(t *testing.T) {
	allowed := map[origin]bool{}
	for _, o := range []string{"https://crm.example.com", "http://localhost:3000"} {
		parsed, ok := parseOrigin(o)
		if !ok {
			t.Fatal(o)
		}
		allowed[parsed] = true
	}
	for _, c := range []struct {
		host   string
		origin []string
		ok     bool
	}{
		{"call.example.com", nil, true}, // no browser
		{"call.example.com", []string{"https://call.example.com"}, true},
		{"call.example.com:443", []string{"https://CALL.example.com"}, true},
		{"call.example.com:8080", []string{"http://call.example.com:8080"}, true},
		{"call.example.com", []string{"https://crm.example.com"}, true},
		{"call.example.com", []string{"https://crm.example.com:443"}, true},
		{"call.example.com", []string{"http://localhost:3000"}, true},
		{"call.example.com", []string{"http://crm.example.com"}, false}, // other scheme
		{"call.example.com", []string{"https://crm.example.com:8443"}, false},
		{"call.example.com", []string{"https://crm.example.com.evil.example"}, false},
		{"call.example.com", []string{"https://evil.example"}, false},
		{"call.example.com", []string{"https://call.example.com.evil.example"}, false},
		{"call.example.com", []string{"https://evil.example#call.example.com"}, false},
		{"call.example.com", []string{"https://call.example.com@evil.example"}, false},
		{"call.example.com", []string{"null"}, false},
		{"call.example.com", []string{""}, false},
		{"call.example.com", []string{"file://call.example.com"}, false},
		{"call.example.com", []string{"https://call.example.com", "https://evil.example"}, false},
		{"call.example.com:8080", []string{"http://call.example.com:9090"}, false},
	} {
		r := &http.Request{Host: c.host, Header: http.Header{}}
		if c.origin != nil {
			r.Header["Origin"] = c.origin
		}
		if got := originAllowed(r, allowed); got != c.ok {
			t.Errorf("host %s, origin %v: %v", c.host, c.origin, got)
		}
	}
	if err := CheckOrigins([]string{"https://a.example", "http://[::1]:80"}); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"*", "crm.example.com", "https://a.example/", "https://*.example", "https://u@a.example", "https://a;script-src", "https://a,b"} {
		if err := CheckOrigins([]string{bad}); err == nil {
			t.Errorf("%q is an origin", bad)
		}
	}
}

func TestDoors(t *testing.T) {
	d := newDoors(2)
	enter := func(address string, want bool) func() {
		t.Helper()
		leave, ok := d.enter(address)
		if ok != want {
			t.Fatalf("%s: %v", address, ok)
		}
		return leave
	}
	first := enter("192.0.2.1", true)
	enter("::ffff:192.0.2.1", true)
	enter("192.0.2.1", false)
	enter("2001:db8::1", true)
	second := enter("2001:db8::ffff:1", true)
	enter("2001:db8::2", false)
	enter("2001:db8:0:1::2", true)
	first()
	first()
	enter("192.0.2.1", true)
	enter("192.0.2.1", false)
	second()
	if len(d.counts) != 3 {
		t.Fatalf("%v", d.counts)
	}
}
