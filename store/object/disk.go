package object

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"sync"
	"syscall"
	"time"
)

// beside is the directory, under the store's own, where files are written
// before they are renamed to their key. No key contains '~'.
const beside = "~new"

// Disk is a Store in a directory. The object "a/b.webm" is the file a/b.webm,
// and what is known of it stands in a/b.webm~meta. One process may use a
// directory at a time; the directory must be one file system.
type Disk struct {
	root *os.Root

	// mu is held to write for the renames of a Put or Delete, to read while
	// Open finds the file and what is known of it.
	mu sync.RWMutex
}

// NewDisk opens the store in dir, creating the directory if need be, and
// removes what a killed process left unfinished.
func NewDisk(dir string) (*Disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create object directory: %w", diskError(err))
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open object directory: %w", err)
	}
	if err := errors.Join(root.RemoveAll(beside), root.Mkdir(beside, 0o700)); err != nil {
		root.Close()
		return nil, fmt.Errorf("clear %s of unfinished objects: %w", path.Join(dir, beside), diskError(err))
	}
	return &Disk{root: root}, nil
}

// Close lets go of the directory. Open readers stay usable.
func (d *Disk) Close() error { return d.root.Close() }

// Put implements Store.
func (d *Disk) Put(ctx context.Context, key string, body io.ReadSeeker, size int64, contentType, sha256 string) (Info, error) {
	if err := CheckKey(key); err != nil {
		return Info{}, err
	}
	v, err := newVerifier(ctx, body, size, sha256)
	if err != nil {
		return Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	temp := path.Join(beside, rand.Text())
	info := Info{Key: key, ContentType: contentType, SHA256: sha256, Size: size}
	if info.Modified, err = d.write(temp, v); err == nil {
		err = d.publish(temp, info)
	}
	if err != nil {
		err = errors.Join(err, d.remove(temp))
		return Info{}, fmt.Errorf("put %s: %w", key, diskError(err))
	}
	return info, nil
}

// write makes a durable file of all that r gives, and returns its time as the
// file system keeps it.
func (d *Disk) write(name string, r io.Reader) (time.Time, error) {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return time.Time{}, err
	}
	// The time is set because it identifies the file in its record, and the
	// kernel's own has a resolution of some milliseconds.
	_, err = io.Copy(f, r)
	if err == nil {
		err = d.root.Chtimes(name, time.Time{}, time.Now())
	}
	if err == nil {
		err = f.Sync()
	}
	st, statErr := f.Stat()
	if err := errors.Join(err, statErr, f.Close()); err != nil {
		return time.Time{}, err
	}
	return st.ModTime(), nil
}

// publish renames a written file to its key. The record goes first and keeps
// that of the file still in place, so a crash between the two renames leaves
// either object with its own.
func (d *Disk) publish(temp string, info Info) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.root.MkdirAll(path.Dir(info.Key), 0o700); err != nil {
		return err
	}
	records := []record{newRecord(info)}
	if old, err := d.info(info.Key); err == nil {
		records = append(records, newRecord(old))
	}
	if err := d.writeRecords(info.Key, records); err != nil {
		return err
	}
	if err := d.syncDirs(path.Dir(info.Key)); err != nil {
		return err
	}
	if err := d.root.Rename(temp, info.Key); err != nil {
		return err
	}
	return d.syncDirs(path.Dir(info.Key))
}

// Open implements Store.
func (d *Disk) Open(ctx context.Context, key string) (Reader, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	info, err := d.info(key)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", key, err)
	}
	f, err := d.root.Open(key)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", key, err)
	}
	return &diskReader{File: f, info: info}, nil
}

// Delete implements Store.
func (d *Disk) Delete(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if st, err := d.root.Lstat(key); err == nil && !st.Mode().IsRegular() {
		return nil // a directory of other keys
	}
	if err := errors.Join(d.remove(key), d.remove(key+metaSuffix)); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	if err := d.syncDirs(path.Dir(key)); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// List implements Lister.
func (d *Disk) List(ctx context.Context, dir string) ([]string, error) {
	if err := CheckKey(dir); err != nil {
		return nil, err
	}
	var keys []string
	err := fs.WalkDir(d.root.FS(), dir, func(name string, entry fs.DirEntry, err error) error {
		if missing(err) {
			return nil // a directory that is not there, or removed meanwhile
		}
		if err == nil && entry.Type().IsRegular() && CheckKey(name) == nil {
			keys = append(keys, name)
		}
		return errors.Join(err, ctx.Err())
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	return slices.DeleteFunc(keys, func(key string) bool { return key == dir }), nil
}

func (d *Disk) remove(name string) error {
	if err := d.root.Remove(name); err != nil && !missing(err) {
		return err
	}
	return nil
}

// syncDirs makes the names in dir durable, and dir itself in those above it.
func (d *Disk) syncDirs(dir string) error {
	for {
		f, err := d.root.Open(dir)
		if missing(err) {
			return nil // nothing was deleted in a directory that is not there
		}
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil || dir == "." {
			return err
		}
		dir = path.Dir(dir)
	}
}

// missing tells that a name leads to nothing; ENOTDIR is a file on the way.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// diskError gives the system's errors the names of this package.
func diskError(err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w: %w", ErrFull, err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.EEXIST):
		return fmt.Errorf("%w: one key is the directory of another: %w", ErrKey, err)
	}
	return err
}
