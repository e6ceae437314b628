package objecttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"showroom/store/object"
)

func testWrongBody(t *testing.T, s object.Store) {
	for _, size := range []int{0, 10, 12 << 20} {
		good := Bytes(1, size)
		bad := append(Bytes(1, size), 'x')
		flipped := Bytes(1, size)
		if size > 0 {
			flipped[size-1] ^= 1
		} else {
			flipped = []byte("x")
		}
		cases := []struct {
			name string
			body []byte
			size int
			sum  string
		}{
			{"flipped bit", flipped, size, Sum(good)},
			{"too long", bad, size, Sum(good)},
			{"too short", good, size + 1, Sum(good)},
			{"no checksum", good, size, ""},
			{"upper case", good, size, strings.ToUpper(Sum(good))},
			{"odd checksum", good, size, Sum(good)[1:]},
			{"negative size", good, -1, Sum(good)},
		}
		for _, old := range [][]byte{nil, []byte("the old one")} {
			key := fmt.Sprintf("wrong/%d", size)
			if old != nil {
				Put(t, s, key, old)
			}
			for _, c := range cases {
				_, err := s.Put(t.Context(), key, bytes.NewReader(c.body), int64(c.size), "", c.sum)
				if !errors.Is(err, object.ErrChecksum) {
					t.Errorf("%s, %d bytes: %v, want ErrChecksum", c.name, size, err)
				}
				Expect(t, s, key, old)
			}
		}
	}
}

var errBody = errors.New("the disk under the body is gone")

// failing is a body that fails at a place.
type failing struct {
	*bytes.Reader
	at int64
}

func (f *failing) Read(p []byte) (int, error) {
	if f.Size()-int64(f.Len()) >= f.at {
		return 0, errBody
	}
	return f.Reader.Read(p[:min(len(p), 64<<10)])
}

func testBrokenBody(t *testing.T, s object.Store) {
	old := []byte("the old one")
	Put(t, s, "broken", old)
	for _, size := range []int{10, 20 << 20} {
		b := Bytes(1, size)
		for _, at := range []int64{0, int64(size) / 2, int64(size)} {
			body := &failing{bytes.NewReader(b), at}
			_, err := s.Put(t.Context(), "broken", body, int64(size), "", Sum(b))
			if !errors.Is(err, errBody) {
				t.Errorf("body of %d failing at %d: %v", size, at, err)
			}
			Expect(t, s, "broken", old)
		}
	}
}

// cancelling is a body that ends its Put's context half-way.
type cancelling struct {
	*bytes.Reader
	cancel func()
}

func (c *cancelling) Read(p []byte) (int, error) {
	if c.Len() < int(c.Size())/2 {
		c.cancel()
	}
	return c.Reader.Read(p[:min(len(p), 64<<10)])
}

func testCancel(t *testing.T, s object.Store) {
	old := []byte("the old one")
	Put(t, s, "cancel", old)
	ctx, cancel := context.WithCancel(t.Context())
	b := Bytes(1, 24<<20)
	_, err := s.Put(ctx, "cancel", &cancelling{bytes.NewReader(b), cancel}, int64(len(b)), "", Sum(b))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Put = %v, want Canceled", err)
	}
	if _, err := s.Open(ctx, "cancel"); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v, want Canceled", err)
	}
	if err := s.Delete(ctx, "cancel"); !errors.Is(err, context.Canceled) {
		t.Errorf("Delete = %v, want Canceled", err)
	}
	Expect(t, s, "cancel", old)
}
