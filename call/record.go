package call

import "time"

// StartFile says that a recording file is being written.
func StartFile(name, participant, source string) Rule {
	return recording(func(c Conference, b *batch) error {
		if _, ok := c.File(name); !ok {
			if len(c.Files) >= maxFiles {
				return ErrTooMany
			}
			b.conference(System, RecordingStarted{File: name, Participant: participant, Source: source})
		}
		return nil
	})
}

// FinishFile says that a recording file is complete on disk.
func FinishFile(f File) Rule {
	return recording(func(c Conference, b *batch) error {
		if old, ok := c.File(f.Name); ok && (old.State == FileFinished || old.State == FileStored) && old.SHA256 == f.SHA256 {
			return nil
		}
		if _, ok := c.File(f.Name); !ok && len(c.Files) >= maxFiles {
			return ErrTooMany
		}
		f.State, f.Gaps = FileFinished, f.Gaps[:min(len(f.Gaps), maxGaps)]
		b.conference(System, RecordingFinished{File: f})
		return nil
	})
}

// StoreFile says that a recording file is verified in the object store.
func StoreFile(name, key string) Rule {
	return recording(func(c Conference, b *batch) error {
		old, ok := c.File(name)
		if !ok {
			return ErrNoFile
		}
		if old.State != FileStored {
			b.conference(System, RecordingStored{File: name, Key: key})
		}
		return nil
	})
}

// FailFile says that a recording file could not be written, perhaps not even begun, for the file's Reason.
func FailFile(f File) Rule {
	return recording(func(c Conference, b *batch) error {
		if old, ok := c.File(f.Name); ok && old.State == FileFailed || !ok && len(c.Files) >= maxFiles {
			return nil
		}
		b.conference(System, RecordingFailed{File: f.Name, Participant: f.Participant, Source: f.Source, Reason: f.Reason})
		return nil
	})
}

// recording makes a rule that holds whatever the conference's state: files are finished after the call is.
func recording(f func(Conference, *batch) error) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		b := newBatch(c, now)
		if err := f(c.Conference, b); err != nil {
			return nil, err
		}
		return b.events, nil
	}
}
