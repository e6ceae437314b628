//go:build linux

package udp

import (
	"errors"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestReadsThatFail puts a file in the socket's place, of which no read can succeed: the reader
// must neither give up nor spin, and must end with the socket.
func TestReadsThatFail(t *testing.T) {
	c := listen(t, "127.0.0.1:0", nil)
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	file, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(file) }()
	raw, err := c.conn.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = unix.Dup3(file, int(fd), unix.O_CLOEXEC) }); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	begin, done := time.Now(), make(chan error)
	go func() {
		_, _, err := c.ReadFromAddrPort(make([]byte, 10))
		done <- err
	}()
	for c.Stats().Failed < 3 {
		time.Sleep(time.Millisecond) // the reader tells nobody of a failure
	}
	_ = c.Close()
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if n, most := c.Stats().Failed, uint64(time.Since(begin)/errorPause)+1; n > most {
		t.Errorf("%d failed reads, at most %d were due", n, most)
	}
}
