package udp

import (
	"encoding/binary"
	"fmt"
	"iter"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	readMessages = 32       // of one recvmmsg
	readSize     = 64 << 10 // of one message: what UDP_GRO may join
	readControl  = 64       // bytes of ancillary data, of which UDP_GRO takes 24
)

// tellRuntime is how often the runtime is told of a call. Calls here never wait, so that it need
// not know; to tell it wakes its monitor each time, which was a third of the CPU of 1:1 calls. But
// a monitor that sleeps interrupts no goroutine that runs for long: it is told now and then, and
// whenever there is more to read than one batch.
const tellRuntime = 100 * time.Millisecond

// mmsghdr is the kernel's struct mmsghdr.
type mmsghdr struct {
	unix.Msghdr
	size uint32
}

// reader reads batches with recvmmsg. The runtime's poller waits for them: a blocking call
// would need a thread of its own.
type reader struct {
	raw    syscall.RawConn
	call   func(fd uintptr) bool // made once: a closure each time would be garbage
	handle func(count int) (more bool)
	count  int // messages in use
	errno  syscall.Errno
	told   time.Time // when the runtime was last told of a call

	msgs    [readMessages]mmsghdr
	iovs    [readMessages]unix.Iovec
	names   [readMessages][unix.SizeofSockaddrInet6]byte
	control [readMessages][readControl]byte
	buf     []byte
}

func newReader(conn *net.UDPConn) (*reader, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &reader{raw: raw, buf: make([]byte, readMessages*readSize)}
	if err := raw.Control(func(fd uintptr) { // without GRO it works as well
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_GRO, 1)
	}); err != nil {
		return nil, err
	}
	for i := range r.msgs {
		m := &r.msgs[i]
		r.iovs[i].Base = &r.buf[i*readSize]
		r.iovs[i].SetLen(readSize)
		m.Iov = &r.iovs[i]
		m.SetIovlen(1)
		m.Name = &r.names[i][0]
		m.Control = &r.control[i][0]
		r.reset(i)
	}
	r.call = r.recvmmsg
	return r, nil
}

// read gives batch after batch to handle, until that wants no more. It does not leave the
// poller between two: whatever arrives after a batch wakes it again, so that no call is
// needed to find out that the socket is empty.
func (r *reader) read(handle func(count int) (more bool)) error {
	r.handle = handle
	if err := r.raw.Read(r.call); err != nil {
		return err
	}
	if r.errno != 0 {
		return fmt.Errorf("recvmmsg: %w", r.errno)
	}
	return nil
}

func (r *reader) reset(i int) {
	m := &r.msgs[i]
	m.Namelen = unix.SizeofSockaddrInet6
	m.SetControllen(readControl)
	m.Flags = 0
}

func (r *reader) recvmmsg(fd uintptr) bool {
	for {
		for i := range r.count {
			r.reset(i)
		}
		call := unix.RawSyscall6
		if now := time.Now(); r.count == readMessages || now.Sub(r.told) > tellRuntime {
			call, r.told = unix.Syscall6, now
		}
		r.count = 0
		n, _, errno := call(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&r.msgs[0])), readMessages, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		if r.errno = errno; errno != 0 {
			return true
		}
		r.count = int(n)
		if !r.handle(r.count) {
			return true
		}
		if r.count < readMessages { // and there was no more
			return false
		}
	}
}

// datagrams are those of message i: several if the kernel joined them.
func (r *reader) datagrams(i int) iter.Seq2[[]byte, netip.AddrPort] {
	return func(yield func([]byte, netip.AddrPort) bool) {
		from, ok := address(&r.names[i])
		if !ok {
			return
		}
		b := r.buf[i*readSize : i*readSize+int(r.msgs[i].size)]
		segment := segmentSize(r.control[i][:min(int(r.msgs[i].Controllen), readControl)])
		if segment <= 0 {
			segment = max(1, len(b))
		}
		for len(b) > 0 {
			n := min(segment, len(b))
			if !yield(b[:n:n], from) {
				return
			}
			b = b[n:]
		}
	}
}

// address reads a sockaddr_in or sockaddr_in6. An IPv4 address is always that, mapped or not.
func address(b *[unix.SizeofSockaddrInet6]byte) (netip.AddrPort, bool) {
	port := binary.BigEndian.Uint16(b[2:])
	switch binary.NativeEndian.Uint16(b[:]) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), port), true
	case unix.AF_INET6:
		ip := netip.AddrFrom16([16]byte(b[8:24])).Unmap()
		if scope := binary.NativeEndian.Uint32(b[24:]); scope != 0 && ip.IsLinkLocalUnicast() {
			ip = ip.WithZone(strconv.Itoa(int(scope)))
		}
		return netip.AddrPortFrom(ip, port), true
	}
	return netip.AddrPort{}, false
}

// segmentSize finds the UDP_GRO control message; 0 if there is none.
func segmentSize(b []byte) int {
	for len(b) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&b[0]))
		size := int(h.Len)
		if size < unix.SizeofCmsghdr || size > len(b) {
			return 0
		}
		if h.Level == unix.IPPROTO_UDP && h.Type == unix.UDP_GRO && size >= unix.CmsgLen(4) {
			return int(binary.NativeEndian.Uint32(b[unix.CmsgLen(0):]))
		}
		if next := unix.CmsgSpace(size - unix.CmsgLen(0)); next < len(b) {
			b = b[next:]
		} else {
			return 0
		}
	}
	return 0
}
