package rest

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestSlowBody: who announces a body and does not send it is answered or cut off in time, whether we wanted the body or not.
func TestSlowBody(t *testing.T) {
	for name, c := range map[string]struct{ request, status string }{
		"half a body":    {"POST /api/v1/buyers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + fullKey + "\r\nContent-Length: 20\r\n\r\n{\"name\":", "400"},
		"without a key":  {"POST /api/v1/buyers HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n", "401"},
		"body of a GET":  {"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + fullKey + "\r\nContent-Length: 20\r\n\r\n", "200"},
		"chunk not sent": {"POST /api/v1/buyers HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + fullKey + "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "400"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				client, server := net.Pipe()
				l := &oneConn{conn: server, done: make(chan struct{})}
				s := &http.Server{Handler: b.handler}
				var wg sync.WaitGroup
				wg.Go(func() { s.Serve(l) })
				began := time.Now()
				wg.Go(func() { io.WriteString(client, c.request) })
				all := bufio.NewReader(client)
				line, err := all.ReadString('\n')
				if err != nil || !strings.Contains(line, c.status) {
					t.Errorf("%q %v, want %s", line, err, c.status)
				}
				io.Copy(io.Discard, all)
				if took := time.Since(began); took < bodyTimeout || took > bodyTimeout+5*time.Second {
					t.Errorf("hung up after %v", took)
				}
				client.Close()
				s.Close()
				wg.Wait()
			})
		})
	}
}

// oneConn is a listener with one connection.
type oneConn struct {
	conn net.Conn
	once sync.Once
	done chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.done
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
