package recorder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"showroom/recorder/webm"
)

// Repair finishes the files that an earlier process left open, in every
// conference that is not open now, and tells of each: either a file that is in
// the manifest from now on, or why nothing of it could be kept. Call it once
// at the start; it may be repeated.
func (r *Recorder) Repair(ctx context.Context, found func(conference string, f File, err error)) error {
	top := &folder{root: r.spool.root}
	names, err := top.names()
	if err != nil {
		return fmt.Errorf("repair recordings: %w", err)
	}
	var errs []error
	for _, id := range names {
		if ctx.Err() != nil {
			return fmt.Errorf("repair recordings: %w", context.Cause(ctx))
		}
		if !validID(id) || !r.claim(id) {
			continue
		}
		if err := r.repair(id, found); err != nil {
			errs = append(errs, fmt.Errorf("repair recording of %s: %w", id, err))
		}
		r.unclaim(id)
	}
	return errors.Join(errs...)
}

// claim keeps a conference from being opened while it is repaired.
func (r *Recorder) claim(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.open[id] != nil {
		return false
	}
	r.open[id] = &Conference{id: id}
	return true
}

func (r *Recorder) unclaim(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, id)
}

func (r *Recorder) repair(id string, found func(string, File, error)) error {
	dir, err := r.spool.folder(id, false)
	if err != nil {
		return err
	}
	defer dir.close()
	names, err := dir.names()
	if err != nil {
		return err
	}
	m, err := readManifest(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if !strings.HasSuffix(name, journalSuffix) || name == manifestName {
			continue
		}
		f, lost, err := dir.repair(name)
		if err == nil && lost == nil {
			m.put(f)
			err = writeManifest(dir, m)
		}
		if err == nil {
			err = dir.remove(name)
		}
		if err != nil {
			errs = append(errs, err) // the journal stays for the next time
			continue
		}
		r.cfg.Log.Info("recording repaired", "call", id, "file", f.Name, "bytes", f.Size, "err", lost)
		found(id, f, lost)
	}
	return errors.Join(append(errs, dir.sweep(names))...)
}

// sweep removes what has no journal: files that were just being made.
func (d *folder) sweep(names []string) error {
	var errs []error
	for _, name := range names {
		base, _, _ := strings.Cut(name, ".")
		if !strings.HasSuffix(name, partSuffix) && !strings.HasSuffix(name, tailSuffix) && !strings.HasSuffix(name, ".tmp") {
			continue
		}
		if _, err := d.root.Stat(base + journalSuffix); errors.Is(err, fs.ErrNotExist) || strings.HasSuffix(name, ".tmp") {
			errs = append(errs, d.remove(name))
		}
	}
	return errors.Join(errs...)
}

// repair finishes the file of one journal. lost says why nothing of it is
// left; err that it should be tried again.
func (d *folder) repair(journalName string) (f File, lost, err error) {
	b, err := d.root.ReadFile(journalName)
	if err != nil {
		return f, nil, fmt.Errorf("read journal: %w", err)
	}
	var j journal
	if err := json.Unmarshal(b, &j); err != nil || !validName(j.File.Name) {
		return f, fmt.Errorf("journal %s is unreadable: %w", journalName, err), nil
	}
	part, tail := j.File.Name+partSuffix, strings.TrimSuffix(journalName, journalSuffix)+tailSuffix
	name, err := d.first(part, j.File.Name, tail)
	if name == "" || err != nil {
		return j.File, errors.New("file is gone"), err
	}
	f, lost, err = d.salvage(name, tail, j)
	if name == part && errors.Is(lost, webm.ErrEmpty) { // nothing had reached the file itself
		if err := d.remove(part); err != nil {
			return f, nil, err
		}
		if name, err = d.first(tail); name != "" && err == nil {
			f, lost, err = d.salvage(tail, tail, j)
		}
	}
	switch {
	case err != nil:
		return f, nil, err
	case errors.Is(lost, webm.ErrBadFile): // perhaps somebody can do more with it
		return f, lost, errors.Join(d.rename(name, j.File.Name+damagedSuffix), d.remove(tail))
	case lost != nil:
		return f, lost, errors.Join(d.remove(j.File.Name), d.remove(tail))
	case name != j.File.Name:
		if err := d.rename(name, j.File.Name); err != nil {
			return f, nil, err
		}
	}
	return f, nil, d.remove(tail)
}

// first of the names that is there; "" if none is.
func (d *folder) first(names ...string) (string, error) {
	for _, name := range names {
		_, err := d.root.Stat(name)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look for torn recording: %w", err)
		}
	}
	return "", nil
}

// salvage completes the file of that name, with what the tail has, if there is one, and what is told of it.
func (d *folder) salvage(name, tail string, j journal) (f File, lost, err error) {
	f = j.File
	file, err := d.root.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return f, nil, fmt.Errorf("open torn recording: %w", err)
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return f, nil, fmt.Errorf("size of torn recording: %w", err)
	}
	w, err := d.mend(syncFile{file}, size, name, tail, j)
	if size < webm.HeadSize && errors.Is(err, webm.ErrBadFile) {
		err = webm.ErrEmpty // it was just being made
	}
	if errors.Is(err, webm.ErrEmpty) || errors.Is(err, webm.ErrBadFile) {
		return f, err, nil
	}
	if err != nil {
		return f, nil, fmt.Errorf("repair recording: %w", err)
	}
	f.Offset += w.Started().Sub(j.Started).Milliseconds()                // a tail has a start of its own
	for _, t := range w.Tracks()[min(len(w.Tracks()), len(f.Codecs)):] { // of which only the tail knew
		f.Codecs = append(f.Codecs, nameOf(t.Codec))
	}
	f.MediaType, f.Duration, f.Repaired = w.MediaType(), w.Duration().Milliseconds(), true
	f.SHA256, f.Size, err = checksum(file)
	return f, nil, err
}

func (d *folder) mend(file syncFile, size int64, name, tail string, j journal) (*webm.Writer, error) {
	if name == tail {
		return webm.Repair(file, size, webm.Known{})
	}
	held, err := d.root.Open(tail)
	if errors.Is(err, fs.ErrNotExist) {
		return webm.Repair(file, size, j.known())
	}
	if err != nil {
		return nil, err
	}
	defer held.Close()
	info, err := held.Stat()
	if err != nil {
		return nil, err
	}
	return webm.RepairWithTail(file, size, j.known(), held, info.Size())
}
