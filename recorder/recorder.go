// Package recorder writes the media of a conference to WebM files while the
// call runs: a sink a published track, one file a participant session, audio
// and video on one clock.
//
// Each Session owns one goroutine, started by Conference.Session; it does all
// the work behind the tracks' bounded queues and ends when the session is
// closed. Conference.Close and Recorder.Close close what is open and wait.
//
// Lock order: Recorder.mu, Conference.save, Conference.mu, then a session's or
// a queue's mutex. Callbacks of Events and TrackInfo run on a session's
// goroutine with no lock held.
package recorder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"showroom/recorder/webm"
)

var (
	// ErrClosed: the recorder, conference or session is closed.
	ErrClosed = errors.New("closed")
	// ErrName: an id is not 1 to 64 of a-z, 0-9 and underscore.
	ErrName = errors.New("id must be 1 to 64 of a-z, 0-9 and _")
	// ErrCodec: the codec cannot be recorded.
	ErrCodec = errors.New("codec cannot be recorded")
	// ErrTooMany: a limit of the configuration is reached.
	ErrTooMany = errors.New("too many")
	// ErrNoSpace: the spool's disk has less free space than Config.MinFree.
	ErrNoSpace = errors.New("not enough free space in the spool")
	// ErrOpen: the conference is being recorded already, so it cannot be opened or repaired now.
	ErrOpen = errors.New("conference is open")
)

// Config of a Recorder. Zero values take the defaults named.
type Config struct {
	Dir          string           // the spool: files live here until they are uploaded
	Log          *slog.Logger     // slog.Default
	Now          func() time.Time // time.Now; must carry the monotonic clock
	QueuePackets int              // a track, 2048
	QueueBytes   int              // a track, 3 MiB
	MinFree      int64            // bytes that must be free to start a file, 64 MiB, and a quarter of it to go on; negative: not checked
	MaxSessions  int              // open at once in a conference, 64
	MaxTracks    int              // sources in a session, 4
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.QueuePackets <= 0 {
		c.QueuePackets = 2048
	}
	if c.QueueBytes <= 0 {
		c.QueueBytes = 3 << 20
	}
	if c.MinFree == 0 {
		c.MinFree = 64 << 20
	}
	if c.MaxSessions <= 0 {
		c.MaxSessions = 64
	}
	if c.MaxTracks <= 0 {
		c.MaxTracks = 4
	}
	return c
}

// Recorder records conferences into one spool folder.
type Recorder struct {
	cfg   Config
	spool *spool
	// wrap stands between a file and its writer; tests make it fail.
	wrap func(webm.File) webm.File

	mu     sync.Mutex
	open   map[string]*Conference
	closed bool
}

// New opens the spool, making its folder if need be.
func New(cfg Config) (*Recorder, error) {
	cfg = cfg.withDefaults()
	if cfg.Dir == "" {
		return nil, errors.New("recorder: no spool folder given")
	}
	if err := os.MkdirAll(cfg.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("make spool: %w", err)
	}
	sp, err := openSpool(cfg.Dir)
	if err != nil {
		return nil, err
	}
	return &Recorder{cfg: cfg, spool: sp, open: make(map[string]*Conference)}, nil
}

// Events of a conference's recording. Each func may be nil. They are called
// from the recorder's goroutines with no lock held.
type Events struct {
	Started  func(File) // the file's first frame is there; its name stays
	Finished func(File) // the file is whole, synced and under its name
	// Failed says that recording a session stopped before its time, or that
	// its file is not all it should be. A File with a Size is a valid one, in
	// the manifest and to be uploaded; with none nothing was kept, and if no
	// file had been started its Name is the one it would have had.
	Failed func(File, error)
}

// Conference opens the recording of a conference, or goes on with one that
// this spool knows already: numbers and the time line continue.
func (r *Recorder) Conference(id string, ev Events) (*Conference, error) {
	if !validID(id) {
		return nil, fmt.Errorf("record conference %q: %w", id, ErrName)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, fmt.Errorf("record conference %s: recorder: %w", id, ErrClosed)
	}
	if r.open[id] != nil {
		return nil, fmt.Errorf("record conference %s: %w", id, ErrOpen)
	}
	c, err := newConference(r, id, ev)
	if err != nil {
		return nil, fmt.Errorf("record conference %s: %w", id, err)
	}
	r.open[id] = c
	return c, nil
}

// Close closes every open conference and waits for their files, at most until
// ctx ends; what is unfinished then is repaired at the next start.
func (r *Recorder) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	open := make([]*Conference, 0, len(r.open))
	for _, c := range r.open {
		open = append(open, c)
	}
	r.mu.Unlock()
	for _, c := range open {
		c.closeSessions()
	}
	var errs []error
	for _, c := range open {
		if _, err := c.Close(ctx); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, r.spool.close())...) // what still runs has folders of its own
}

func (r *Recorder) forget(c *Conference) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open[c.id] == c {
		delete(r.open, c.id)
	}
}
