package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"

	"showroom/call"
	"showroom/recorder"
	"showroom/recorder/compose"
	"showroom/store/object"
)

// composing is the cursor of the follower that composes recordings.
const composing = "compose"

// composer makes one file of each recording after its call. It is nil where that is off or there is no ffmpeg: the synced watch page is all
// there is then, the cursor stays, and what was missed is made up for when there is one.
type composer struct {
	*compose.Composer
	app  *app
	slot chan struct{} // one a job at once

	mu      sync.Mutex
	running map[string]*job // by conference
}

// job is the composing of one recording.
type job struct {
	seq      uint64 // of the event that began it
	done     chan struct{}
	progress float64 // 0 to 1
}

// openComposer looks for ffmpeg. Its absence is no error.
func (a *app) openComposer() error {
	c := a.cfg.Compose
	if c.Layout == "off" {
		return nil
	}
	made, err := compose.New(context.Background(), compose.Config{
		FFmpeg: c.FFmpeg, Font: c.Font, Dir: filepath.Join(a.cfg.Data, "compose"), Log: a.log, Open: a.openRecorded,
		Options: compose.Options{Layout: compose.Layout(c.Layout), MP4: c.MP4},
	})
	if errors.Is(err, compose.ErrNoFFmpeg) {
		a.log.Warn("recordings are not composed into one file; install ffmpeg, or set --compose-layout off", "err", err)
		return nil
	}
	if err != nil {
		return err
	}
	a.composer = &composer{Composer: made, app: a, slot: make(chan struct{}, c.Jobs), running: map[string]*job{}}
	return nil
}

// openRecorded opens a recording file for the composer: in the spool, or else in the object store.
func (a *app) openRecorded(ctx context.Context, conference string, f recorder.File) (io.ReadCloser, error) {
	local, err := a.recorder.Local(conference, f.Name)
	if !errors.Is(err, fs.ErrNotExist) {
		return local, err
	}
	return a.objects.Open(ctx, recorder.Key(conference, f.Name))
}

// run follows the log until ctx ends, and waits for its jobs.
func (c *composer) run(ctx context.Context) {
	err := c.Sweep(func(conference string) bool {
		kept, err := c.app.store.Conference(ctx, conference)
		return err == nil && kept.CompositionDue()
	})
	if err != nil {
		c.app.log.Error("composing: remains of the last process", "err", err)
	}
	var jobs sync.WaitGroup
	defer jobs.Wait()
	f := &call.Follower{Name: composing, Source: held{c.app.store, c}, Log: c.app.log, Handle: func(ctx context.Context, e call.Event) error {
		return c.handle(ctx, e, &jobs)
	}}
	if err := f.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		c.app.log.Error("composing stopped", "err", err)
	}
}

// held is the log whose cursor stays before the events of jobs that run: after a restart they are seen again.
type held struct {
	call.Source
	c *composer
}

func (h held) SetCursor(ctx context.Context, name string, seq uint64) error {
	h.c.mu.Lock()
	for _, j := range h.c.running {
		seq = min(seq, j.seq-1)
	}
	h.c.mu.Unlock()
	return h.Source.SetCursor(ctx, name, seq)
}

// handle begins a job if the event makes composing due. It waits for a free slot, so that the queue is the log.
func (c *composer) handle(ctx context.Context, e call.Event, jobs *sync.WaitGroup) error {
	switch e.Body.(type) {
	case call.Finished, call.RecordingFinished, call.RecordingFailed, call.CompositionRequested:
	default:
		return nil
	}
	conf, err := c.app.store.Conference(ctx, e.Stream)
	if err != nil || !conf.CompositionDue() {
		return err
	}
	if err := c.wait(ctx, e.Stream); err != nil {
		return err
	}
	j := &job{seq: e.Seq, done: make(chan struct{})}
	c.mu.Lock()
	c.running[e.Stream] = j
	c.mu.Unlock()
	jobs.Go(func() {
		defer c.end(e.Stream, j)
		retry := &call.Follower{Name: composing, Log: c.app.log}
		_ = retry.Insist(ctx, "compose "+e.Stream, func() error { return c.compose(ctx, e.Stream) }) // only ctx ends it
	})
	return nil
}

// wait takes a slot when no other job of the conference runs.
func (c *composer) wait(ctx context.Context, conference string) error {
	c.mu.Lock()
	j := c.running[conference]
	c.mu.Unlock()
	if j != nil {
		select {
		case <-j.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	select {
	case c.slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *composer) end(conference string, j *job) {
	c.mu.Lock()
	delete(c.running, conference)
	c.mu.Unlock()
	close(j.done)
	<-c.slot
}

// Busy says whether a conference's job runs.
func (c *composer) Busy(conference string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running[conference] != nil
}

// Progress of a conference's job, 0 to 1; 0 while there is none.
func (c *composer) Progress(conference string) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j := c.running[conference]; j != nil {
		return j.progress
	}
	return 0
}

func (c *composer) tell(conference string, done float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if j := c.running[conference]; j != nil {
		j.progress = done
	}
}

// compose makes what is due of a conference. What fails for good is in the log afterwards; an error may pass.
func (c *composer) compose(ctx context.Context, id string) error {
	for { // again if another recording file came meanwhile
		before, err := c.app.store.Case(ctx, id)
		if err != nil || !before.Conference.CompositionDue() {
			return err
		}
		rec := c.recording(ctx, before)
		plan, err := c.Plan(rec)
		if err != nil {
			return c.fail(ctx, id, err)
		}
		after, _, err := c.app.store.Apply(ctx, id, call.StartComposition(plan.Products))
		if err != nil {
			return err
		}
		missing := after.Conference.Composition.Missing()
		if after.Conference.Composition.State != call.CompositionComposing {
			return nil // given up, or nothing is missing
		}
		err = c.Compose(ctx, compose.Job{
			Recording: rec, Wanted: func(name string) bool { return slices.Contains(missing, name) },
			Deliver:  func(ctx context.Context, d call.Derived, f io.ReadSeeker) error { return c.deliver(ctx, id, d, f) },
			Progress: func(done float64) { c.tell(id, done) },
		})
		switch {
		case ctx.Err() != nil, errors.Is(err, object.ErrUnavailable), errors.Is(err, call.ErrStorageFull):
			return errors.Join(ctx.Err(), err)
		case errors.Is(err, call.ErrNotWanted):
			continue
		case err != nil:
			return c.fail(ctx, id, err)
		}
		c.app.log.Info("recording composed", "call", id, "length", plan.Length, "files", len(rec.Files))
	}
}

func (c *composer) fail(ctx context.Context, id string, why error) error {
	c.app.log.Error("composing failed", "call", id, "err", why)
	_, _, err := c.app.store.Apply(ctx, id, call.FailComposition(why.Error()))
	return err
}

// deliver brings a derived file into the object store and then into the log.
func (c *composer) deliver(ctx context.Context, id string, d call.Derived, f io.ReadSeeker) error {
	key := call.ObjectKey(id, d.Name)
	if _, err := c.app.objects.Put(ctx, key, f, d.Size, d.MediaType, d.SHA256); err != nil {
		return err
	}
	_, _, err := c.app.store.Apply(ctx, id, call.AddDerived(d))
	if errors.Is(err, call.ErrNotWanted) {
		return errors.Join(err, c.app.objects.Delete(ctx, key))
	}
	return err
}

// recording is what the log has of a conference's files, with all that the manifest knows of them.
func (c *composer) recording(ctx context.Context, is call.Case) compose.Recording {
	known := map[string]recorder.File{}
	m, err := c.app.manifest(ctx, is.Conference.ID)
	if err != nil {
		c.app.log.Warn("composing without the manifest", "call", is.Conference.ID, "err", err)
	}
	for _, f := range m.Files {
		known[f.Name] = f
	}
	rec := compose.Recording{Conference: is.Conference.ID, Names: map[string]string{}}
	for _, f := range is.Conference.Playable() {
		file := recorder.File{Name: f.Name, Participant: f.Participant, Role: string(f.Role), Source: f.Source, Codecs: f.Codecs,
			Offset: f.OffsetMS, Duration: f.DurationMS, Size: f.Size, SHA256: f.SHA256}
		for _, g := range f.Gaps {
			file.Gaps = append(file.Gaps, recorder.Gap{Source: g.Track, Start: g.StartMS, End: g.EndMS, Reason: g.Reason})
		}
		if whole, ok := known[f.Name]; ok && whole.SHA256 == f.SHA256 {
			file.Gaps = whole.Gaps
		}
		rec.Files, rec.Names[f.Participant] = append(rec.Files, file), is.NameOf(f.Participant)
	}
	return rec
}

// manifest of a conference, from the spool or the object store.
func (a *app) manifest(ctx context.Context, conference string) (recorder.Manifest, error) {
	m, err := a.recorder.Manifest(conference)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	src, err := a.objects.Open(ctx, recorder.ManifestKey(conference))
	if err != nil {
		return m, fmt.Errorf("manifest of %s: %w", conference, err)
	}
	defer src.Close()
	if err := json.NewDecoder(src).Decode(&m); err != nil {
		return m, fmt.Errorf("manifest of %s: %w", conference, err)
	}
	return m, nil
}

func (a *app) manifestText(ctx context.Context, conference string) ([]byte, error) {
	m, err := a.manifest(ctx, conference)
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(m, "", "  ")
}
