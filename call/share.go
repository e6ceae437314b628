package call

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// What can happen around a recording once it is there: who has seen it, and who may.
type (
	// RecordingShared lets whoever has a link watch the recording until the link expires or is revoked. The actor made it.
	RecordingShared struct {
		Share     string    `json:"share"`
		Name      string    `json:"name,omitempty"` // whom it is for
		ExpiresAt time.Time `json:"expires_at"`
		Address   string    `json:"address,omitempty"` // IP address it was made from
	}
	// RecordingShareRevoked makes such a link worthless.
	RecordingShareRevoked struct {
		Share   string `json:"share"`
		Address string `json:"address,omitempty"`
	}
	// RecordingWatched says that somebody began to play a file: the actor, or whoever has the link that the actor is.
	RecordingWatched struct{ FileAccess }
	// RecordingDownloaded says that somebody began to download a file.
	RecordingDownloaded struct{ FileAccess }
)

// FileAccess is one person's access to one file.
type FileAccess struct {
	File    string `json:"file"`
	Address string `json:"address,omitempty"` // IP address
}

// Type is the word the log has for it.
func (RecordingShared) Type() string { return "recording.shared" }

// Type is the word the log has for it.
func (RecordingShareRevoked) Type() string { return "recording.share_revoked" }

// Type is the word the log has for it.
func (RecordingWatched) Type() string { return "recording.watched" }

// Type is the word the log has for it.
func (RecordingDownloaded) Type() string { return "recording.downloaded" }

func init() {
	register[RecordingShared]()
	register[RecordingShareRevoked]()
	register[RecordingWatched]()
	register[RecordingDownloaded]()
}

// ErrRecordingDeleted says that there is nothing to see any more.
var ErrRecordingDeleted = errors.New("the recording was deleted")

// IsAccess says whether an event belongs into the record of who did what with a recording.
func IsAccess(b Body) bool {
	switch b.(type) {
	case RecordingShared, RecordingShareRevoked, RecordingWatched, RecordingDownloaded, DeletionOrdered, RecordingDeleted:
		return true
	}
	return false
}

// Limits of links to a recording.
const (
	maxShares = 500
	// LongestShare is how long such a link holds at most.
	LongestShare = 90 * 24 * time.Hour
)

// Share is a link to a recording as the log knows it.
type Share struct {
	ID        string    `json:"id"`
	Name      string    `json:"name,omitempty"`
	By        string    `json:"by"` // the event's actor
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
}

// Holds says whether the link opens anything at a time.
func (s Share) Holds(now time.Time) bool { return s.RevokedAt.IsZero() && now.Before(s.ExpiresAt) }

func (c Conference) applyShare(e Event) Conference {
	switch b := e.Body.(type) {
	case RecordingShared:
		c.Shares = with(c.Shares, b.Share, Share{ID: b.Share, Name: b.Name, By: e.Actor, CreatedAt: e.At, ExpiresAt: b.ExpiresAt})
	case RecordingShareRevoked:
		s := c.Shares[b.Share]
		s.RevokedAt = e.At
		c.Shares = with(c.Shares, b.Share, s)
	}
	return c
}

// ShareRecording makes a link to the recording. There need not be one yet: it may be made before the call.
func ShareRecording(id, actor, address, name string, expires time.Time) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		name = strings.TrimSpace(name)
		switch {
		case c.Conference.Deletion.Ordered(), c.Buyer.Erasure.Ordered():
			return nil, ErrRecordingDeleted
		case len(c.Conference.Shares) >= maxShares:
			return nil, ErrTooMany
		case !expires.After(now):
			return nil, Invalid("expires_at", "this time has passed")
		case expires.After(now.Add(LongestShare)):
			return nil, Invalid("expires_at", fmt.Sprintf("a link to a recording holds for %d days at most", LongestShare/(24*time.Hour)))
		}
		if err := checkShort("name", name); err != nil {
			return nil, err
		}
		b := newBatch(c, now)
		b.conference(actor, RecordingShared{Share: id, Name: name, ExpiresAt: expires.UTC(), Address: address})
		return b.events, nil
	}
}

// RevokeShare makes a link to the recording worthless.
func RevokeShare(id, actor, address string) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		s, ok := c.Conference.Shares[id]
		if !ok {
			return nil, ErrRevoked
		}
		if !s.RevokedAt.IsZero() {
			return nil, nil
		}
		b := newBatch(c, now)
		b.conference(actor, RecordingShareRevoked{Share: id, Address: address})
		return b.events, nil
	}
}

// CheckShare says whether a link still opens the recording.
func (c Conference) CheckShare(id string, now time.Time) error {
	s, ok := c.Shares[id]
	switch {
	case !ok || !s.RevokedAt.IsZero():
		return ErrRevoked
	case !now.Before(s.ExpiresAt):
		return ErrExpired
	}
	return nil
}

// NoteAccess puts an access to a file into the log.
func NoteAccess(actor string, access Body) Rule {
	return recording(func(c Conference, b *batch) error {
		if c.Deletion.Ordered() {
			return ErrRecordingDeleted
		}
		b.conference(actor, access)
		return nil
	})
}

// RecordingState sums up how a recording stands.
type RecordingState string

// The states of a recording.
const (
	RecordingNone       RecordingState = "none"
	RecordingRunning    RecordingState = "recording"
	RecordingProcessing RecordingState = "processing" // the call is over, files are being closed
	RecordingReady      RecordingState = "ready"
	RecordingBroken     RecordingState = "failed" // none of its files can be played
	RecordingDeleting   RecordingState = "deleting"
	RecordingGone       RecordingState = "deleted"
)

// RecordingState sums the files up: one that is being written comes first, one that failed last.
func (c Conference) RecordingState() RecordingState {
	switch {
	case len(c.Files) == 0:
		return RecordingNone
	case c.Task() == TaskDelete:
		return RecordingDeleting
	case c.Deletion.Ordered():
		return RecordingGone
	}
	state := RecordingBroken
	for _, f := range c.Files {
		switch {
		case f.State == FileRecording && c.Over():
			return RecordingProcessing
		case f.State == FileRecording:
			return RecordingRunning
		case f.State == FileFinished, f.State == FileStored:
			state = RecordingReady
		}
	}
	return state
}
