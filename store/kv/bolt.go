package kv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	lockWait = time.Second

	// mapSize is the address space mapped from the start, in bytes. A reader
	// would otherwise hold up the writer whenever the file outgrows its map.
	mapSize = 1 << 30
)

var bucket = []byte("kv")

// Bolt is a DB in one file, locked against other processes.
type Bolt struct {
	db *bbolt.DB

	// writer holds one token, which is handed on in the order it was asked
	// for. bbolt's own write lock cannot be given up waiting for.
	writer chan struct{}
	group  *group // that is open, or nil; the token's holder has it

	// readers is held by each View. Who needs that there is none takes it
	// after the token.
	readers sync.RWMutex
}

// OpenBolt opens the file at path, or creates it, readable by its owner only.
// The directory must exist.
func OpenBolt(path string) (*Bolt, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         lockWait,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: mapSize,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("open %s: %w: another Showroom uses this data directory; stop it or choose another directory", path, ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, mapped(err))
	}
	if err := prepare(db, filepath.Dir(path)); err != nil {
		db.Close()
		return nil, fmt.Errorf("prepare %s: %w", path, mapped(err))
	}
	return &Bolt{db: db, writer: make(chan struct{}, 1)}, nil
}

// prepare makes a new file usable and its name durable: bbolt syncs the file
// but not the directory it was created in.
func prepare(db *bbolt.DB, dir string) error {
	err := db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// View implements DB.
func (b *Bolt) View(ctx context.Context, fn func(Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.readers.RLock()
	defer b.readers.RUnlock()
	tx, err := b.db.Begin(false)
	if err != nil {
		return fmt.Errorf("begin view: %w", mapped(err))
	}
	defer tx.Rollback() //nolint:errcheck // a view has nothing to lose
	return fn(&boltTx{bucket: tx.Bucket(bucket)})
}

// Close implements DB.
func (b *Bolt) Close() error { return b.db.Close() }

// mapped gives bbolt's and the system's errors the names of this package.
func mapped(err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return ErrClosed
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
