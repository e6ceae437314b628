package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"showroom/call"
)

// Manifest of a conference that this spool has recorded: the files that are finished.
func (r *Recorder) Manifest(conference string) (Manifest, error) {
	dir, err := r.spool.folder(conference, false)
	if err != nil {
		return Manifest{}, fmt.Errorf("manifest of %q: %w", conference, err)
	}
	defer dir.close()
	m, err := readManifest(dir)
	if err != nil {
		return m, fmt.Errorf("manifest of %q: %w", conference, err)
	}
	if m.Version == 0 {
		return m, fmt.Errorf("manifest of %q: %w", conference, fs.ErrNotExist)
	}
	return m, nil
}

// manifestOf is what the log knows, for a spool that was lost.
func manifestOf(c call.Conference) Manifest {
	m := Manifest{Version: ManifestVersion, Conference: c.ID, Files: []File{}}
	for _, f := range c.Playable() {
		m.Origin = time.UnixMilli(f.OriginMS).UTC()
		file := File{Name: f.Name, Participant: f.Participant, Role: string(f.Role), Source: f.Source, MediaType: f.MediaType, Codecs: f.Codecs,
			Offset: f.OffsetMS, Duration: f.DurationMS, Size: f.Size, SHA256: f.SHA256, Failure: f.Reason}
		for _, g := range f.Gaps {
			file.Gaps = append(file.Gaps, Gap{Source: g.Track, Start: g.StartMS, End: g.EndMS, Reason: g.Reason})
		}
		m.Files = append(m.Files, file)
	}
	return m
}

// Forget removes what is left in the spool of a conference that is over and
// whose files are all stored. Where there is more than a manifest nothing is
// removed: it is somebody's.
func (r *Recorder) Forget(conference string) error {
	return r.alone(conference, func(names []string) error {
		for _, name := range names {
			if name != manifestName && !strings.HasSuffix(name, uploadSuffix) && !strings.HasSuffix(name, ".tmp") {
				return nil
			}
		}
		return r.spool.root.RemoveAll(conference)
	})
}

// Delete removes everything of a conference from the spool, whatever state it
// is in, and returns how many recorded files there were. It may be repeated.
func (r *Recorder) Delete(conference string) (files int, err error) {
	err = r.alone(conference, func(names []string) error {
		for _, name := range names {
			if validName(strings.TrimSuffix(name, partSuffix)) {
				files++
			}
		}
		return r.spool.root.RemoveAll(conference)
	})
	return files, err
}

// alone does something to the folder of a conference that is not open, if there is one.
func (r *Recorder) alone(conference string, do func(names []string) error) error {
	if !r.claim(conference) {
		return fmt.Errorf("recording of %s: %w", conference, ErrOpen)
	}
	defer r.unclaim(conference)
	dir, err := r.spool.folder(conference, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("recording of %q: %w", conference, err)
	}
	defer dir.close()
	names, err := dir.names()
	if err != nil {
		return err
	}
	if err := do(names); err != nil {
		return fmt.Errorf("remove recording of %s: %w", conference, err)
	}
	return (&folder{root: r.spool.root}).sync()
}

// Conferences are those that the spool has anything of.
func (r *Recorder) Conferences() ([]string, error) {
	names, err := (&folder{root: r.spool.root}).names()
	if err != nil {
		return nil, fmt.Errorf("look through spool: %w", err)
	}
	ids := names[:0]
	for _, name := range names {
		if validID(name) {
			ids = append(ids, name)
		}
	}
	return ids, nil
}
