package compose

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// tool is an ffmpeg that was found.
type tool struct {
	path    string
	version string
	text    bool // it can draw text
	mp4     bool // it can encode H.264
}

const lookTimeout = 20 * time.Second

// find looks for an ffmpeg and for what it can do.
func find(ctx context.Context, name string) (tool, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return tool{}, fmt.Errorf("%w: %w", ErrNoFFmpeg, err)
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	t := tool{path: path}
	said := map[string]string{}
	for _, list := range []string{"-version", "-encoders", "-filters"} {
		out, err := exec.CommandContext(ctx, path, "-hide_banner", list).Output()
		if err != nil {
			return t, fmt.Errorf("%w: %s %s: %w", ErrNoFFmpeg, path, list, err)
		}
		said[list] = string(out)
	}
	t.version, _, _ = strings.Cut(strings.TrimPrefix(said["-version"], "ffmpeg version "), " ")
	for _, encoder := range []string{" libvpx-vp9 ", " libopus ", " aac ", " mjpeg "} {
		if !strings.Contains(said["-encoders"], encoder) {
			return t, fmt.Errorf("%w: %s has no encoder%s", ErrNoFFmpeg, path, encoder)
		}
	}
	t.text = strings.Contains(said["-filters"], " drawtext ")
	t.mp4 = strings.Contains(said["-encoders"], " libx264 ")
	return t, nil
}

const (
	shortest = 5 * time.Minute // time limit of a run, however short what it makes
	slowest  = 20              // times the length of what it makes, beyond that
	maxTail  = 600             // bytes of what ffmpeg says that are kept
	maxAlloc = "268435456"     // bytes of one allocation of ffmpeg's
)

// run runs ffmpeg in a folder and tells how far it is on the time line. It is killed when ctx ends or the limit is over, and with the
// process that started it.
func (t tool) run(ctx context.Context, dir string, args []string, length time.Duration, progress func(time.Duration)) error {
	runtime.LockOSThread() // its death is tied to this thread's
	defer runtime.UnlockOSThread()
	ctx, cancel := context.WithTimeout(ctx, shortest+slowest*length)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.path, append([]string{"-hide_banner", "-nostdin", "-v", "error", "-nostats", "-y", "-max_alloc", maxAlloc, "-filter_complex_threads", "1",
		"-progress", "pipe:1"}, args...)...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = dir, []string{"LC_ALL=C.UTF-8", "AV_LOG_FORCE_NOCOLOR=1"}, 5*time.Second
	said := &tail{}
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	confine(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: %w", ErrFFmpeg, err)
	}
	lower(cmd.Process.Pid)
	follow(out, progress)
	err = cmd.Wait()
	switch {
	case err == nil:
		return nil
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%w: it took longer than %v", ErrFFmpeg, shortest+slowest*length)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w: %s", ErrFFmpeg, err, said)
}

// follow reads what -progress writes, to its end.
func follow(r io.Reader, progress func(time.Duration)) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if us, ok := strings.CutPrefix(lines.Text(), "out_time_us="); ok {
			if n, err := strconv.ParseInt(us, 10, 64); err == nil && n > 0 {
				progress(time.Duration(n) * time.Microsecond)
			}
		}
	}
	_, _ = io.Copy(io.Discard, r) // a line that is too long must not stop it
}

// tail keeps the end of what is written.
type tail struct{ text []byte }

func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	if over := len(t.text) - maxTail; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(b), nil
}

// String is it on one line.
func (t *tail) String() string {
	return strings.ToValidUTF8(string(bytes.Join(bytes.Fields(t.text), []byte(" "))), "")
}
