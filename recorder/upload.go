package recorder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"showroom/call"
	"showroom/store/object"
)

// ErrLost: neither the spool nor the object store has the file as it was
// recorded. Trying again is of no use.
var ErrLost = errors.New("recording is lost")

// uploadSuffix is behind the name of a file in the spool whose upload is under
// way, for what the object store has of it.
const uploadSuffix = ".upload"

// Key of a conference's file in the object store. ManifestKey is the same for
// its manifest.
func Key(conference, name string) string { return call.ObjectKey(conference, name) }

// ManifestKey of a conference in the object store.
func ManifestKey(conference string) string { return Key(conference, manifestName) }

// Upload stores a finished file and has the store prove it. A large one goes
// in parts, straight from the disk, and a try that was interrupted, also by the
// end of the process, goes on with the part it had reached. sent is told how
// many bytes are there. The local file stays, see Release.
func (r *Recorder) Upload(ctx context.Context, conference string, f File, dst object.Store, sent func(int64)) error {
	if !validName(f.Name) {
		return fmt.Errorf("upload recording %q: %w", f.Name, ErrName)
	}
	key := Key(conference, f.Name)
	dir, err := r.spool.folder(conference, false)
	if errors.Is(err, fs.ErrNotExist) {
		return uploaded(ctx, key, f, dst)
	}
	if err != nil {
		return fmt.Errorf("upload %s: %w", key, err)
	}
	defer dir.close()
	body, err := dir.root.Open(f.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return uploaded(ctx, key, f, dst)
	}
	if err != nil {
		return fmt.Errorf("upload %s: %w", key, err)
	}
	defer body.Close()
	err = dir.put(ctx, key, body, f, dst, sent)
	if errors.Is(err, object.ErrChecksum) { // of the store's copy, or of ours
		if sum, size, serr := checksum(body); serr == nil && (sum != f.SHA256 || size != f.Size) {
			err = fmt.Errorf("%w: the file in the spool is damaged: %w", ErrLost, err)
		}
	}
	if err != nil {
		return fmt.Errorf("upload %s: %w", key, err)
	}
	return nil
}

// put brings the bytes over, in parts where the store takes them.
func (d *folder) put(ctx context.Context, key string, body *os.File, f File, dst object.Store, sent func(int64)) error {
	parted, ok := dst.(object.Parted)
	if !ok {
		_, err := dst.Put(ctx, key, body, f.Size, f.MediaType, f.SHA256)
		return err
	}
	u := d.upload(f.Name)
	sent(u.Sent())
	_, err := parted.Resume(ctx, key, body, f.Size, f.MediaType, f.SHA256, u, func(u object.Upload) error {
		sent(u.Sent())
		b, err := json.Marshal(u)
		if err != nil {
			return err
		}
		return d.save(f.Name+uploadSuffix, b)
	})
	return err
}

// upload is what the journal of a file's upload says; what it does not say well it does not say.
func (d *folder) upload(name string) (u object.Upload) {
	b, err := d.root.ReadFile(name + uploadSuffix)
	if err != nil || json.Unmarshal(b, &u) != nil {
		return object.Upload{}
	}
	return u
}

// KnowsUpload says whether an unfinished upload in the object store is one that
// this spool goes on with.
func (r *Recorder) KnowsUpload(key, id string) bool {
	parts := strings.Split(key, "/")
	if len(parts) != 3 || key != Key(parts[1], parts[2]) || !validName(parts[2]) {
		return false
	}
	dir, err := r.spool.folder(parts[1], false)
	if err != nil {
		return false
	}
	defer dir.close()
	return dir.upload(parts[2]).ID == id
}

// uploaded is what is left to ask when there is no local file.
func uploaded(ctx context.Context, key string, f File, dst object.Store) error {
	err := verify(ctx, dst, key, f)
	if errors.Is(err, object.ErrNotFound) || errors.Is(err, object.ErrChecksum) {
		return fmt.Errorf("%w: it is not in the spool: %w", ErrLost, err)
	}
	return err
}

// verify holds what the store says against the file.
func verify(ctx context.Context, dst object.Store, key string, f File) error {
	rd, err := dst.Open(ctx, key)
	if err != nil {
		return fmt.Errorf("verify %s: %w", key, err)
	}
	info := rd.Info()
	if err := rd.Close(); err != nil {
		return fmt.Errorf("verify %s: %w", key, err)
	}
	if info.Size != f.Size || info.SHA256 != f.SHA256 {
		return fmt.Errorf("verify %s: stored %d bytes with SHA-256 %.12s…, recorded %d with %.12s…: %w",
			key, info.Size, info.SHA256, f.Size, f.SHA256, object.ErrChecksum)
	}
	return nil
}

// Release deletes the local copy of a file that the object store has: it asks
// once more before. It may be repeated.
func (r *Recorder) Release(ctx context.Context, conference string, f File, dst object.Store) error {
	dir, err := r.spool.folder(conference, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("release recording %s of %q: %w", f.Name, conference, err)
	}
	defer dir.close()
	if _, err := dir.root.Stat(f.Name); errors.Is(err, fs.ErrNotExist) {
		return dir.remove(f.Name + uploadSuffix)
	}
	if err := verify(ctx, dst, Key(conference, f.Name), f); err != nil {
		return err
	}
	if err := errors.Join(dir.remove(f.Name), dir.remove(f.Name+uploadSuffix)); err != nil {
		return fmt.Errorf("release recording %s of %s: %w", f.Name, conference, err)
	}
	return dir.sync()
}

// Export stores the manifest, with the consents in it, and the consents with
// their evidence as a file of their own. It may be repeated; the last one
// stays.
func (r *Recorder) Export(ctx context.Context, c call.Case, dst object.Store) error {
	m, err := r.Manifest(c.Conference.ID)
	if errors.Is(err, fs.ErrNotExist) {
		m, err = manifestOf(c.Conference), nil
	}
	if err != nil {
		return err
	}
	m.Consents = c.Conference.Consents
	if err := putJSON(ctx, ManifestKey(m.Conference), m, dst); err != nil {
		return err
	}
	return putJSON(ctx, Key(m.Conference, call.ConsentsName), c.Evidence(), dst)
}

func putJSON(ctx context.Context, key string, v any, dst object.Store) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	sum := sha256.Sum256(b)
	if _, err := dst.Put(ctx, key, bytes.NewReader(b), int64(len(b)), "application/json", hex.EncodeToString(sum[:])); err != nil {
		return fmt.Errorf("upload %s: %w", key, err)
	}
	return nil
}
