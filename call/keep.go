package call

import (
	"slices"
	"time"
)

// What can happen to a finished recording as a whole.
type (
	// RecordingExported says that the manifest and the consents are verified in the object store beside the files.
	RecordingExported struct{}
	// DeletionOrdered says that the recording has to go: its files, on this machine and in the object store, and all that was made of
	// them. From then on nothing of it is served.
	DeletionOrdered struct {
		Reason DeletionReason `json:"reason"`
		Days   int            `json:"retention_days,omitempty"` // of retention

		Address string `json:"address,omitempty"` // IP address it was asked for from
	}
	// RecordingDeleted proves that it has gone: what there was, and how much of it was found and removed.
	RecordingDeleted struct {
		Reason  DeletionReason `json:"reason"`
		Files   []DeletedFile  `json:"files"`
		Objects int            `json:"objects"` // in the object store
		Local   int            `json:"local"`   // files on this machine's disk
	}
)

// DeletedFile is what stays known of a recording file that was deleted.
type DeletedFile struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256,omitempty"`
}

// DeletionReason is why a recording goes.
type DeletionReason string

// The reasons.
const (
	DeletedOnDemand    DeletionReason = "request"
	DeletedByRetention DeletionReason = "retention"
)

func (RecordingExported) Type() string { return "recording.exported" }
func (DeletionOrdered) Type() string   { return "recording.deletion_ordered" }
func (RecordingDeleted) Type() string  { return "recording.deleted" }

func init() {
	register[RecordingExported]()
	register[DeletionOrdered]()
	register[RecordingDeleted]()
}

// Deletion is where the deletion of a recording stands.
type Deletion struct {
	Reason    DeletionReason `json:"reason,omitempty"`
	By        string         `json:"by,omitempty"` // the event's actor
	OrderedAt time.Time      `json:"ordered_at,omitzero"`
	DoneAt    time.Time      `json:"done_at,omitzero"`
}

// Ordered says that nothing of the recording may be served any more.
func (d Deletion) Ordered() bool { return !d.OrderedAt.IsZero() }

func (c Conference) applyKeep(e Event) Conference {
	switch b := e.Body.(type) {
	case RecordingExported:
		c.ExportedAt = e.At
	case DeletionOrdered:
		c.Deletion = Deletion{Reason: b.Reason, By: e.Actor, OrderedAt: e.At}
	case RecordingDeleted:
		c.Deletion.DoneAt = e.At
		c.Composition = Composition{}
		for _, f := range b.Files {
			c.Files = changeFile(c.Files, f.Name, func(f *File) { f.State = FileDeleted })
		}
	}
	return c
}

// Kept says that the conference is over and something of its recording is kept.
func (c Conference) Kept() bool { return c.Over() && c.deletable() && !c.Deletion.Ordered() }

// deletable says whether there is anything of the recording left to delete.
func (c Conference) deletable() bool {
	return slices.ContainsFunc(c.Files, func(f File) bool { return f.State != FileDeleted })
}

// Playable are the recording files that can be played now.
func (c Conference) Playable() (files []File) {
	if c.Deletion.Ordered() {
		return nil
	}
	for _, f := range c.Files {
		if f.State == FileFinished || f.State == FileStored {
			files = append(files, f)
		}
	}
	return files
}

// Task is what there is to do for a conference's recording outside of the log.
type Task string

// The tasks, the most urgent one at a time.
const (
	TaskNone   Task = ""
	TaskDelete Task = "delete" // what is left of it, and [FinishDeletion]
	TaskUpload Task = "upload" // the finished files, and [StoreFile] for each
	TaskExport Task = "export" // the manifest and the consents, and [Export]
)

// Task is what there is to do now. It follows from the log alone, so that it is found again after a crash.
func (c Conference) Task() Task {
	switch {
	case c.Deletion.Ordered() && (c.Deletion.DoneAt.IsZero() || c.deletable()):
		return TaskDelete
	case c.Deletion.Ordered():
		return TaskNone
	case slices.ContainsFunc(c.Files, func(f File) bool { return f.State == FileFinished }):
		return TaskUpload
	case c.exportable():
		return TaskExport
	}
	return TaskNone
}

// exportable says that the recording is complete and its manifest is not stored yet.
func (c Conference) exportable() bool {
	stored := false
	for _, f := range c.Files {
		if f.State == FileRecording || f.State == FileFinished {
			return false
		}
		stored = stored || f.State == FileStored
	}
	return c.Over() && stored && c.ExportedAt.IsZero()
}

// Export says that the manifest and the consents are verified in the object store.
func Export() Rule {
	return recording(func(c Conference, b *batch) error {
		if c.exportable() && !c.Deletion.Ordered() {
			b.conference(System, RecordingExported{})
		}
		return nil
	})
}

// OrderDeletion has the recording of a conference that is over deleted, at the request of somebody at an IP address.
func OrderDeletion(actor, address string) Rule {
	return recording(func(c Conference, b *batch) error {
		if len(c.Files) == 0 || c.Deletion.Ordered() {
			return nil
		}
		if !c.Over() {
			return ErrNotOver
		}
		b.conference(actor, DeletionOrdered{Reason: DeletedOnDemand, Address: address})
		return nil
	})
}

// KeepUntil is when the retention of the case's seller ends for its recording; the zero time is never.
func (c Case) KeepUntil() time.Time {
	f := c.Conference
	if c.Seller.RetentionDays == 0 || !f.Kept() {
		return time.Time{}
	}
	return f.FinishedAt.Add(time.Duration(c.Seller.RetentionDays) * 24 * time.Hour)
}

// ExpireRecording has the recording deleted if its time is up.
func ExpireRecording(c Case, now time.Time) ([]Event, error) {
	until := c.KeepUntil()
	if until.IsZero() || now.Before(until) {
		return nil, nil
	}
	b := newBatch(c, now)
	b.conference(System, DeletionOrdered{Reason: DeletedByRetention, Days: c.Seller.RetentionDays})
	return b.events, nil
}

// FinishDeletion proves that the recording has gone, with the numbers of what was removed.
func FinishDeletion(objects, local int) Rule {
	return recording(func(c Conference, b *batch) error {
		if c.Task() != TaskDelete {
			return nil
		}
		gone := RecordingDeleted{Reason: c.Deletion.Reason, Files: []DeletedFile{}, Objects: objects, Local: local}
		for _, f := range c.Files {
			if f.State != FileDeleted {
				gone.Files = append(gone.Files, DeletedFile{Name: f.Name, Size: f.Size, SHA256: f.SHA256})
			}
		}
		b.conference(System, gone)
		return nil
	})
}
