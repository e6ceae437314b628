package object

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"
)

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
		for _, ours := range []error{ErrChecksum, ErrNotFound, ErrUnavailable, ErrFull, ErrConflict, ErrDenied} {
			if errors.Is(err, ours) {
				return err
			}
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err) // no answer at all
	}
	switch {
	case answer.Code == minio.NoSuchKey, answer.Code == minio.NoSuchUpload, answer.Code == minio.NoSuchBucket:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusUnauthorized, strings.HasPrefix(answer.Code, "Expired"):
		return fmt.Errorf("%w: %w", ErrDenied, err)
	case answer.StatusCode == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", ErrConflict, err)
	case strings.Contains(answer.Code, "StorageFull"), answer.Code == "QuotaExceeded", answer.StatusCode == http.StatusInsufficientStorage:
		return fmt.Errorf("%w: %w", ErrFull, err)
	case answer.StatusCode >= 500, answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusRequestTimeout:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}
