package recorder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

const (
	partSuffix    = ".part" // a file that is being written
	journalSuffix = ".json" // what is known of it until the manifest has it
	tailSuffix    = ".tail" // frames that wait in memory before they can be written
	damagedSuffix = ".damaged"
	screenSuffix  = "-screen"
)

// spool is the folder all recordings live in until they are uploaded: one
// folder a conference. Everything goes through an os.Root, so no name can
// leave it.
type spool struct {
	root *os.Root
	dir  string
}

func openSpool(dir string) (*spool, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	return &spool{root: root, dir: dir}, nil
}

func (s *spool) close() error { return s.root.Close() }

// folder of one conference.
type folder struct{ root *os.Root }

// folder opens a conference's folder; make says whether it may be new.
func (s *spool) folder(id string, make bool) (*folder, error) {
	if !validID(id) {
		return nil, ErrName
	}
	if make {
		if err := s.root.Mkdir(id, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make folder: %w", err)
		}
	}
	root, err := s.root.OpenRoot(id)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	return &folder{root: root}, nil
}

func (d *folder) close() error { return d.root.Close() }

// names in the folder.
func (d *folder) names() ([]string, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, fmt.Errorf("list folder: %w", err)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list folder: %w", err)
	}
	return names, nil
}

// sync makes renames and removals durable.
func (d *folder) sync() error {
	f, err := d.root.Open(".")
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

// save writes a small file beside, syncs and renames it over name.
func (d *folder) save(name string, b []byte) error {
	tmp := name + ".tmp"
	f, err := d.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = d.root.Rename(tmp, name)
	}
	if err != nil {
		_ = d.root.Remove(tmp) // the first error is the one to tell
		return err
	}
	return d.sync()
}

// validID says whether id may stand in a file's name.
func validID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// baseName of a file without its extension: participant, number, and whether
// it is a screen share.
func baseName(participant string, n int, screen bool) string {
	name := participant + "-" + strconv.Itoa(n)
	if screen {
		name += screenSuffix
	}
	return name
}

// parseName takes a file's name apart; ok is false for names of other things.
func parseName(name string) (participant string, n int, ok bool) {
	base, _, _ := strings.Cut(name, ".")
	base = strings.TrimSuffix(base, screenSuffix)
	participant, num, found := strings.Cut(base, "-")
	if !found || !validID(participant) {
		return "", 0, false
	}
	n, err := strconv.Atoi(num)
	if err != nil || n < 1 {
		return "", 0, false
	}
	return participant, n, true
}

// validName says whether name is one that a recorded file can have.
func validName(name string) bool {
	participant, n, ok := parseName(name)
	if !ok {
		return false
	}
	for _, ext := range []string{".webm", ".mkv"} {
		if name == baseName(participant, n, false)+ext || name == baseName(participant, n, true)+ext {
			return true
		}
	}
	return false
}
