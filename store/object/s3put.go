package object

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"
)

// sha256Key is the name of our checksum in the object's user metadata. The
// service's own is a CRC32C.
const sha256Key = "Sha256"

// Put implements Store. Parts are buffered, one at a time, so that they can be
// sent again; the last one is held back until the whole was verified.
func (s *S3) Put(ctx context.Context, key string, body io.ReadSeeker, size int64, contentType, sha256 string) (Info, error) {
	if err := CheckKey(key); err != nil {
		return Info{}, err
	}
	v, err := newVerifier(ctx, body, size, sha256)
	if err != nil {
		return Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	if err := s.Prepare(ctx); err != nil {
		return Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	etag, err := s.send(ctx, key, v, size, minio.PutObjectOptions{
		ContentType:  contentType,
		UserMetadata: map[string]string{sha256Key: sha256},
		PartSize:     partSize,
	})
	var info Info
	if err == nil {
		info, err = s.prove(ctx, key, etag, announced{size, v.want, v.crc32c()})
	}
	if err != nil {
		return Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	return info, nil
}

// send uploads what v gives, in one request or in parts, with a CRC32C that the
// service checks. A single request names it in a header: minio-go would put it
// behind the body, and there sends that of no bytes (v7.4.1, over plain HTTP).
// An error of v, not the library's words for it, is what the caller should see.
func (s *S3) send(ctx context.Context, key string, v *verifier, size int64, opts minio.PutObjectOptions) (etag string, err error) {
	var body io.Reader = v
	if size <= partSize {
		var whole bytes.Buffer
		whole.Grow(int(size) + bytes.MinRead)
		if _, err := whole.ReadFrom(v); err != nil {
			return "", err
		}
		body = bytes.NewReader(whole.Bytes())
		opts.UserMetadata[minio.ChecksumCRC32C.Key()] = v.crc32c()
	} else {
		opts.Checksum = minio.ChecksumFullObjectCRC32C
	}
	sent, err := s.client.Client.PutObject(ctx, s.bucket, s.prefix+key, body, size, opts)
	if err != nil && v.err != nil && !errors.Is(v.err, io.EOF) {
		return "", v.err
	}
	return sent.ETag, s3Error(ctx, err)
}

// announced is what an object should be.
type announced struct {
	size           int64
	sha256, crc32c string
}

// prove asks what the service has stored. One that stored something else loses
// it again, after a second look: some services answer with a mixture while
// another Put replaces the object. Without an etag the object is whatever is
// there.
func (s *S3) prove(ctx context.Context, key, etag string, want announced) (Info, error) {
	for range 2 {
		o, err := s.client.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{Checksum: true})
		if err != nil {
			return Info{}, s3Error(ctx, err)
		}
		if etag != "" && o.ETag != etag {
			return Info{}, ErrConflict
		}
		info := s.info(key, o)
		good := info.Size == want.size && info.SHA256 == want.sha256
		if good {
			good, err = s.same(ctx, key, o, want)
		}
		if err != nil || good {
			return info, err
		}
	}
	if etag == "" {
		return Info{}, ErrConflict // somebody else's
	}
	return Info{}, errors.Join(fmt.Errorf("%w: the service stored something else", ErrChecksum), s.Delete(ctx, key))
}

// same compares the stored bytes with those that were sent, by the CRC32C of
// the whole or, from a service that keeps none, by fetching them.
func (s *S3) same(ctx context.Context, key string, o minio.ObjectInfo, want announced) (bool, error) {
	if o.ChecksumCRC32C != "" && o.ChecksumMode == minio.ChecksumFullObjectMode.String() {
		return o.ChecksumCRC32C == want.crc32c, nil
	}
	return s.readBack(ctx, key, want.sha256)
}

// readBack tells whether the stored object has the checksum.
func (s *S3) readBack(ctx context.Context, key, want string) (bool, error) {
	r, err := s.Open(ctx, key)
	if err != nil {
		return false, err
	}
	defer r.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, r); err != nil {
		return false, err
	}
	return hex.EncodeToString(sum.Sum(nil)) == want, nil
}

func (s *S3) info(key string, o minio.ObjectInfo) Info {
	return Info{Key: key, ContentType: o.ContentType, SHA256: o.UserMetadata[sha256Key], Size: o.Size, Modified: o.LastModified}
}
