package object

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// partSize is what one Put holds in memory, in bytes. An object has at
	// most 10,000 parts, so this allows 78 GiB.
	partSize = 8 << 20

	// attempts is how often a request is sent. Callers repeat the whole Put
	// for as long as it takes; this is for a connection that was cut.
	attempts = 3

	// abandoned is the age at which an upload in parts counts as left behind
	// by a killed process. Others may be using the bucket right now.
	abandoned = 24 * time.Hour
)

// S3Config says which bucket to use.
type S3Config struct {
	Endpoint  string // host or host:port, without a scheme
	Region    string // empty: us-east-1
	Bucket    string // created if it is not there
	Prefix    string // put before every key, a key itself; empty for none
	AccessKey string
	SecretKey string
	TLS       bool // https

	// PathStyle puts the bucket into the path instead of the host name, as
	// most services but Amazon's want it.
	PathStyle bool

	// Timeout is how long the service may be silent in the middle of a
	// request. Zero means one minute.
	Timeout time.Duration
}

// S3 is a Store in a bucket of an S3 service.
type S3 struct {
	client    minio.Core
	transport *http.Transport
	bucket    string
	prefix    string
}

// NewS3 connects to the service, creates the bucket if it is not there, and
// aborts uploads that were left behind a day or more ago.
func NewS3(ctx context.Context, c S3Config) (*S3, error) {
	if c.Prefix != "" {
		if err := CheckKey(c.Prefix); err != nil {
			return nil, fmt.Errorf("S3 prefix: %w", err)
		}
		c.Prefix += "/"
	}
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	transport := newTransport(c.Timeout)
	style := minio.BucketLookupDNS
	if c.PathStyle {
		style = minio.BucketLookupPath
	}
	client, err := minio.NewCore(c.Endpoint, &minio.Options{
		Creds:           credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""),
		Secure:          c.TLS,
		Transport:       transport,
		Region:          c.Region,
		BucketLookup:    style,
		TrailingHeaders: true, // CRC32C of each part, behind it
		MaxRetries:      attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("S3 endpoint %q: %w", c.Endpoint, err)
	}
	s := &S3{client: *client, transport: transport, bucket: c.Bucket, prefix: c.Prefix}
	if err := s.prepare(ctx, c.Region); err != nil {
		s.Close()
		return nil, fmt.Errorf("S3 bucket %q at %s: %w", c.Bucket, c.Endpoint, err)
	}
	return s, nil
}

// prepare makes sure that the bucket is there and clean.
func (s *S3) prepare(ctx context.Context, region string) error {
	found, err := s.client.BucketExists(ctx, s.bucket)
	if err != nil {
		return s3Error(ctx, err)
	}
	if !found {
		err := s.client.MakeBucket(ctx, s.bucket, minio.MakeBucketOptions{Region: region})
		if err != nil && minio.ToErrorResponse(err).Code != minio.BucketAlreadyOwnedByYou {
			return s3Error(ctx, err)
		}
	}
	return s.abortOlder(ctx, abandoned)
}

// abortOlder aborts unfinished uploads that began longer than age ago: the
// service keeps and bills their parts.
func (s *S3) abortOlder(ctx context.Context, age time.Duration) error {
	ctx, cancel := context.WithCancel(ctx) // ends the listing, whatever happens
	defer cancel()
	for u := range s.client.ListIncompleteUploads(ctx, s.bucket, s.prefix, true) {
		if u.Err != nil {
			return s3Error(ctx, u.Err)
		}
		if time.Since(u.Initiated) < age {
			continue
		}
		err := s.client.AbortMultipartUpload(ctx, s.bucket, u.Key, u.UploadID)
		if err := s3Error(ctx, err); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// Close closes idle connections.
func (s *S3) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	err := s.client.RemoveObject(ctx, s.bucket, s.prefix+key, minio.RemoveObjectOptions{})
	if err := s3Error(ctx, err); err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// s3Error gives the service's and the network's errors the names of this package.
func s3Error(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ctx.Err()
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		for _, ours := range []error{ErrChecksum, ErrNotFound, ErrUnavailable, ErrFull, ErrConflict} {
			if errors.Is(err, ours) {
				return err
			}
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err) // no answer at all
	}
	switch {
	case answer.Code == minio.NoSuchKey, answer.Code == minio.NoSuchUpload:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case answer.StatusCode == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case strings.Contains(answer.Code, "StorageFull"), answer.Code == "QuotaExceeded", answer.StatusCode == http.StatusInsufficientStorage:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case answer.StatusCode >= 500, answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusRequestTimeout:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
