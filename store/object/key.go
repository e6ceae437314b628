package object

import (
	"fmt"
	"strings"
)

const (
	maxKey     = 512 // bytes; S3 allows 1024 with our prefix in front
	maxSegment = 200 // bytes; file systems allow 255 with our suffix behind
)

// CheckKey returns nil or an ErrKey that says what is wrong. A key is a
// relative path of segments made of a-z, 0-9, '_', '-' and '.', none of which
// begins with a dot: no "..", no hidden file, nothing a file system or a URL
// could read in two ways. A key is not the directory of another key: with
// "a/b" stored, "a" cannot be.
func CheckKey(key string) error {
	if key == "" || len(key) > maxKey {
		return fmt.Errorf("%w: %d bytes, 1 to %d allowed", ErrKey, len(key), maxKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment[0] == '.' || len(segment) > maxSegment {
			return fmt.Errorf("%w %q: a part is empty, begins with a dot or is longer than %d bytes", ErrKey, key, maxSegment)
		}
		for _, c := range []byte(segment) {
			if !keyByte(c) {
				return fmt.Errorf("%w %q: only a-z, 0-9, '_', '-', '.' and '/' are allowed", ErrKey, key)
			}
		}
	}
	return nil
}

func keyByte(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
}
