package load

import (
	"net"
	"runtime"
	"sync/atomic"
)

// place is where the peers' sockets are.
type place struct {
	local net.IP // this machine's address on the way to the server
	used  atomic.Uint32
}

// next is a peer's address. On the loopback of Linux each has its own, 127.1.0.1 and so on, as people have: what a server
// allows one address would else be measured instead of what it can do.
func (p *place) next() net.IP {
	if runtime.GOOS != "linux" || !p.local.IsLoopback() || p.local.To4() == nil {
		return p.local
	}
	const hosts = 250
	n := p.used.Add(1) - 1
	return net.IPv4(127, byte(1+n/hosts/hosts%hosts), byte(n/hosts%hosts), byte(1+n%hosts))
}
