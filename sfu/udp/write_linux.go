package udp

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	maxSegments = 64    // of one message with UDP_SEGMENT
	maxJoined   = 65000 // bytes of one
)

// controlSegment is room for one control message of UDP_SEGMENT.
const controlSegment = 24

// writer sends with sendmmsg.
type writer struct {
	raw   syscall.RawConn
	six   bool                  // the socket is of IPv6, IPv4 addresses are mapped
	call  func(fd uintptr) bool // made once: a closure each time would be garbage
	from  int                   // the first message not sent
	count int

	msgs    [batchMessages]mmsghdr
	iovs    [batchMessages]unix.Iovec
	names   [batchMessages][unix.SizeofSockaddrInet6]byte
	control [batchMessages][controlSegment]byte
}

func (b *Batch) init() {
	w := &b.writer
	w.call = b.sendmmsg
	w.raw, _ = b.conn.conn.SyscallConn() // never fails for a UDPConn that was opened
	_ = w.raw.Control(func(fd uintptr) {
		domain, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		w.six = err == nil && domain == unix.AF_INET6
	})
}

// send builds the messages, each a run of datagrams of equal size to one destination, and
// gives them to the kernel.
func (b *Batch) send() {
	w := &b.writer
	w.count, w.from = 0, 0
	segments := !b.conn.noSegments.Load()
	iov := 0
	for i := range b.dests {
		d := &b.dests[i]
		for n := d.first; n >= 0; {
			first, size, total, begin := n, b.entries[n].size, int32(0), iov
			for n >= 0 {
				e := &b.entries[n]
				if n != first && (!segments || e.size > size || iov-begin == maxSegments || total+e.size > maxJoined) {
					break
				}
				w.iovs[iov].Base = &b.buf[e.begin]
				w.iovs[iov].SetLen(int(e.size))
				iov++
				total += e.size
				n = e.next
				if e.size < size { // only the last of a run may be shorter
					break
				}
			}
			b.message(d.to, begin, iov, int(size))
		}
	}
	if err := w.raw.Write(w.call); err != nil { // closed
		b.conn.dropped.Add(uint64(len(b.entries)))
	}
}

// message describes the datagrams of iovs[begin:end].
func (b *Batch) message(to netip.AddrPort, begin, end, size int) {
	w := &b.writer
	m := &w.msgs[w.count]
	name := &w.names[w.count]
	*m = mmsghdr{}
	m.Name, m.Namelen = &name[0], putAddress(name, to, w.six)
	m.Iov = &w.iovs[begin]
	m.SetIovlen(end - begin)
	if end-begin > 1 {
		c := &w.control[w.count]
		h := (*unix.Cmsghdr)(unsafe.Pointer(&c[0]))
		h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
		h.SetLen(unix.CmsgLen(2))
		binary.NativeEndian.PutUint16(c[unix.CmsgLen(0):], uint16(size))
		m.Control = &c[0]
		m.SetControllen(unix.CmsgSpace(2))
		b.conn.segmented.Add(1)
		b.conn.segmentedDatagrams.Add(uint64(end - begin))
	}
	w.count++
}

// sendmmsg never waits, so that the runtime need not know of it (see tellRuntime). A message the kernel refuses is skipped, and those behind one for
// which it has no room now.
func (b *Batch) sendmmsg(fd uintptr) bool {
	w := &b.writer
	for w.from < w.count {
		b.conn.writes.Add(1)
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd, uintptr(unsafe.Pointer(&w.msgs[w.from])), uintptr(w.count-w.from), unix.MSG_DONTWAIT, 0, 0)
		sent := int(n)
		switch {
		case errno == 0:
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN || errno == unix.ENOBUFS:
			b.drop(w.count - w.from)
			return true
		case w.msgs[w.from].Control != nil: // this path or device cannot segment
			b.conn.noSegments.Store(errno == unix.EIO || b.conn.noSegments.Load())
			b.singly(fd, &w.msgs[w.from])
			w.from++
			continue
		default:
			b.drop(1)
			continue
		}
		for i := range sent {
			b.conn.written.Add(uint64(w.msgs[w.from+i].Iovlen)) //nolint:unconvert // 32 bits wide on some machines
		}
		w.from += sent
	}
	return true
}

// drop counts the next n messages as lost.
func (b *Batch) drop(n int) {
	w := &b.writer
	for i := range n {
		b.conn.dropped.Add(uint64(w.msgs[w.from+i].Iovlen)) //nolint:unconvert // as above
	}
	w.from += n
}

// singly sends the datagrams of a message one by one.
func (b *Batch) singly(fd uintptr, m *mmsghdr) {
	iovs := unsafe.Slice(m.Iov, int(m.Iovlen))
	for i := range iovs {
		one := unix.Msghdr{Name: m.Name, Namelen: m.Namelen, Iov: &iovs[i]}
		one.SetIovlen(1)
		b.conn.writes.Add(1)
		if _, _, errno := unix.Syscall(unix.SYS_SENDMSG, fd, uintptr(unsafe.Pointer(&one)), unix.MSG_DONTWAIT); errno != 0 {
			b.conn.dropped.Add(1)
			continue
		}
		b.conn.written.Add(1)
	}
}

// putAddress writes a sockaddr and gives its size.
func putAddress(b *[unix.SizeofSockaddrInet6]byte, a netip.AddrPort, six bool) uint32 {
	*b = [unix.SizeofSockaddrInet6]byte{}
	binary.BigEndian.PutUint16(b[2:], a.Port())
	if !six {
		ip := a.Addr().Unmap()
		if !ip.Is4() { // not of this socket's family: the kernel will say so
			binary.NativeEndian.PutUint16(b[:], unix.AF_INET6)
			return unix.SizeofSockaddrInet6
		}
		binary.NativeEndian.PutUint16(b[:], unix.AF_INET)
		v4 := ip.As4()
		copy(b[4:], v4[:])
		return unix.SizeofSockaddrInet4
	}
	binary.NativeEndian.PutUint16(b[:], unix.AF_INET6)
	ip := a.Addr().As16()
	copy(b[8:], ip[:])
	if zone, err := strconv.Atoi(a.Addr().Zone()); err == nil {
		binary.NativeEndian.PutUint32(b[24:], uint32(zone))
	}
	return unix.SizeofSockaddrInet6
}
