package object

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
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

	// completion is how long a service may be silent while it makes one object
	// of parts. versitygw takes more than 10 s for a GiB.
	completion = 15 * time.Minute
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
	client   minio.Core
	patient  minio.Core // to complete uploads, which a service may be silent over for long, and must not be asked for twice
	closers  []*http.Transport
	config   S3Config
	bucket   string
	prefix   string // of every key: empty, or ends in a slash
	prepared atomic.Bool
}

// NewS3 returns the store without asking the service anything, so that
// Showroom starts, and holds calls, while the service is away.
func NewS3(c S3Config) (*S3, error) {
	if c.Bucket == "" {
		return nil, errors.New("S3: no bucket is configured")
	}
	if strings.Contains(c.Endpoint, "/") {
		return nil, fmt.Errorf("S3 endpoint %q: want host or host:port alone; whether to use TLS is a setting of its own", c.Endpoint)
	}
	prefix := ""
	if c.Prefix != "" {
		if err := CheckKey(c.Prefix); err != nil {
			return nil, fmt.Errorf("S3 prefix: %w", err)
		}
		prefix = c.Prefix + "/"
	}
	c.Region = cmp.Or(c.Region, "us-east-1")
	s := &S3{config: c, bucket: c.Bucket, prefix: prefix}
	silence := cmp.Or(c.Timeout, time.Minute)
	client, err := s.connect(silence, attempts)
	if err != nil {
		return nil, fmt.Errorf("S3 endpoint %q: %w", c.Endpoint, err)
	}
	patient, err := s.connect(max(silence, completion), 1)
	if err != nil {
		return nil, fmt.Errorf("S3 endpoint %q: %w", c.Endpoint, err)
	}
	s.client, s.patient = *client, *patient
	return s, nil
}

// connect makes a client that waits for an answer for so long and sends a request so often.
func (s *S3) connect(silence time.Duration, attempts int) (*minio.Core, error) {
	c := s.config
	style := minio.BucketLookupDNS
	if c.PathStyle {
		style = minio.BucketLookupPath
	}
	transport := newTransport(silence)
	s.closers = append(s.closers, transport)
	return minio.NewCore(c.Endpoint, &minio.Options{
		Creds:           credentials.NewStaticV4(c.AccessKey, c.SecretKey, ""),
		Secure:          c.TLS,
		Transport:       transport,
		Region:          c.Region,
		BucketLookup:    style,
		TrailingHeaders: true, // minio-go sends checksums only with this
		MaxRetries:      attempts,
	})
}

// Prepare creates the bucket if it is not there. Put does it once by itself;
// call it to learn at the start whether the configuration is right.
func (s *S3) Prepare(ctx context.Context) error {
	if s.prepared.Load() {
		return nil
	}
	if err := s.makeBucket(ctx); err != nil {
		return fmt.Errorf("S3 bucket %q at %s: %w", s.bucket, s.config.Endpoint, s3Error(ctx, err))
	}
	s.prepared.Store(true)
	return nil
}

func (s *S3) makeBucket(ctx context.Context) error {
	found, err := s.client.BucketExists(ctx, s.bucket)
	if err != nil || found {
		return err
	}
	err = s.client.MakeBucket(ctx, s.bucket, minio.MakeBucketOptions{Region: s.config.Region})
	if minio.ToErrorResponse(err).Code == minio.BucketAlreadyOwnedByYou {
		return nil // made by another process since
	}
	return err
}

// Abort implements Parted.
func (s *S3) Abort(ctx context.Context, dir string, before time.Time, keep func(key, id string) bool) error {
	if err := s.abort(ctx, below(dir), before, keep); err != nil && !errors.Is(err, ErrNotFound) { // no bucket, no uploads
		return fmt.Errorf("abort uploads of S3 bucket %q at %s: %w", s.bucket, s.config.Endpoint, err)
	}
	return nil
}

func (s *S3) abort(ctx context.Context, prefix string, before time.Time, keep func(key, id string) bool) error {
	ctx, cancel := context.WithCancel(ctx) // ends the listing, whatever happens
	defer cancel()
	for u := range s.client.ListIncompleteUploads(ctx, s.bucket, s.prefix+prefix, true) {
		if u.Err != nil {
			return s3Error(ctx, u.Err)
		}
		if !u.Initiated.Before(before) || keep != nil && keep(strings.TrimPrefix(u.Key, s.prefix), u.UploadID) {
			continue
		}
		err := s.client.AbortMultipartUpload(ctx, s.bucket, u.Key, u.UploadID)
		if err := s3Error(ctx, err); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// List implements Lister.
func (s *S3) List(ctx context.Context, dir string) ([]string, error) {
	if err := CheckKey(dir); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx) // ends the listing, whatever happens
	defer cancel()
	var keys []string
	for o := range s.client.Client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.prefix + below(dir), Recursive: true}) {
		switch err := s3Error(ctx, o.Err); {
		case errors.Is(err, ErrNotFound): // no bucket
			return nil, nil
		case err != nil:
			return nil, fmt.Errorf("list %s: %w", dir, err)
		}
		keys = append(keys, strings.TrimPrefix(o.Key, s.prefix))
	}
	return keys, nil
}

// below is what the keys below a directory begin with.
func below(dir string) string {
	if dir == "" {
		return ""
	}
	return dir + "/"
}

// Close closes idle connections.
func (s *S3) Close() error {
	for _, t := range s.closers {
		t.CloseIdleConnections()
	}
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
