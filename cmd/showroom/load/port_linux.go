package load

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readMessages = 8        // of one recvmmsg
	readSize     = 64 << 10 // of one message: what UDP_GRO may join
	readControl  = 128      // bytes of ancillary data: a time and a size
	readyPorts   = 256      // of one epoll_wait
	socketBuffer = 1 << 20  // bytes asked of the kernel; it may give less

	manyPackets = 64               // of one round of reading, after which
	lingering   = time.Millisecond // the next one can wait for more: the kernel notes when each packet came
)

// ports reads all ports on one goroutine: an epoll of its own, which the runtime's poller watches. It costs a wake-up for
// many ports instead of one for each, and a system call for a port's burst.
type ports struct {
	epoll *os.File
	raw   syscall.RawConn
	wg    sync.WaitGroup

	mu   sync.Mutex
	open map[int32]*port // by file descriptor

	events [readyPorts]unix.EpollEvent
	msgs   [readMessages]mmsghdr
	iovs   [readMessages]unix.Iovec
	names  [readMessages][unix.SizeofSockaddrInet6]byte
	cmsgs  [readMessages][readControl]byte
	buf    []byte
	count  int // packets read
}

// mmsghdr is the kernel's struct mmsghdr.
type mmsghdr struct {
	unix.Msghdr
	size uint32
}

// system is what a port has of this system.
type system struct {
	all *ports
	mu  sync.Mutex // of fd, while it is used
	fd  int        // -1: closed
}

// openPorts starts the goroutine that reads; close ends it.
func openPorts() (*ports, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that the runtime watches it
		_ = unix.Close(fd)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	s := &ports{epoll: os.NewFile(uintptr(fd), "epoll"), open: map[int32]*port{}, buf: make([]byte, readMessages*readSize)}
	if s.raw, err = s.epoll.SyscallConn(); err != nil {
		_ = s.epoll.Close()
		return nil, fmt.Errorf("epoll: %w", err)
	}
	for i := range s.msgs {
		m := &s.msgs[i]
		s.iovs[i].Base = &s.buf[i*readSize]
		s.iovs[i].SetLen(readSize)
		m.Iov = &s.iovs[i]
		m.SetIovlen(1)
		m.Name, m.Control = &s.names[i][0], &s.cmsgs[i][0]
	}
	s.wg.Go(func() { _ = s.raw.Read(s.ready) }) // until it is closed
	return s, nil
}

// close awaits the reader. The ports are closed before.
func (s *ports) close() {
	_ = s.epoll.Close()
	s.wg.Wait()
}

// listen opens a port of an address.
func (s *ports) listen(local netip.Addr, media func([]byte, time.Duration)) (*port, error) {
	family, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Addr: local.As16()})
	if local.Is4() {
		family, address = unix.AF_INET, &unix.SockaddrInet4{Addr: local.As4()}
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a UDP socket: %w", err)
	}
	p := newPort(media)
	p.all, p.fd = s, fd
	for _, option := range [][3]int{ // without them it works as well
		{unix.SOL_SOCKET, unix.SO_RCVBUF, socketBuffer},
		{unix.SOL_SOCKET, unix.SO_SNDBUF, socketBuffer},
		{unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1},
		{unix.SOL_SOCKET, unix.SO_RXQ_OVFL, 1},
		{unix.IPPROTO_UDP, unix.UDP_GRO, 1},
	} {
		_ = unix.SetsockoptInt(fd, option[0], option[1], option[2])
	}
	if err := p.bind(local, address); err != nil {
		_ = p.Close()
		return nil, fmt.Errorf("open a UDP socket on %v: %w", local, err)
	}
	return p, nil
}

func (p *port) bind(local netip.Addr, address unix.Sockaddr) error {
	if err := unix.Bind(p.fd, address); err != nil {
		return err
	}
	bound, err := unix.Getsockname(p.fd)
	if err != nil {
		return err
	}
	switch bound := bound.(type) {
	case *unix.SockaddrInet4:
		p.local = netip.AddrPortFrom(local, uint16(bound.Port))
	case *unix.SockaddrInet6:
		p.local = netip.AddrPortFrom(local, uint16(bound.Port))
	}
	p.all.mu.Lock()
	p.all.open[int32(p.fd)] = p
	p.all.mu.Unlock()
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET, Fd: int32(p.fd)}
	return unix.EpollCtl(int(p.all.epoll.Fd()), unix.EPOLL_CTL_ADD, p.fd, &event)
}

func (s *system) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.mu.Lock()
	delete(s.all.open, int32(s.fd))
	s.all.mu.Unlock()
	_ = unix.Close(s.fd) // and it leaves the epoll
	s.fd = -1
}

// ready reads the ports that have something. Each is read until it is empty, so that the next event tells of something new.
func (s *ports) ready(fd uintptr) bool {
	for {
		n, err := unix.EpollWait(int(fd), s.events[:], 0)
		if err != nil && err != unix.EINTR {
			return true
		}
		before := s.count
		for _, event := range s.events[:max(0, n)] {
			s.mu.Lock()
			p := s.open[event.Fd]
			s.mu.Unlock()
			for p != nil && s.read(p) == readMessages {
			}
		}
		switch {
		case s.count-before >= manyPackets:
			time.Sleep(lingering)
		case err == nil && n < readyPorts:
			return false
		}
	}
}

// read gives a port what one call brings, and says how many messages that were.
func (s *ports) read(p *port) int {
	for i := range s.msgs {
		m := &s.msgs[i]
		m.Namelen, m.Flags = unix.SizeofSockaddrInet6, 0
		m.SetControllen(readControl)
	}
	p.system.mu.Lock()
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(p.fd), uintptr(unsafe.Pointer(&s.msgs[0])), readMessages, unix.MSG_DONTWAIT, 0, 0)
	p.system.mu.Unlock()
	switch errno {
	case 0:
	case unix.EINTR, unix.ECONNREFUSED: // the server is gone, which its socket tells better
		return readMessages
	default:
		return 0
	}
	now := time.Now()
	for i := range int(n) {
		s.message(p, i, now)
	}
	return int(n)
}

// message takes apart what the kernel joined. It arrived when the kernel says: how late this goroutine is does not count.
func (s *ports) message(p *port, i int, now time.Time) {
	m := &s.msgs[i]
	b := s.buf[i*readSize : i*readSize+int(m.size)]
	c := control(s.cmsgs[i][:min(int(m.Controllen), readControl)])
	arrived := now.Sub(began)
	if c.at > 0 {
		arrived -= max(0, time.Duration(now.UnixNano()-c.at))
	}
	if c.overrun > 0 {
		p.overrun.Store(uint64(c.overrun))
	}
	segment := c.segment
	if segment <= 0 {
		segment = max(1, len(b))
	}
	from := func() netip.AddrPort { return address(&s.names[i]) }
	for len(b) > 0 {
		n := min(segment, len(b))
		p.take(b[:n:n], arrived, from)
		s.count++
		b = b[n:]
	}
}

// about is what the kernel says about a message; 0: nothing.
type about struct {
	segment int    // size of the datagrams in it
	at      int64  // of its arrival, ns of the wall clock
	overrun uint32 // datagrams for which the socket had no room so far
}

// control reads the ancillary data of a message.
func control(b []byte) (c about) {
	for len(b) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			return c
		}
		switch {
		case h.Level == unix.IPPROTO_UDP && h.Type == unix.UDP_GRO && len(data) >= 4:
			c.segment = int(int32(binary.NativeEndian.Uint32(data)))
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_TIMESTAMPNS && len(data) >= int(unsafe.Sizeof(unix.Timespec{})):
			c.at = (*unix.Timespec)(unsafe.Pointer(&data[0])).Nano()
		case h.Level == unix.SOL_SOCKET && h.Type == unix.SO_RXQ_OVFL && len(data) >= 4:
			c.overrun = binary.NativeEndian.Uint32(data)
		}
		b = rest
	}
	return c
}

// address reads a sockaddr_in or sockaddr_in6.
func address(b *[unix.SizeofSockaddrInet6]byte) netip.AddrPort {
	port := binary.BigEndian.Uint16(b[2:])
	if binary.NativeEndian.Uint16(b[:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), port)
}

// sockaddr is the address as the kernel wants it.
func sockaddr(to netip.AddrPort, b *[unix.SizeofSockaddrInet6]byte) uint32 {
	*b = [unix.SizeofSockaddrInet6]byte{}
	binary.BigEndian.PutUint16(b[2:], to.Port())
	if ip := to.Addr().Unmap(); ip.Is4() {
		binary.NativeEndian.PutUint16(b[:], unix.AF_INET)
		v4 := ip.As4()
		copy(b[4:], v4[:])
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(b[:], unix.AF_INET6)
	v6 := to.Addr().As16()
	copy(b[8:], v6[:])
	return unix.SizeofSockaddrInet6
}

// WriteToAddrPort sends a datagram.
func (p *port) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	u := bursts.Get().(*burst)
	defer bursts.Put(u)
	u.n = 1
	u.sizes[0] = copy(u.bufs[0][:], b)
	p.send(u, to)
	return len(b), nil
}

// burstHeaders are what sendmmsg wants of a burst.
type burstHeaders struct {
	msgs [burstSize]mmsghdr
	iovs [burstSize]unix.Iovec
	name [unix.SizeofSockaddrInet6]byte
}

// send sends a burst, each datagram by itself as browsers do: segmentation offload would spare the server work too. What
// the kernel does not take is dropped.
func (p *port) send(u *burst, to netip.AddrPort) {
	size := sockaddr(to, &u.name)
	for i := range u.n {
		m := &u.msgs[i]
		u.iovs[i].Base = &u.bufs[i][0]
		u.iovs[i].SetLen(u.sizes[i])
		m.Iov, m.Name, m.Namelen = &u.iovs[i], &u.name[0], size
		m.SetIovlen(1)
	}
	p.system.mu.Lock()
	defer p.system.mu.Unlock()
	for from := 0; from < u.n; {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(p.fd), uintptr(unsafe.Pointer(&u.msgs[from])), uintptr(u.n-from), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			from += int(n)
		case unix.EINTR:
		default: // of the first one
			p.dropped.Add(1)
			from++
		}
	}
	u.n = 0
}

var _ net.PacketConn = (*port)(nil)
