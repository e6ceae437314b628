package recorder

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"showroom/recorder/webm"
)

// journal is what is known of a file until the manifest has it, so that a
// crash loses nothing that the file itself does not tell.
type journal struct {
	Version int          `json:"version"`
	File    File         `json:"file"`    // while it is written its name has ".part" behind it
	Started time.Time    `json:"started"` // zero of the file's own time line
	Tracks  []webm.Track `json:"tracks"`  // in the file's order
}

// known is what the journal can tell if the file's head is damaged.
func (j journal) known() webm.Known {
	format := webm.WebM
	if strings.HasSuffix(j.File.Name, string(webm.Matroska)) {
		format = webm.Matroska
	}
	return webm.Known{Format: format, Started: j.Started, Tracks: j.Tracks}
}

func (d *folder) saveJournal(base string, j journal) error {
	j.Version = ManifestVersion
	b, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := d.save(base+journalSuffix, b); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	return nil
}

// journal saves the segment's journal: when the file is made, at each new track, and when there are new gaps.
func (g *segment) journal() error {
	g.journaled, g.gaps = g.looked, len(g.file.Gaps)
	return g.conf.dir.saveJournal(g.base, journal{File: g.file, Started: g.w.Started(), Tracks: g.w.Tracks()})
}

// journalEvery is how old the gaps and counts in a journal may be.
const journalEvery = 5 * time.Second

// journalNews saves the journal if there are gaps that it does not have.
func (s *Session) journalNews() error {
	g := s.seg
	if len(g.file.Gaps) == g.gaps || g.looked.Sub(g.journaled) < journalEvery {
		return nil
	}
	s.count(g)
	return g.journal()
}

// count says in the file what was lost and dropped since the file before.
func (s *Session) count(g *segment) {
	g.file.Lost, g.file.Dropped = 0, 0
	for _, st := range s.streams {
		lost, dropped := st.counts()
		g.file.Lost += lost - st.toldLost
		g.file.Dropped += dropped - st.toldDropped
	}
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
