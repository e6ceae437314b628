package object

import (
	"context"

	"github.com/minio/minio-go/v7"
)

// Begin begins an upload in parts and leaves it.
func (s *S3) Begin(ctx context.Context, key string) error {
	_, err := s.client.NewMultipartUpload(ctx, s.bucket, s.prefix+key, minio.PutObjectOptions{})
	return err
}

// Unfinished counts uploads that were begun and not ended.
func (s *S3) Unfinished(ctx context.Context) (int, error) {
	n := 0
	for u := range s.client.ListIncompleteUploads(ctx, s.bucket, s.prefix, true) {
		if u.Err != nil {
			return 0, u.Err
		}
		n++
	}
	return n, nil
}
