package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Spooled tells of every finished file that is still in the spool, so that whoever keeps a log can be told of what it
// missed. Call it after Repair. An error of found ends it.
func (r *Recorder) Spooled(ctx context.Context, found func(conference string, f File, m Manifest) error) error {
	ids, err := r.Conferences()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if ctx.Err() != nil {
			return fmt.Errorf("look through spool: %w", context.Cause(ctx))
		}
		m, err := r.Manifest(id)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, f := range m.Files {
			if local, err := r.Local(id, f.Name); err != nil {
				continue // stored already
			} else if err := local.Close(); err != nil {
				return err
			}
			if err := found(id, f, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// Local opens a finished file that is still in the spool; fs.ErrNotExist if it is not.
func (r *Recorder) Local(conference, name string) (io.ReadSeekCloser, error) {
	if !validName(name) {
		return nil, fmt.Errorf("open recording %q: %w", name, ErrName)
	}
	dir, err := r.spool.folder(conference, false)
	if err != nil {
		return nil, fmt.Errorf("open recording %s of %q: %w", name, conference, err)
	}
	defer dir.close()
	f, err := dir.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	return f, nil
}
