package recorder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// journal is what is known of a file until the manifest has it, so that a
// crash loses nothing that the file itself does not tell.
type journal struct {
	Version int  `json:"version"`
	File    File `json:"file"` // while it is written its name has ".part" behind it
}

// journal saves the segment's journal: when the file is made and at each new track.
func (g *segment) journal() error {
	j := journal{Version: ManifestVersion, File: g.file}
	b, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := g.conf.dir.save(g.base+journalSuffix, b); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// enter puts a finished file into the manifest; then its journal may go.
func (c *Conference) enter(f File, g *segment) error {
	if err := c.add(f); err != nil {
		return err // the journal stays for Repair
	}
	return c.dir.remove(g.base + journalSuffix)
}

func (d *folder) rename(from, to string) error {
	if err := d.root.Rename(from, to); err != nil {
		return fmt.Errorf("name recording: %w", err)
	}
	return d.sync()
}

// remove a file that may be gone already.
func (d *folder) remove(name string) error {
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove: %w", err)
	}
	return nil
}
