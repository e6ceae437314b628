// Package object keeps whole files under keys, in a directory (Disk) or in a
// bucket of an S3 service (S3). Recordings are kept here once they are closed.
//
// An object appears with all of its bytes and the checksum it was announced
// with, or not at all. No goroutine of this package outlives the call that
// started it, and no lock is held while bytes are copied.
package object

import (
	"context"
	"errors"
	"io"
	"time"
)

var (
	// ErrNotFound: there is no object under the key.
	ErrNotFound = errors.New("object not found")
	// ErrKey: the key is not one; see CheckKey.
	ErrKey = errors.New("invalid object key")
	// ErrChecksum: the bytes are not those that were announced, by their
	// number or by their SHA-256.
	ErrChecksum = errors.New("object does not match its checksum")
	// ErrUnavailable: the store does not answer, is overloaded or broke off.
	// The same call may succeed later.
	ErrUnavailable = errors.New("object store is unavailable")
	// ErrConflict: another Put replaced the object meanwhile.
	ErrConflict = errors.New("object was replaced meanwhile")
	// ErrFull: the store has no room for the object.
	ErrFull = errors.New("object store is full")
	// ErrDenied: the store refuses the credentials: wrong, expired, or not
	// allowed to do this. It may succeed once they are renewed.
	ErrDenied = errors.New("object store refuses the credentials")
)

// Info describes an object.
type Info struct {
	Key         string
	ContentType string
	SHA256      string // of the content, 64 lower-case hexadecimal digits
	Size        int64  // bytes
	Modified    time.Time
}

// Reader reads one object, from any place in it. If the object is replaced
// meanwhile, the reader goes on with the old one or fails with ErrConflict; it
// never mixes them.
type Reader interface {
	io.ReadSeekCloser
	Info() Info
}

// Store keeps objects. It may be used from many goroutines.
type Store interface {
	// Put stores size bytes of body, read from its start, under key, replacing
	// what was there. When it returns nil the object is durable and proven to
	// be what sha256 says. It returns ErrChecksum, and stores nothing, if body
	// is not size bytes long or is something else. Putting the same again is
	// harmless, so an upload is repeated until it succeeds. Of two Puts of
	// different content at once, one stays and the other may get ErrConflict.
	Put(ctx context.Context, key string, body io.ReadSeeker, size int64, contentType, sha256 string) (Info, error)

	// Open returns a reader that is good for as long as ctx is.
	Open(ctx context.Context, key string) (Reader, error)

	// Delete removes an object; removing what is not there is no error.
	Delete(ctx context.Context, key string) error
}

// Lister is a Store that knows what it keeps.
type Lister interface {
	// List returns the keys below a directory: those that begin with dir and a
	// slash, in no order.
	List(ctx context.Context, dir string) ([]string, error)
}

// Parted is a Store that takes large objects in parts.
type Parted interface {
	// Resume is Put of a body that may be large, going on where an earlier try,
	// perhaps of another process, stopped: u is what save was last given for
	// this key, the zero Upload if nothing. save is called when the upload has
	// begun and after each part, and with the zero Upload when what there was is
	// worth nothing any more; its error ends the try.
	Resume(ctx context.Context, key string, body io.ReaderAt, size int64, contentType, sha256 string, u Upload, save func(Upload) error) (Info, error)

	// Abort ends unfinished uploads below a directory, empty for all, that
	// began before a time, but for those that keep wants. Their parts cost
	// money until then.
	Abort(ctx context.Context, dir string, before time.Time, keep func(key, id string) bool) error
}

// Upload is how far an upload in parts has come. It is the caller's to keep.
type Upload struct {
	ID     string `json:"id"`     // the service's
	Size   int64  `json:"size"`   // bytes, of the whole
	SHA256 string `json:"sha256"` // of the whole
	Parts  []Part `json:"parts"`  // that the service has taken, in order
}

// Part is one part as the service has taken it. Every part but the last has the same size.
type Part struct {
	Number int    `json:"number"` // from 1
	ETag   string `json:"etag"`
	CRC32C string `json:"crc32c"`
}

// Sent is how many bytes of the object the service has.
func (u Upload) Sent() int64 {
	var sent int64
	for _, p := range u.Parts {
		sent += partLength(p.Number, u.Size)
	}
	return sent
}
