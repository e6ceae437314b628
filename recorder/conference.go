package recorder

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Conference is the recording of one conference: sessions on a common time line.
type Conference struct {
	id     string
	rec    *Recorder
	ev     Events
	log    *slog.Logger
	dir    *folder
	origin time.Time // zero of the time line on our monotonic clock
	wg     sync.WaitGroup

	save sync.Mutex // one writer of the manifest at a time

	mu       sync.Mutex
	manifest Manifest
	number   map[string]int // participant → last number given
	sessions map[*Session]struct{}
	segments map[string]*segment // being written, by name
	closed   bool
}

func newConference(r *Recorder, id string, ev Events) (*Conference, error) {
	dir, err := r.spool.folder(id, true)
	if err != nil {
		return nil, err
	}
	c := &Conference{
		id: id, rec: r, ev: ev, dir: dir, log: r.cfg.Log.With("call", id),
		number: make(map[string]int), sessions: make(map[*Session]struct{}), segments: make(map[string]*segment),
	}
	if err := c.load(r.cfg.Now()); err != nil {
		return nil, errors.Join(err, dir.close())
	}
	return c, nil
}

// load takes up what the spool knows of the conference.
func (c *Conference) load(now time.Time) error {
	m, err := readManifest(c.dir)
	if err != nil {
		return err
	}
	if m.Origin.IsZero() {
		m = Manifest{Version: ManifestVersion, Conference: c.id, Origin: now.UTC().Truncate(time.Millisecond)}
		if err := writeManifest(c.dir, m); err != nil {
			return err
		}
	}
	// Across restarts only the wall clock is left. If it was set back, the
	// time line goes on after what there is.
	elapsed := now.Sub(m.Origin)
	for _, f := range m.Files {
		elapsed = max(elapsed, time.Duration(f.Offset+f.Duration)*time.Millisecond)
	}
	c.origin, c.manifest = now.Add(-max(elapsed, 0)), m
	names, err := c.dir.names()
	if err != nil {
		return err
	}
	for _, f := range m.Files {
		names = append(names, f.Name)
	}
	for _, name := range names {
		if participant, n, ok := parseName(name); ok {
			c.number[participant] = max(c.number[participant], n)
		}
	}
	return nil
}

// Participant is whose media a session records. Both are ids, never a user's text.
type Participant struct{ ID, Role string }

// Session starts recording one join of a participant, or one screen share. It
// makes a file as soon as there is a frame to write.
func (c *Conference) Session(p Participant) (*Session, error) {
	if !validID(p.ID) || p.Role != "" && !validID(p.Role) {
		return nil, fmt.Errorf("record participant %q as %q: %w", p.ID, p.Role, ErrName)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("record participant %s: conference: %w", p.ID, ErrClosed)
	}
	if len(c.sessions) >= c.rec.cfg.MaxSessions {
		return nil, fmt.Errorf("record participant %s: %w: %d sessions are open", p.ID, ErrTooMany, len(c.sessions))
	}
	s := newSession(c, p)
	c.sessions[s] = struct{}{}
	c.wg.Go(s.run)
	return s, nil
}

// Manifest as it stands: the files that are finished.
func (c *Conference) Manifest() Manifest {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.manifest
	m.Files = slices.Clone(m.Files)
	return m
}

// Close ends all sessions, waits for their files, at most until ctx ends, and
// returns the manifest.
func (c *Conference) Close(ctx context.Context) (Manifest, error) {
	c.closeSessions()
	done := make(chan struct{})
	go func() { // ends with the sessions, which closeSessions has told to
		c.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		return c.Manifest(), fmt.Errorf("close recording of %s: %w", c.id, context.Cause(ctx))
	}
	c.mu.Lock()
	again := c.dir == nil
	c.mu.Unlock()
	if again {
		return c.Manifest(), nil
	}
	err := c.saveManifest()
	c.mu.Lock()
	dir := c.dir
	c.dir = nil
	c.mu.Unlock()
	if dir != nil {
		err = errors.Join(err, dir.close())
	}
	c.rec.forget(c)
	if err != nil {
		err = fmt.Errorf("close recording of %s: %w", c.id, err)
	}
	return c.Manifest(), err
}

func (c *Conference) closeSessions() {
	c.mu.Lock()
	c.closed = true
	open := make([]*Session, 0, len(c.sessions))
	for s := range c.sessions {
		open = append(open, s)
	}
	c.mu.Unlock()
	for _, s := range open {
		s.Close()
	}
}

// nextNumber for a participant's file.
func (c *Conference) nextNumber(participant string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number[participant]++
	return c.number[participant]
}

func (c *Conference) remove(s *Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, s)
}

// writing says that a file is being written, or no longer.
func (c *Conference) writing(g *segment, is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if is {
		c.segments[g.file.Name] = g
	} else {
		delete(c.segments, g.file.Name)
	}
}

// add puts a finished file into the manifest and saves it.
func (c *Conference) add(f File) error {
	c.mu.Lock()
	c.manifest.put(f)
	c.mu.Unlock()
	return c.saveManifest()
}

func (c *Conference) saveManifest() error {
	c.save.Lock()
	defer c.save.Unlock()
	return writeManifest(c.dir, c.Manifest())
}
