package kv

import (
	"bytes"
	"context"
	"fmt"
	"os"
)

// Scrubber is a DB that can overwrite what was deleted or replaced, so that it
// is in no byte of the DB's files.
type Scrubber interface {
	// Scrub overwrites all that was deleted or replaced by commits before it
	// began. Others go on meanwhile; each step holds them up for milliseconds.
	Scrub(ctx context.Context) error
}

const scrubAtOnce = 1024 // pages

// Scrub implements Scrubber. bbolt copies what it changes and keeps the old
// pages for later use: their content stays in the file until then.
func (b *Bolt) Scrub(ctx context.Context) error {
	f, err := os.OpenFile(b.db.Path(), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("scrub: %w", mapped(err))
	}
	defer f.Close()
	for page := 0; page >= 0; {
		if page, err = b.scrub(ctx, f, page); err != nil {
			return fmt.Errorf("scrub page %d: %w", page, mapped(err))
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("scrub: %w", mapped(err))
	}
	return nil
}

// scrub overwrites the free pages of some from page on and returns the next
// one, -1 at the end. While it runs nobody reads, so no snapshot needs a page
// that the last commit has freed; and nobody writes, so no page comes into use.
func (b *Bolt) scrub(ctx context.Context, f *os.File, page int) (next int, err error) {
	select {
	case b.writer <- struct{}{}:
		defer func() { <-b.writer }()
	case <-ctx.Done():
		return page, ctx.Err()
	}
	if b.group != nil {
		b.commit(b.group)
	}
	b.readers.Lock()
	defer b.readers.Unlock()
	tx, err := b.db.Begin(true) // which lets go of the pages of earlier commits
	if err != nil {
		return page, err
	}
	defer tx.Rollback() //nolint:errcheck // nothing was changed
	info, err := f.Stat()
	if err != nil {
		return page, err
	}
	size := b.db.Info().PageSize
	last := int(info.Size()) / size
	blank, was := make([]byte, size), make([]byte, size)
	for range scrubAtOnce {
		if page >= last {
			return -1, nil
		}
		p, err := tx.Page(page)
		if err != nil {
			return page, err
		}
		if p != nil && p.Type != "free" { // nil: beyond what was ever in use
			page += 1 + p.OverflowCount
			continue
		}
		at := int64(page) * int64(size)
		if _, err := f.ReadAt(was, at); err != nil {
			return page, err
		}
		if !bytes.Equal(was, blank) {
			if _, err := f.WriteAt(blank, at); err != nil {
				return page, err
			}
		}
		page++
	}
	return page, nil
}
