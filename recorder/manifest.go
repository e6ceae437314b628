package recorder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"showroom/call"
)

// ManifestVersion is the version of the JSON that Manifest and File describe.
const ManifestVersion = 1

// manifestName is the manifest's name in the spool and in the object store.
const manifestName = "manifest.json"

// Manifest is the table of contents of a conference's recording.
type Manifest struct {
	Version    int       `json:"version"`
	Conference string    `json:"conference"`
	Origin     time.Time `json:"origin"` // UTC; zero of the time line that offsets count on
	Files      []File    `json:"files"`

	Consents []call.Consent `json:"consents,omitempty"` // only in the object store: answers to the question whether one may be recorded
}

// File is one recorded file. Times are milliseconds.
type File struct {
	Name        string   `json:"name"`
	Participant string   `json:"participant"`
	Role        string   `json:"role,omitempty"`
	Source      string   `json:"source"` // sources in it, sorted, joined by "+": "camera+mic"
	MediaType   string   `json:"media_type"`
	Codecs      []string `json:"codecs"`   // "vp8", "vp9", "av1", "h264", "opus"
	Offset      int64    `json:"offset"`   // of the file's start on the conference's time line
	Duration    int64    `json:"duration"` // up to the end of the last frame
	Width       int      `json:"width,omitempty"`
	Height      int      `json:"height,omitempty"` // of the first video frame
	Size        int64    `json:"size"`             // bytes
	SHA256      string   `json:"sha256"`           // hex
	Lost        int64    `json:"lost"`             // packets that never came
	Dropped     int64    `json:"dropped"`          // packets that came and were not recorded: queue full, too late, unusable
	Gaps        []Gap    `json:"gaps,omitempty"`   // at most 1000
	Repaired    bool     `json:"repaired,omitempty"`
	Failure     string   `json:"failure,omitempty"` // why recording stopped before its time
	Note        string   `json:"note,omitempty"`    // what whoever plays it should know
}

// Gap is a stretch of one source in which nothing is recorded, in
// milliseconds from the file's start.
type Gap struct {
	Source string `json:"source"`
	Start  int64  `json:"start"`
	End    int64  `json:"end"`
	Reason string `json:"reason"`
}

// Reasons of gaps.
const (
	GapSilent   = "silent"   // the sender sent nothing: muted, camera off, or disconnected
	GapLoss     = "loss"     // packets were lost on the way
	GapOverflow = "overflow" // the recorder could not keep up
	GapLate     = "late"     // packets came too late to be put in order
)

// noteMatroska is the Note of a file that is not WebM, because one of its codecs may not be in one.
const noteMatroska = "Matroska, because H.264 is no codec of WebM: Chromium and Firefox play it, Safari does not"

// maxGaps bounds a file's list of gaps.
const maxGaps = 1000

func readManifest(dir *folder) (Manifest, error) {
	var m Manifest
	b, err := dir.root.ReadFile(manifestName)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	if m.Version > ManifestVersion {
		return m, fmt.Errorf("read manifest: version %d is newer than %d", m.Version, ManifestVersion)
	}
	return m, nil
}

func writeManifest(dir *folder, m Manifest) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	if err := dir.save(manifestName, b); err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	return nil
}

// put adds f, or replaces the file of the same name.
func (m *Manifest) put(f File) {
	for i := range m.Files {
		if m.Files[i].Name == f.Name {
			m.Files[i] = f
			return
		}
	}
	m.Files = append(m.Files, f)
}
