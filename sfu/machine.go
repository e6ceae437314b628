package sfu

import (
	"fmt"
	"sync"
	"time"

	"github.com/pion/transport/v4/stdnet"
)

const interfacesLife = 10 * time.Second

// machine reads this machine's interfaces, which every connection asks for, once in a while
// and not once a connection: that costs system calls and 8 KiB each.
type machine struct {
	mu   sync.Mutex
	last *interfaces
	read time.Time
}

// interfaces of a moment. It is a type of its own, since Pion would read those of a
// *stdnet.Net again for each connection.
type interfaces struct{ *stdnet.Net }

func (m *machine) interfaces(now time.Time) (*interfaces, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil || now.Sub(m.read) > interfacesLife {
		std, err := stdnet.NewNet()
		if err != nil {
			return nil, fmt.Errorf("read network interfaces: %w", err)
		}
		m.last, m.read = &interfaces{std}, now
	}
	return m.last, nil
}
