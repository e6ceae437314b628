package object

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"
)

// s3Reader reads an object by one request from each place it is read from.
type s3Reader struct {
	s    *S3
	ctx  context.Context
	info Info
	etag string // which version; another is never read

	offset int64
	body   io.ReadCloser // nil, or a response that stands at offset
	closed bool
}

// Open implements Store. It asks for the description only.
func (s *S3) Open(ctx context.Context, key string) (Reader, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	o, err := s.client.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", key, s3Error(ctx, err))
	}
	return &s3Reader{s: s, ctx: ctx, info: s.info(key, o), etag: o.ETag}, nil
}

// Info implements Reader.
func (r *s3Reader) Info() Info { return r.info }

// Read implements io.Reader.
func (r *s3Reader) Read(p []byte) (int, error) {
	if r.closed {
		return 0, fmt.Errorf("read %s: reader is closed", r.info.Key)
	}
	if r.offset >= r.info.Size {
		return 0, io.EOF
	}
	if r.body == nil {
		if err := r.request(); err != nil {
			return 0, fmt.Errorf("read %s: %w", r.info.Key, s3Error(r.ctx, err))
		}
	}
	n, err := r.body.Read(p)
	r.offset += int64(n)
	if errors.Is(err, io.EOF) && r.offset < r.info.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && !errors.Is(err, io.EOF) {
		r.drop()
		err = fmt.Errorf("read %s: %w", r.info.Key, s3Error(r.ctx, err))
	}
	return n, err
}

// request asks for everything from the offset on.
func (r *s3Reader) request() error {
	var opts minio.GetObjectOptions
	if err := opts.SetMatchETag(r.etag); err != nil {
		return err
	}
	if r.offset > 0 {
		if err := opts.SetRange(r.offset, 0); err != nil {
			return err
		}
	}
	body, _, _, err := r.s.client.GetObject(r.ctx, r.s.bucket, r.s.prefix+r.info.Key, opts)
	if err == nil {
		r.body = body
	}
	return err
}

// Seek implements io.Seeker. It moves nothing but a number.
func (r *s3Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.offset
	case io.SeekEnd:
		offset += r.info.Size
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek %s: to byte %d", r.info.Key, offset)
	}
	if offset != r.offset {
		r.drop()
	}
	r.offset = offset
	return offset, nil
}

// Close implements io.Closer.
func (r *s3Reader) Close() error {
	r.closed = true
	r.drop()
	return nil
}

// drop gives up the response. What was not read of it is not waited for.
func (r *s3Reader) drop() {
	if r.body != nil {
		r.body.Close()
		r.body = nil
	}
}
