package call

import "slices"

// FileState is where a recording file stands.
type FileState string

// The states of a file.
const (
	FileRecording FileState = "recording" // being written
	FileFinished  FileState = "finished"  // complete on this machine's disk
	FileStored    FileState = "stored"    // verified in the object store
	FileFailed    FileState = "failed"
	FileDeleted   FileState = "deleted" // nowhere any more
)

// File is one recording file: one participant's camera and microphone, or screen, from one join to its end.
type File struct {
	Name        string    `json:"name"`
	Participant string    `json:"participant"`
	Role        Role      `json:"role"`
	Source      string    `json:"source"` // camera (with the microphone) or screen
	MediaType   string    `json:"media_type"`
	Codecs      []string  `json:"codecs"`
	OriginMS    int64     `json:"origin_unix_ms"` // the conference's time line zero, Unix milliseconds
	OffsetMS    int64     `json:"offset_ms"`      // start of the file on that time line
	DurationMS  int64     `json:"duration_ms"`
	Size        int64     `json:"size"` // bytes
	SHA256      string    `json:"sha256"`
	Gaps        []Gap     `json:"gaps,omitempty"` // the first twenty; the manifest has all
	State       FileState `json:"state"`
	Key         string    `json:"key,omitempty"` // in the object store
	Reason      string    `json:"reason,omitempty"`
}

// Gap is a stretch of a file in which a track has nothing.
type Gap struct {
	Track   string `json:"track"` // audio or video
	StartMS int64  `json:"start_ms"`
	EndMS   int64  `json:"end_ms"`
	Reason  string `json:"reason"`
}

func applyFile(files []File, e Event) []File {
	switch b := e.Body.(type) {
	case RecordingStarted:
		return changeFile(files, b.File, func(f *File) {
			f.Participant, f.Source, f.State = b.Participant, b.Source, FileRecording
		})
	case RecordingFinished:
		return changeFile(files, b.File.Name, func(f *File) {
			state, key := f.State, f.Key
			*f = b.File
			f.State, f.Key = FileFinished, key
			if state == FileStored { // told twice
				f.State = FileStored
			}
		})
	case RecordingStored:
		return changeFile(files, b.File, func(f *File) { f.State, f.Key = FileStored, b.Key })
	case RecordingFailed:
		return changeFile(files, b.File, func(f *File) {
			if b.Participant != "" { // left out of a file that is known
				f.Participant, f.Source = b.Participant, b.Source
			}
			f.State, f.Reason = FileFailed, b.Reason
		})
	}
	return files
}

func changeFile(files []File, name string, change func(*File)) []File {
	files = slices.Clone(files)
	i := slices.IndexFunc(files, func(f File) bool { return f.Name == name })
	if i < 0 {
		files = append(files, File{Name: name})
		i = len(files) - 1
	}
	change(&files[i])
	return files
}
