package player

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"showroom/call"
	"showroom/recorder"
	"showroom/sfu"
)

// Log keeps what becomes of recordings.
type Log interface {
	Apply(ctx context.Context, conference string, rule call.Rule) (call.Case, []call.Event, error)
}

// Native hosts calls on this process's media plane.
type Native struct {
	media    *sfu.Server
	recorder *recorder.Recorder
	log      Log
	slog     *slog.Logger

	ctx    context.Context // ends when Close gives up
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// NewNative hosts calls on media and records them with rec.
func NewNative(media *sfu.Server, rec *recorder.Recorder, log Log, logger *slog.Logger) *Native {
	ctx, cancel := context.WithCancel(context.Background())
	return &Native{media: media, recorder: rec, log: log, slog: logger, ctx: ctx, cancel: cancel}
}

// Close waits until everything that happened to recordings is in the log, at most until ctx ends. What is missing then is found
// in the spool at the next start.
func (n *Native) Close(ctx context.Context) error {
	done := make(chan struct{})
	go func() { // ends with the reports, which cancel ends
		n.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		n.cancel()
		<-done
		return fmt.Errorf("close player: %w", context.Cause(ctx))
	}
	n.cancel()
	return nil
}

// Open opens the media room of a conference.
func (n *Native) Open(c call.Conference) (*Room, error) {
	r := &Room{native: n, id: c.ID, log: n.slog.With("call", c.ID), allowed: map[string]bool{}, roles: map[string]call.Role{},
		tracks: map[*sfu.Track]func(){}, sessions: map[sessionKey]*session{}}
	if c.Recording == call.RecordingOn { // a call goes on without its recording
		r.recording, r.unrecorded = n.recorder.Conference(c.ID, recorder.Events{Started: r.started, Finished: r.finished, Failed: r.failed})
	}
	room, err := n.media.Open(c.ID, sfu.RoomEvents{Published: r.published, Unpublished: r.unpublished})
	if err != nil {
		r.closeRecording()
		return nil, fmt.Errorf("open room: %w", err)
	}
	r.room = room
	return r, nil
}

const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 5 * time.Second // soon after a full disk has space again
)

// report appends to the log what happened to a file, trying until it is taken, refused for good, or the player is closed. It does not wait.
func (n *Native) report(conference string, rule call.Rule) {
	n.wg.Go(func() {
		for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
			_, _, err := n.log.Apply(n.ctx, conference, rule)
			if err == nil {
				return
			}
			if errors.Is(err, call.ErrTooMany) || errors.Is(err, call.ErrNotFound) { // it would be for ever
				n.slog.Error("recording is in the spool and not in the log", "call", conference, "err", err)
				return
			}
			n.slog.Warn("recording not in the log yet", "call", conference, "err", err)
			select {
			case <-time.After(wait):
			case <-n.ctx.Done():
				return
			}
		}
	})
}

// errNotRecorded is logged only: the call goes on without this track's recording.
var errNotRecorded = errors.New("track is not recorded")
