package object

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
)

const (
	checksumAlgorithm = "X-Amz-Checksum-Algorithm"
	checksumMode      = "X-Amz-Checksum-Type"
	listedParts       = 1000                   // in one answer, at most
	partPause         = 200 * time.Millisecond // before a part is tried again; then twice that
)

// partLength is the size of a part of an object, in bytes.
func partLength(number int, size int64) int64 {
	return max(0, min(partSize, size-int64(number-1)*partSize))
}

// Resume implements Parted. The body is read twice: first to see that it is
// what was announced, then, where the service has it not yet, to be sent. What
// is sent is never held in memory as a whole part.
func (s *S3) Resume(ctx context.Context, key string, body io.ReaderAt, size int64, contentType, sha256 string, u Upload, save func(Upload) error) (Info, error) {
	if size <= partSize {
		return s.Put(ctx, key, io.NewSectionReader(body, 0, math.MaxInt64), size, contentType, sha256)
	}
	if err := CheckKey(key); err != nil {
		return Info{}, err
	}
	if err := s.Prepare(ctx); err != nil {
		return Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	crcs, whole, err := survey(ctx, body, size, sha256)
	if err != nil {
		return Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	r := resumed{s: s, key: key, body: body, crcs: crcs, want: announced{size, sha256, whole}, contentType: contentType, save: save}
	info, err := r.run(ctx, u)
	if err != nil {
		return Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	return info, nil
}

// survey reads the body and returns the CRC32C of each part and of the whole,
// or ErrChecksum.
func survey(ctx context.Context, body io.ReaderAt, size int64, sha256 string) (parts []string, whole string, err error) {
	v, err := newVerifier(ctx, io.NewSectionReader(body, 0, math.MaxInt64), size, sha256)
	if err != nil {
		return nil, "", err
	}
	buffer := make([]byte, 64<<10)
	for n := 1; partLength(n, size) > 0; n++ {
		crc := crc32.New(castagnoli)
		// The verifier returns the last bytes together with io.EOF.
		if _, err := io.CopyBuffer(crc, io.LimitReader(v, partLength(n, size)), buffer); err != nil {
			return nil, "", err
		}
		parts = append(parts, base64.StdEncoding.EncodeToString(crc.Sum(nil)))
	}
	if v.err != nil && !errors.Is(v.err, io.EOF) {
		return nil, "", v.err
	}
	return parts, v.crc32c(), nil
}

// resumed is one try to upload an object in parts.
type resumed struct {
	s           *S3
	key         string
	body        io.ReaderAt
	crcs        []string // of the parts
	want        announced
	contentType string
	save        func(Upload) error
}

func (r *resumed) run(ctx context.Context, u Upload) (Info, error) {
	u, err := r.takeUp(ctx, u)
	if errors.Is(err, ErrNotFound) { // aborted, or completed and the answer was lost
		if info, err := r.s.prove(ctx, r.key, "", r.want); err == nil || !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrConflict) {
			return info, err
		}
		u, err = r.begin(ctx)
	}
	if err != nil {
		return Info{}, err
	}
	for n := len(u.Parts) + 1; n <= len(r.crcs); n++ {
		part, err := r.send(ctx, u.ID, n)
		if err != nil {
			return Info{}, r.orForget(err)
		}
		u.Parts = append(u.Parts, part)
		if err := r.save(u); err != nil {
			return Info{}, err
		}
	}
	return r.complete(ctx, u)
}

// takeUp is the upload as far as the service has it, too: only those parts
// count that are what the body says, from the first on.
func (r *resumed) takeUp(ctx context.Context, u Upload) (Upload, error) {
	if u.ID == "" || u.Size != r.want.size || u.SHA256 != r.want.sha256 {
		return r.begin(ctx)
	}
	has := map[int]minio.ObjectPart{}
	for marker := 0; ; {
		list, err := r.s.client.ListObjectParts(ctx, r.s.bucket, r.s.prefix+r.key, u.ID, marker, listedParts)
		if err != nil {
			return u, s3Error(ctx, err)
		}
		for _, p := range list.ObjectParts {
			has[p.PartNumber] = p
		}
		if !list.IsTruncated || list.NextPartNumberMarker <= marker {
			break
		}
		marker = list.NextPartNumberMarker
	}
	var good []Part
	for i, p := range u.Parts {
		at := has[p.Number]
		if p.Number != i+1 || i >= len(r.crcs) || p.CRC32C != r.crcs[i] || trimQuotes(at.ETag) != p.ETag || at.Size != partLength(p.Number, r.want.size) {
			break
		}
		good = append(good, p)
	}
	u.Parts = good
	return u, nil
}

func (r *resumed) begin(ctx context.Context) (Upload, error) {
	id, err := r.s.client.NewMultipartUpload(ctx, r.s.bucket, r.s.prefix+r.key, minio.PutObjectOptions{
		ContentType: r.contentType,
		UserMetadata: map[string]string{
			sha256Key:         r.want.sha256,
			checksumAlgorithm: minio.ChecksumCRC32C.String(),
			checksumMode:      minio.ChecksumFullObjectMode.String(),
		},
	})
	if err != nil {
		return Upload{}, s3Error(ctx, err)
	}
	u := Upload{ID: id, Size: r.want.size, SHA256: r.want.sha256}
	return u, r.save(u)
}

// send sends one part, again after a while if the connection broke.
func (r *resumed) send(ctx context.Context, id string, n int) (p Part, err error) {
	for try := range attempts {
		if p, err = r.sendOnce(ctx, id, n); !errors.Is(err, ErrUnavailable) || try == attempts-1 {
			break
		}
		select {
		case <-time.After(partPause << try):
		case <-ctx.Done():
			return p, s3Error(ctx, ctx.Err())
		}
	}
	return p, err
}

// sendOnce sends one part with its CRC32C, which the service checks. The body is shown to the
// library as one that cannot be rewound: it would do so while the transport may still be reading.
func (r *resumed) sendOnce(ctx context.Context, id string, n int) (Part, error) {
	length := partLength(n, r.want.size)
	header := http.Header{}
	header.Set(minio.ChecksumCRC32C.Key(), r.crcs[n-1])
	header.Set(checksumAlgorithm, minio.ChecksumCRC32C.String())
	body := struct{ io.Reader }{io.NewSectionReader(r.body, int64(n-1)*partSize, length)}
	p, err := r.s.client.PutObjectPart(ctx, r.s.bucket, r.s.prefix+r.key, id, n, body, length, minio.PutObjectPartOptions{CustomHeader: header})
	if err != nil {
		return Part{}, s3Error(ctx, err)
	}
	return Part{Number: n, ETag: p.ETag, CRC32C: r.crcs[n-1]}, nil
}

func (r *resumed) complete(ctx context.Context, u Upload) (Info, error) {
	parts := make([]minio.CompletePart, len(u.Parts))
	for i, p := range u.Parts {
		parts[i] = minio.CompletePart{PartNumber: p.Number, ETag: p.ETag, ChecksumCRC32C: p.CRC32C}
	}
	sent, err := r.s.patient.CompleteMultipartUpload(ctx, r.s.bucket, r.s.prefix+r.key, u.ID, parts, minio.PutObjectOptions{UserMetadata: map[string]string{
		minio.ChecksumCRC32C.Key(): r.want.crc32c,
		checksumMode:               minio.ChecksumFullObjectMode.String(),
	}})
	if err = s3Error(ctx, err); errors.Is(err, ErrNotFound) { // a try before, whose answer was lost, or which is still at it
		info, err := r.s.prove(ctx, r.key, "", r.want)
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("%w: neither the upload is there nor, yet, the object", ErrUnavailable)
		}
		return info, r.orForget(err)
	}
	if err != nil {
		return Info{}, r.orForget(err)
	}
	info, err := r.s.prove(ctx, r.key, sent.ETag, r.want)
	return info, r.orForget(err)
}

// orForget keeps what there is for the next try, unless the error says that it is worth nothing.
func (r *resumed) orForget(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrDenied) || errors.Is(err, ErrFull) || errors.Is(err, context.Canceled) {
		return err
	}
	return errors.Join(err, r.save(Upload{}))
}

func trimQuotes(etag string) string {
	if len(etag) > 1 && etag[0] == '"' && etag[len(etag)-1] == '"' {
		return etag[1 : len(etag)-1]
	}
	return etag
}
