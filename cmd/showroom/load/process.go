package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// process is a process of this machine, seen through /proc. All its figures include all its threads.
type process struct {
	pid  int
	root string // /proc
	tick time.Duration
	page int64
}

func newProcess(root string, pid int) *process {
	return &process{pid: pid, root: root, tick: clockTick(root), page: int64(os.Getpagesize())}
}

// cpu is the processor time used since the process began, in user and kernel mode.
func (p *process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(p.root, strconv.Itoa(p.pid), "stat"))
	if err != nil {
		return 0, p.gone(err)
	}
	ticks, err := parseStat(string(text))
	if err != nil {
		return 0, fmt.Errorf("processor time of process %d: %w", p.pid, err)
	}
	return time.Duration(ticks) * p.tick, nil
}

// parseStat adds utime and stime, fields 14 and 15 of /proc/PID/stat (proc_pid_stat(5)). Field 2, the name, is in
// parentheses and may itself have some, and spaces.
func parseStat(text string) (uint64, error) {
	end := strings.LastIndexByte(text, ')')
	if end < 0 {
		return 0, fmt.Errorf("no process name in %q", text)
	}
	fields := strings.Fields(text[end+1:])
	const utime, stime = 14 - 3, 15 - 3 // field 3 is the first after the name
	if len(fields) <= stime {
		return 0, fmt.Errorf("%d fields after the name, want at least %d", len(fields), stime+1)
	}
	user, err := strconv.ParseUint(fields[utime], 10, 63)
	if err != nil {
		return 0, fmt.Errorf("utime: %w", err)
	}
	system, err := strconv.ParseUint(fields[stime], 10, 63)
	if err != nil {
		return 0, fmt.Errorf("stime: %w", err)
	}
	return user + system, nil
}

// memory of a process, bytes.
type memory struct{ resident, anonymous int64 }

func (p *process) memory() (m memory, err error) {
	if m.resident, err = p.resident(); err != nil {
		return m, err
	}
	m.anonymous, err = p.anonymous()
	return m, err
}

// resident is the physical memory in use, bytes.
func (p *process) resident() (int64, error) {
	text, err := os.ReadFile(filepath.Join(p.root, strconv.Itoa(p.pid), "statm"))
	if err != nil {
		return 0, p.gone(err)
	}
	pages, err := parseStatm(string(text))
	if err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", p.pid, err)
	}
	return pages * p.page, nil
}

// anonymous is the physical memory in use that is not of files, bytes.
func (p *process) anonymous() (int64, error) {
	text, err := os.ReadFile(filepath.Join(p.root, strconv.Itoa(p.pid), "status"))
	if err != nil {
		return 0, p.gone(err)
	}
	fields := strings.Fields(statusLine(string(text), "RssAnon"))
	if len(fields) != 2 || fields[1] != "kB" {
		return 0, fmt.Errorf("memory of process %d: no RssAnon", p.pid)
	}
	kib, err := strconv.ParseInt(fields[0], 10, 48)
	if err != nil || kib < 0 {
		return 0, fmt.Errorf("memory of process %d: %q is no number", p.pid, fields[0])
	}
	return kib << 10, nil
}

// statusLine is the value of a line of /proc/PID/status (proc_pid_status(5)); empty: there is none.
func statusLine(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// files is the number of open file descriptors.
func (p *process) files() (int, error) {
	all, err := os.ReadDir(filepath.Join(p.root, strconv.Itoa(p.pid), "fd"))
	if err != nil {
		return 0, p.gone(err)
	}
	return len(all), nil
}

// cores is how many the process may use, as taskset(1) and the like left it.
func (p *process) cores() int {
	text, err := os.ReadFile(filepath.Join(p.root, strconv.Itoa(p.pid), "status"))
	if err != nil {
		return runtime.NumCPU()
	}
	if n := cpuList(statusLine(string(text), "Cpus_allowed_list")); n > 0 {
		return n
	}
	return runtime.NumCPU()
}

// cpuList counts those of a list such as 0-3,8; 0 if it is none.
func cpuList(text string) (n int) {
	for part := range strings.SplitSeq(text, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, err1 := strconv.ParseUint(from, 10, 16)
		last, err2 := strconv.ParseUint(to, 10, 16)
		if err1 != nil || err2 != nil || last < first {
			return 0
		}
		n += int(last - first + 1)
	}
	return n
}

// parseStatm takes the second field of /proc/PID/statm, resident pages.
func parseStatm(text string) (int64, error) {
	fields := strings.Fields(text)
	if len(fields) < 2 {
		return 0, fmt.Errorf("no second field in %q", text)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 48)
	if err != nil || pages < 0 {
		return 0, fmt.Errorf("%q is no number of pages", fields[1])
	}
	return pages, nil
}

func (p *process) gone(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no process %d", p.pid)
	}
	return fmt.Errorf("process %d: %w", p.pid, err)
}

// clockTick is the unit of /proc/PID/stat: 10 ms nearly everywhere; the auxiliary vector says so (getauxval(3)).
func clockTick(root string) time.Duration {
	const atClockTick, usual = 17, 100
	vector, _ := os.ReadFile(filepath.Join(root, "self", "auxv")) // unreadable: the usual
	const word = strconv.IntSize / 8
	for ; len(vector) >= 2*word; vector = vector[2*word:] {
		if nativeWord(vector) == atClockTick {
			if hz := nativeWord(vector[word:]); hz > 0 && hz <= 1_000_000 {
				return time.Second / time.Duration(hz)
			}
		}
	}
	return time.Second / usual
}

func nativeWord(b []byte) uint64 {
	if strconv.IntSize == 32 {
		return uint64(binary.NativeEndian.Uint32(b))
	}
	return binary.NativeEndian.Uint64(b)
}
