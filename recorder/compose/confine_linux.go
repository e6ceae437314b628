package compose

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"unsafe"
)

// confine lets the process die with ours and gives it a group of its own.
func confine(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

const (
	lowest        = 19      // nice
	whoGroup      = 2       // IOPRIO_WHO_PGRP, PRIO_PGRP is 1
	idleClass     = 3 << 13 // IOPRIO_CLASS_IDLE
	limitAS       = 9       // RLIMIT_AS
	addressSpace  = 6 << 30 // bytes
	firstToBeShot = "1000"  // oom_score_adj
)

// lower makes the process give way to everything else: processor, disk and, where memory ends, its life. It is a courtesy to live
// calls, so that what the system does not allow is left out.
func lower(pid int) {
	_ = syscall.Setpriority(syscall.PRIO_PGRP, pid, lowest)
	_, _, _ = syscall.Syscall(syscall.SYS_IOPRIO_SET, whoGroup, uintptr(pid), idleClass)
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte(firstToBeShot), 0)
	limit := syscall.Rlimit{Cur: addressSpace, Max: addressSpace}
	_, _, _ = syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), limitAS, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
}

// free bytes of the disk under a folder.
func free(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil
}
