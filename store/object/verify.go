package object

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// verifier passes a body on while it hashes it, and holds back the end until
// the hash is right: who copies from it to its end has the announced bytes,
// and in any other case gets an error.
type verifier struct {
	ctx  context.Context
	body io.Reader
	left int64 // bytes still to come
	want string
	sum  hash.Hash
	crc  hash.Hash32
	err  error
}

func newVerifier(ctx context.Context, body io.ReadSeeker, size int64, want string) (*verifier, error) {
	if size < 0 {
		return nil, fmt.Errorf("%w: size %d", ErrChecksum, size)
	}
	if raw, err := hex.DecodeString(want); err != nil || len(raw) != sha256.Size || hex.EncodeToString(raw) != want {
		return nil, fmt.Errorf("%w: %q is no SHA-256 in lower-case hexadecimal digits", ErrChecksum, want)
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("seek to the start of the body: %w", err)
	}
	crc := crc32.New(castagnoli)
	return &verifier{ctx: ctx, body: body, left: size, want: want, sum: sha256.New(), crc: crc}, nil
}

// Read implements io.Reader.
func (v *verifier) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	if v.err = v.ctx.Err(); v.err != nil {
		return 0, v.err
	}
	if v.left == 0 { // an empty body: all others end below
		v.err = v.finish()
		return 0, v.err
	}
	n, err := v.body.Read(p[:min(int64(len(p)), v.left)])
	v.sum.Write(p[:n])
	v.crc.Write(p[:n])
	v.left -= int64(n)
	switch {
	case v.left == 0:
		if v.err = v.finish(); !errors.Is(v.err, io.EOF) {
			return 0, v.err
		}
	case errors.Is(err, io.EOF):
		v.err = fmt.Errorf("%w: the body ends %d bytes early", ErrChecksum, v.left)
	case err != nil:
		v.err = fmt.Errorf("read the body: %w", err)
	}
	return n, v.err
}

// finish returns io.EOF if the body ended where it should and is what it should be.
func (v *verifier) finish() error {
	var one [1]byte
	if n, err := io.ReadFull(v.body, one[:]); n > 0 {
		return fmt.Errorf("%w: the body is longer than announced", ErrChecksum)
	} else if !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the body: %w", err)
	}
	if got := hex.EncodeToString(v.sum.Sum(nil)); got != v.want {
		return fmt.Errorf("%w: SHA-256 is %s, announced was %s", ErrChecksum, got, v.want)
	}
	return io.EOF
}

// crc32c returns the checksum of what was read, as S3 writes it.
func (v *verifier) crc32c() string { return base64.StdEncoding.EncodeToString(v.crc.Sum(nil)) }
