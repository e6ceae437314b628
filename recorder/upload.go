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

	"showroom/store/object"
)

// Key of a conference's file in the object store. ManifestKey is the same for
// its manifest.
func Key(conference, name string) string { return "recordings/" + conference + "/" + name }

// ManifestKey of a conference in the object store.
func ManifestKey(conference string) string { return Key(conference, manifestName) }

// Upload stores a finished file, reads back what the store says of it, and
// only then deletes the local one. It may be repeated, also after it succeeded
// or was interrupted.
func (r *Recorder) Upload(ctx context.Context, conference string, f File, dst object.Store) error {
	if !validName(f.Name) {
		return fmt.Errorf("upload recording %q: %w", f.Name, ErrName)
	}
	dir, err := r.spool.folder(conference, false)
	if errors.Is(err, fs.ErrNotExist) {
		return r.uploaded(ctx, conference, f, dst)
	}
	if err != nil {
		return fmt.Errorf("upload recording %s of %q: %w", f.Name, conference, err)
	}
	defer dir.close()
	body, err := dir.root.Open(f.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return r.uploaded(ctx, conference, f, dst)
	}
	if err != nil {
		return fmt.Errorf("upload recording: %w", err)
	}
	defer body.Close()
	key := Key(conference, f.Name)
	if _, err := dst.Put(ctx, key, body, f.Size, f.MediaType, f.SHA256); err != nil {
		return fmt.Errorf("upload %s: %w", key, err)
	}
	if err := verify(ctx, dst, key, f); err != nil {
		return err
	}
	if err := dir.remove(f.Name); err != nil {
		return fmt.Errorf("upload %s: delete local file: %w", key, err)
	}
	return dir.sync()
}

// uploaded is what is left to ask when there is no local file.
func (r *Recorder) uploaded(ctx context.Context, conference string, f File, dst object.Store) error {
	if err := verify(ctx, dst, Key(conference, f.Name), f); err != nil {
		return fmt.Errorf("recording is not in the spool: %w", err)
	}
	return nil
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

// UploadManifest stores the manifest as the spool has it. It may be repeated;
// the last one stays.
func (r *Recorder) UploadManifest(ctx context.Context, conference string, dst object.Store) error {
	m, err := r.Manifest(conference)
	if err != nil {
		return err
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("upload manifest: %w", err)
	}
	sum := sha256.Sum256(b)
	key := ManifestKey(conference)
	if _, err := dst.Put(ctx, key, bytes.NewReader(b), int64(len(b)), "application/json", hex.EncodeToString(sum[:])); err != nil {
		return fmt.Errorf("upload %s: %w", key, err)
	}
	return nil
}

// Manifest of a conference that this spool has recorded: the files that are finished.
func (r *Recorder) Manifest(conference string) (Manifest, error) {
	dir, err := r.spool.folder(conference, false)
	if err != nil {
		return Manifest{}, fmt.Errorf("manifest of %q: %w", conference, err)
	}
	defer dir.close()
	m, err := readManifest(dir)
	if err != nil {
		return m, fmt.Errorf("manifest of %q: %w", conference, err)
	}
	if m.Version == 0 {
		return m, fmt.Errorf("manifest of %q: %w", conference, fs.ErrNotExist)
	}
	return m, nil
}
