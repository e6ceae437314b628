package objecttest

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// Proxy stands between a store and its S3 server and can do harm to what
// passes.
type Proxy struct {
	Endpoint string // host:port

	mu    sync.Mutex
	harm  func(http.ResponseWriter, *http.Request) bool
	parts int
}

// StartProxy starts a proxy in front of an endpoint. It ends with the test.
func StartProxy(t testing.TB, endpoint string) *Proxy {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: endpoint}
	transport := &http.Transport{DisableKeepAlives: true}
	relay := &httputil.ReverseProxy{
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0), // a server that is away is what the tests are about
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
	}
	p := &Proxy{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if harm := p.note(r); harm == nil || !harm(w, r) {
			relay.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	p.Endpoint = server.Listener.Addr().String()
	return p
}

func (p *Proxy) note(r *http.Request) func(http.ResponseWriter, *http.Request) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if IsPart(r) {
		p.parts++
	}
	return p.harm
}

// Harm has f see every request from now on; it returns true when it has
// answered. Nil ends the harm.
func (p *Proxy) Harm(f func(http.ResponseWriter, *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.harm = f
}

// Parts is how many parts were sent since the last time it was asked,
// repetitions included.
func (p *Proxy) Parts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.parts
	p.parts = 0
	return n
}

// IsPart says whether a request sends a part of an object.
func IsPart(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Has("partNumber")
}

// Reset takes a million bytes of a request and resets the connection.
func Reset(w http.ResponseWriter, r *http.Request) {
	io.CopyN(io.Discard, r.Body, 1e6) //nolint:errcheck // it is cut in any case
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0) //nolint:errcheck // then it is closed the usual way
	}
	conn.Close()
}
