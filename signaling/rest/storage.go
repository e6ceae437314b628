package rest

import (
	"errors"
	"net/http"
	"time"

	"showroom/call"
	"showroom/store/object"
)

// Keeper tells of what is being done for recordings behind the log: uploading and deleting.
type Keeper interface {
	// Progress is where that stands for a conference, if there is anything to do.
	Progress(conference string) (Progress, bool)
	Waiting() Waiting
}

// Progress is where the work for one conference stands.
type Progress struct {
	Running  bool
	Sent     map[string]int64 // bytes that the object store has, by file
	Failures int              // one after the other
	Err      error            // of the last try
	Next     time.Time        // when it is tried again
}

// Waiting is the work for all conferences.
type Waiting struct {
	Conferences int
	Failing     int       // whose last try failed
	Since       time.Time // of the oldest such failure
	Err         error     // and what it was
}

// storage is where the files of a recording are, as the holder of an API key sees it.
type storage struct {
	State     string    `json:"state"` // none, uploading, waiting, stored, deleting or deleted
	Files     int       `json:"files"`
	Stored    int       `json:"stored"`
	Bytes     int64     `json:"bytes"`
	SentBytes int64     `json:"sent_bytes"`
	Failures  int       `json:"failures"`
	Error     string    `json:"error,omitempty"` // see troubleOf
	NextTry   time.Time `json:"next_try_at,omitzero"`
}

func (a *api) storageOf(c call.Conference) storage {
	s := storage{State: "none"}
	var p Progress
	busy := false
	if a.Keeper != nil {
		p, busy = a.Keeper.Progress(c.ID)
	}
	for _, f := range c.Playable() {
		s.Files++
		s.Bytes += f.Size
		if f.State == call.FileStored {
			s.Stored++
			s.SentBytes += f.Size
		} else {
			s.SentBytes += min(p.Sent[f.Name], f.Size)
		}
	}
	switch {
	case c.Deletion.Ordered() && c.Task() == call.TaskDelete:
		s.State = "deleting"
	case c.Deletion.Ordered():
		s.State = "deleted"
	case s.Files > 0 && s.Files == s.Stored:
		s.State = "stored"
	case s.Files > 0 && busy && p.Running:
		s.State = "uploading"
	case s.Files > 0:
		s.State = "waiting"
	}
	if p.Err != nil {
		s.Failures, s.Error, s.NextTry = p.Failures, troubleOf(p.Err), p.Next
	}
	return s
}

// troubleOf is a word for what keeps a recording from being stored or deleted. The whole story is in the server's log.
func troubleOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, object.ErrUnavailable):
		return "store_unavailable"
	case errors.Is(err, object.ErrDenied):
		return "store_denied"
	case errors.Is(err, object.ErrFull):
		return "store_full"
	case errors.Is(err, object.ErrChecksum):
		return "store_corrupts"
	}
	return "failed"
}

// readStorage is for the operator: does everything get where it should be?
func (a *api) readStorage(*request) (reply, error) {
	var w Waiting
	if a.Keeper != nil {
		w = a.Keeper.Waiting()
	}
	return ok(struct {
		Waiting int       `json:"waiting"` // conferences whose recording is being uploaded or deleted, or waits for it
		Failing int       `json:"failing"`
		Since   time.Time `json:"failing_since,omitzero"`
		Error   string    `json:"error,omitempty"`
	}{w.Conferences, w.Failing, w.Since, troubleOf(w.Err)})
}

// deleteRecording orders the deletion and does not wait for it.
func (a *api) deleteRecording(r *request) (reply, error) {
	id, err := r.pathID("conference", "conf_")
	if err != nil {
		return reply{}, err
	}
	c, _, err := r.store.Apply(r.Context(), id, call.OrderDeletion(r.subject.actor(), a.Address(r.Request)))
	if err != nil {
		return reply{}, err
	}
	if c.Conference.Task() != call.TaskDelete { // nothing was recorded, or it is gone already
		return reply{status: http.StatusNoContent}, nil
	}
	return reply{status: http.StatusAccepted, body: a.fullRecordingOf(c, r.subject.actor(), r.now)}, nil
}

// fullRecording is a recording with what only the holder of an API key may know.
type fullRecording struct {
	recording
	Storage   storage        `json:"storage"`
	KeepUntil time.Time      `json:"keep_until,omitzero"` // when the seller's retention ends
	Deletion  *deletion      `json:"deletion,omitempty"`
	Consents  []call.Consent `json:"consents"`
}

type deletion struct {
	Reason    call.DeletionReason `json:"reason"`
	By        string              `json:"by"`
	OrderedAt time.Time           `json:"ordered_at"`
	DoneAt    time.Time           `json:"done_at,omitzero"`
}

func (a *api) fullRecordingOf(c call.Case, by string, now time.Time) fullRecording {
	full := fullRecording{recording: a.recordingOf(c, by, now), Storage: a.storageOf(c.Conference), KeepUntil: c.KeepUntil(),
		Consents: append([]call.Consent{}, c.Conference.Consents...)}
	if d := c.Conference.Deletion; d.Ordered() {
		full.Deletion = &deletion{d.Reason, d.By, d.OrderedAt, d.DoneAt}
	}
	return full
}
