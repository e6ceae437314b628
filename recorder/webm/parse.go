package webm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/at-wat/ebml-go"
)

// parseCluster reads the blocks of one cluster; they must rise and lie close together, as this package writes them.
func (w *Writer) parseCluster(body []byte) ([]Block, bool) {
	var blocks []Block
	var base, last int64
	for len(body) > 0 {
		id, data, rest, ok := element(body)
		if !ok {
			return nil, false
		}
		body = rest
		switch id {
		case 0xE7: // Timecode
			base = int64(number(data))
			if base < 0 || base > maxTime.Milliseconds() {
				return nil, false
			}
			last = base
		case 0xA3: // SimpleBlock
			track, n := vint(data)
			if n == 0 || len(data) < n+4 || track < 1 || track > uint64(len(w.head.tracks)) {
				return nil, false
			}
			at := base + int64(int16(binary.BigEndian.Uint16(data[n:])))
			if at < last || at-base > maxSpan.Milliseconds() {
				return nil, false
			}
			last = at
			blocks = append(blocks, Block{
				Track: int(track), Time: time.Duration(at) * time.Millisecond,
				Keyframe: data[n+2]&0x80 != 0, Data: data[n+3:],
			})
		}
	}
	return blocks, len(blocks) > 0
}

// parseHead reads what render has written.
func parseHead(b []byte) (head, error) {
	var h head
	id, data, rest, ok := element(b)
	if !ok || id != 0x1A45DFA3 {
		return h, fmt.Errorf("read head: %w: no EBML header", ErrBadFile)
	}
	h.format = WebM
	if bytes.Contains(data, []byte("matroska")) {
		h.format = Matroska
	}
	if len(rest) < 12 || !bytes.Equal(rest[:4], idSegment) {
		return h, fmt.Errorf("read head: %w: no segment", ErrBadFile)
	}
	for rest = rest[12:]; len(rest) > 0; {
		at := rest
		if id, data, rest, ok = element(rest); !ok {
			return h, fmt.Errorf("read head: %w: torn", ErrBadFile)
		}
		at = at[:len(at)-len(rest)]
		switch id {
		case 0x1549A966:
			var v struct {
				Info info `ebml:"Info"`
			}
			if err := unmarshal(at, &v); err != nil {
				return h, err
			}
			h.started = v.Info.DateUTC
		case 0x1654AE6B:
			var v struct {
				Tracks tracks `ebml:"Tracks"`
			}
			if err := unmarshal(at, &v); err != nil {
				return h, err
			}
			for _, e := range v.Tracks.Entry {
				h.tracks = append(h.tracks, trackOf(e))
			}
		}
	}
	if len(data) == 0 && len(h.tracks) == 0 {
		return h, fmt.Errorf("read head: %w: no tracks", ErrBadFile)
	}
	return h, nil
}

func trackOf(e trackEntry) Track {
	t := Track{Codec: e.CodecID, Private: e.CodecPrivate}
	if e.Video != nil {
		t.Width, t.Height = int(e.Video.Width), int(e.Video.Height)
	}
	if e.Audio != nil {
		t.Channels = int(e.Audio.Channels)
	}
	return t
}

func unmarshal(b []byte, v any) (err error) {
	defer func() { // ebml-go meets bytes from a disk here
		if r := recover(); r != nil {
			err = fmt.Errorf("read head: %w: %v", ErrBadFile, r)
		}
	}()
	if err := ebml.Unmarshal(bytes.NewReader(b), v); err != nil {
		return fmt.Errorf("read head: %w: %w", ErrBadFile, err)
	}
	return nil
}

// element splits the first element off; its size must be known and within b.
func element(b []byte) (id uint64, data, rest []byte, ok bool) {
	if len(b) == 0 || b[0] == 0 {
		return 0, nil, nil, false
	}
	n := 1
	for mask := byte(0x80); b[0]&mask == 0; mask >>= 1 {
		n++
	}
	if n > 4 || len(b) <= n {
		return 0, nil, nil, false
	}
	id = number(b[:n])
	size, used := vint(b[n:])
	if used == 0 || size > uint64(len(b)-n-used) {
		return 0, nil, nil, false
	}
	start := n + used
	return id, b[start : start+int(size)], b[start+int(size):], true
}

// vint reads an EBML variable-length number; 0 bytes used if there is none.
func vint(b []byte) (v uint64, used int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	n, mask := 1, byte(0x80)
	for b[0]&mask == 0 {
		n++
		mask >>= 1
	}
	if len(b) < n {
		return 0, 0
	}
	v = uint64(b[0] &^ mask)
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}

// number reads a big-endian number of up to eight bytes.
func number(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}
