package main

import (
	"io"
	"net"
	"sync"
	"testing"
)

// cutter stands between browsers and the server's HTTP port and can cut every connection, as a changing network does.
type cutter struct {
	net.Listener

	mu     sync.Mutex
	server string // host:port
	down   bool
	conns  map[net.Conn]struct{}
	wg     sync.WaitGroup
}

func newCutter(t *testing.T) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, conns: map[net.Conn]struct{}{}}
	c.wg.Go(c.accept)
	t.Cleanup(func() {
		l.Close()
		c.cut(true)
		c.wg.Wait()
	})
	return c
}

func (c *cutter) accept() {
	for {
		client, err := c.Accept()
		if err != nil {
			return
		}
		c.wg.Go(func() { c.relay(client) })
	}
}

func (c *cutter) relay(client net.Conn) {
	defer client.Close()
	c.mu.Lock()
	address := c.server
	c.mu.Unlock()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	if !c.add(client, server) {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(server, client); server.Close(); client.Close() })
	io.Copy(client, server)
	client.Close()
	server.Close()
	wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, client)
	delete(c.conns, server)
}

func (c *cutter) add(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.down {
		return false
	}
	for _, conn := range conns {
		c.conns[conn] = struct{}{}
	}
	return true
}

// to says where the server is, which is known only after it was told the cutter's address.
func (c *cutter) to(address string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.server = address
}

// cut breaks every connection, and if down lets no new one through.
func (c *cutter) cut(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
	for conn := range c.conns {
		conn.Close()
	}
}
