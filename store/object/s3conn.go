package object

import (
	"context"
	"net"
	"net/http"
	"time"
)

const dialTimeout = 5 * time.Second

// newTransport returns a transport whose connections fail when the other side
// is silent for too long in either direction. Limits on whole requests would
// punish large objects on slow links.
func newTransport(silence time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: min(dialTimeout, silence)}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &watchedConn{Conn: c, silence: silence}, nil
		},
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: silence,
		IdleConnTimeout:       silence,
		MaxIdleConnsPerHost:   8,
		DisableCompression:    true, // or ranges of compressible objects break
	}
}

// watchedConn puts off its deadline with each read and write. A write puts off
// the reader's too: it waits for the answer while a part is still being sent.
type watchedConn struct {
	net.Conn
	silence time.Duration
}

// Read implements net.Conn.
func (c *watchedConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// Write implements net.Conn.
func (c *watchedConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
