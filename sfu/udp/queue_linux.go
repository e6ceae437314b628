package udp

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Words of SO_MEMINFO (linux/sock_diag.h).
const (
	meminfoQueued = 0 // SK_MEMINFO_RMEM_ALLOC
	meminfoLimit  = 1 // SK_MEMINFO_RCVBUF
	meminfoDrops  = 8 // SK_MEMINFO_DROPS
	meminfoWords  = 9
)

// queue asks the kernel what waits.
func (c *Conn) queue(p *Pressure) {
	var words [meminfoWords]uint32
	size := uint32(unsafe.Sizeof(words))
	var errno syscall.Errno
	err := c.in.raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&words)), uintptr(unsafe.Pointer(&size)), 0)
	})
	if err == nil && errno == 0 {
		p.Queued, p.Limit, p.Overflowed = int(words[meminfoQueued]), int(words[meminfoLimit]), uint64(words[meminfoDrops])
	}
}

// enlarge asks for large buffers: beyond the system's limit where this process may (CAP_NET_ADMIN), up to it elsewhere.
func (c *Conn) enlarge(size int) {
	_ = c.conn.SetReadBuffer(size)
	_ = c.conn.SetWriteBuffer(size)
	raw, err := c.conn.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size)
		_ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, size)
	})
}
