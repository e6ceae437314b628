package recorder

import (
	"fmt"
	"os"
	"syscall"
)

// room says whether the spool's disk has that many bytes free.
func (s *spool) room(least int64) error {
	if least < 0 {
		return nil
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &st); err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	if free := int64(st.Bavail) * st.Bsize; free < least {
		return fmt.Errorf("%w: %d MiB of %d MiB needed", ErrNoSpace, free>>20, least>>20)
	}
	return nil
}

// syncFile syncs the data and the size, not the times.
type syncFile struct{ *os.File }

func (f syncFile) Sync() error {
	return os.NewSyscallError("fdatasync", syscall.Fdatasync(int(f.Fd())))
}
