package compose

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"showroom/call"
	"showroom/recorder"
	"showroom/store/object"
)

// Config of a Composer.
type Config struct {
	FFmpeg  string // name or path
	Font    string // TrueType file for names; empty: one of the usual places
	Dir     string // scratch, one folder a conference; nothing else may be in it
	Options        // Names and Threads are set by New
	// Open opens a recorded file, wherever it is. object.ErrNotFound says that it is nowhere.
	Open func(ctx context.Context, conference string, f recorder.File) (io.ReadCloser, error)
	Log  *slog.Logger
}

// Composer composes recordings. It may be used from many goroutines, for different conferences.
type Composer struct {
	cfg  Config
	tool tool
}

// fonts are where distributions have one with Latin letters.
var fonts = []string{
	"/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/TTF/DejaVuSans.ttf", "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
	"/usr/share/fonts/dejavu/DejaVuSans.ttf", "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf", "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
	"/usr/share/fonts/truetype/freefont/FreeSans.ttf", "/Library/Fonts/Arial.ttf",
}

// New looks for ffmpeg: ErrNoFFmpeg if there is none that will do. Without a font, or a drawtext filter, names are left out.
func New(ctx context.Context, cfg Config) (*Composer, error) {
	t, err := find(ctx, cfg.FFmpeg)
	if err != nil {
		return nil, err
	}
	if cfg.MP4 && !t.mp4 {
		return nil, fmt.Errorf("%w: %s has no encoder libx264, which MP4 needs", ErrNoFFmpeg, t.path)
	}
	if cfg.Font == "" {
		if i := slices.IndexFunc(fonts, isFile); i >= 0 {
			cfg.Font = fonts[i]
		}
	} else if !isFile(cfg.Font) {
		return nil, fmt.Errorf("font %s: %w", cfg.Font, os.ErrNotExist)
	}
	cfg.Names, cfg.Threads = t.text && cfg.Font != "", min(4, runtime.NumCPU())
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make scratch folder: %w", err)
	}
	cfg.Log.Info("composing recordings", "ffmpeg", t.version, "layout", cfg.Layout, "mp4", cfg.MP4, "names", cfg.Names)
	return &Composer{cfg: cfg, tool: t}, nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// Sweep removes what is in the scratch folder and not to be kept.
func (c *Composer) Sweep(keep func(conference string) bool) error {
	entries, err := os.ReadDir(c.cfg.Dir)
	if err != nil {
		return fmt.Errorf("sweep scratch folder: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if !keep(e.Name()) {
			errs = append(errs, os.RemoveAll(filepath.Join(c.cfg.Dir, e.Name())))
		}
	}
	return errors.Join(errs...)
}

// Plan is what would be done for a recording if all its files can be read.
func (c *Composer) Plan(rec Recording) (Plan, error) { return NewPlan(rec, c.cfg.Options) }

// Job is one recording to compose.
type Job struct {
	Recording
	// Wanted says whether a derived file is still to be delivered.
	Wanted func(name string) bool
	// Deliver keeps a derived file, whose size and checksum are those of f. It is called when the file is ready.
	Deliver func(ctx context.Context, d call.Derived, f io.ReadSeeker) error
	// Progress is told how far it is, 0 to 1.
	Progress func(done float64)
}

// Compose carries a job out. When ctx ends, what is whole stays in the scratch folder and the next Compose of the same files goes on
// with it; in every other case the folder is empty afterwards. An error that wraps object.ErrUnavailable may pass.
func (c *Composer) Compose(ctx context.Context, j Job) error {
	if !validID(j.Conference) {
		return fmt.Errorf("compose %q: %w", j.Conference, recorder.ErrName)
	}
	w := &work{c: c, job: j, dir: filepath.Join(c.cfg.Dir, j.Conference)}
	err := w.do(ctx)
	if ctx.Err() == nil && !errors.Is(err, object.ErrUnavailable) {
		err = errors.Join(err, os.RemoveAll(w.dir))
	}
	if err != nil {
		return fmt.Errorf("compose %s: %w", j.Conference, err)
	}
	return nil
}

func validID(id string) bool {
	return id != "" && len(id) <= 64 && !slices.ContainsFunc([]byte(id), func(c byte) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_'
	})
}

// planVersion changes when the same files would be composed in another way.
const planVersion = 1

// digest identifies a job's work, so that what is in the scratch folder is used for nothing else.
func (c *Composer) digest(rec Recording) string {
	b, err := json.Marshal([]any{planVersion, c.cfg.Layout, c.cfg.Names, c.cfg.Font, c.tool.version, rec})
	if err != nil {
		panic(err) // strings and numbers
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
