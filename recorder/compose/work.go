package compose

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"showroom/call"
	"showroom/recorder"
	"showroom/store/object"
)

const (
	digestName = "digest"
	spareSpace = 256 << 20 // bytes that stay free on the disk
	fetchShare = 0.1       // of the whole, for progress
)

// work is one job under way.
type work struct {
	c       *Composer
	job     Job
	dir     string
	leftOut []string
	total   float64
	done    float64
}

func (w *work) do(ctx context.Context) error {
	w.total = 2
	if p, err := w.c.Plan(w.job.Recording); err == nil {
		w.total = fetchShare
		for _, s := range p.steps {
			w.total += s.weight
		}
	}
	if err := w.prepare(w.c.digest(w.job.Recording)); err != nil {
		return err
	}
	if err := w.fetch(ctx); err != nil {
		return err
	}
	p, err := w.c.Plan(w.job.Recording)
	if err != nil {
		return err
	}
	if err := w.write(p); err != nil {
		return err
	}
	for _, s := range p.steps {
		if err := w.step(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		for _, d := range s.product {
			if d.Kind == call.DerivedVideo || d.Kind == call.DerivedAudio {
				d.LeftOut, d.OffsetMS = w.leftOut, p.Offset.Milliseconds()
			}
			if err := w.deliver(ctx, d); err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
		}
	}
	return nil
}

// prepare makes the scratch folder, empty unless it is of the same work.
func (w *work) prepare(digest string) error {
	if old, err := os.ReadFile(filepath.Join(w.dir, digestName)); err != nil || string(old) != digest {
		if err := os.RemoveAll(w.dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.dir, digestName), []byte(digest), 0o600)
}

// write puts the small files beside: names, lists, and the font under a name that needs no quoting.
func (w *work) write(p Plan) error {
	for name, text := range p.texts {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if w.c.cfg.Font == "" {
		return nil
	}
	font, err := filepath.Abs(w.c.cfg.Font)
	if err != nil {
		return err
	}
	if err := os.Symlink(font, filepath.Join(w.dir, fontName)); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func (w *work) tell(more float64) {
	if w.job.Progress != nil {
		w.job.Progress(min(1, (w.done+more)/w.total))
	}
}

// fetch brings the files beside, and leaves out those that are lost or that ffmpeg cannot open.
func (w *work) fetch(ctx context.Context) error {
	var bytes, got int64
	for _, f := range w.job.Files {
		bytes += f.Size
	}
	room, err := free(w.dir)
	if err != nil {
		return err
	}
	if need := 2*bytes + spareSpace; room < need { // what is made of them is not larger than they are
		return fmt.Errorf("%w: %d MiB of %d MiB needed", ErrNoSpace, room>>20, need>>20)
	}
	var whole []recorder.File
	for _, f := range w.job.Files {
		name := inputName(len(whole), f)
		err := w.copy(ctx, f, name)
		if err == nil {
			err = w.c.tool.run(ctx, w.dir, append(input(name), "-map", "0", "-c", "copy", "-t", "1", "-f", "null", "-"), 0, func(time.Duration) {})
		}
		switch {
		case err == nil:
			whole = append(whole, f)
		case ctx.Err() == nil && (errors.Is(err, object.ErrNotFound) || errors.Is(err, object.ErrChecksum) || errors.Is(err, ErrFFmpeg)):
			w.c.cfg.Log.Warn("recording is left out of the composition", "call", w.job.Conference, "file", f.Name, "err", err)
			w.leftOut = append(w.leftOut, f.Name)
			if err := os.RemoveAll(filepath.Join(w.dir, name)); err != nil {
				return err
			}
		default:
			return fmt.Errorf("read %s: %w", f.Name, err)
		}
		got += f.Size
		w.tell(fetchShare * float64(got) / float64(max(1, bytes)))
	}
	w.done += fetchShare
	w.job.Files = whole
	return nil
}

// copy brings one file beside, checked.
func (w *work) copy(ctx context.Context, f recorder.File, name string) error {
	path := filepath.Join(w.dir, name)
	if info, err := os.Stat(path); err == nil && info.Size() == f.Size {
		return nil // renamed only when it was whole
	}
	src, err := w.c.cfg.Open(ctx, w.job.Conference, f)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(filepath.Join(w.dir, unfinished(name)), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(dst, sum), &untilDone{ctx, src})
	if err := errors.Join(err, dst.Close()); err != nil {
		return spaceError(err)
	}
	if n != f.Size || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%w: %d bytes instead of %d", object.ErrChecksum, n, f.Size)
	}
	return os.Rename(dst.Name(), path)
}

// untilDone reads until ctx ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u *untilDone) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}

func spaceError(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	return err
}

// step runs ffmpeg, unless what it makes is there.
func (w *work) step(ctx context.Context, s step) error {
	made := true
	for _, name := range s.outputs {
		_, err := os.Stat(filepath.Join(w.dir, name))
		made = made && err == nil
	}
	if !made {
		err := w.c.tool.run(ctx, w.dir, s.args, s.length, func(at time.Duration) {
			if s.length > 0 {
				w.tell(s.weight * min(1, at.Seconds()/s.length.Seconds()))
			}
		})
		if err != nil {
			if room, ferr := free(w.dir); ferr == nil && room < spareSpace/16 && strings.Contains(err.Error(), "No space left") {
				return fmt.Errorf("%w: %w", ErrNoSpace, err)
			}
			return err
		}
		for _, name := range s.outputs {
			if err := w.finish(name); err != nil {
				return err
			}
		}
	}
	w.done += s.weight
	w.tell(0)
	return nil
}

// finish gives a whole output its name.
func (w *work) finish(name string) error {
	path := filepath.Join(w.dir, unfinished(name))
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		return fmt.Errorf("%w: it wrote nothing into %s", ErrFFmpeg, name)
	}
	return os.Rename(path, filepath.Join(w.dir, name))
}

func (w *work) deliver(ctx context.Context, d call.Derived) error {
	if w.job.Wanted != nil && !w.job.Wanted(d.Name) {
		return nil
	}
	f, err := os.Open(filepath.Join(w.dir, d.Name))
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if d.Size, err = io.Copy(sum, &untilDone{ctx, f}); err != nil {
		return err
	}
	d.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return w.job.Deliver(ctx, d, f)
}
