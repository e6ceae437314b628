package webm

import (
	"fmt"
	"time"
)

// HeadSize is the room reserved at the start of a file, bytes.
const HeadSize = 4096

// minVoid is the smallest filler: its ID and an eight-byte size.
const minVoid = 9

// cueSeek is at least what the entry for the Cues adds to the SeekHead, bytes.
const cueSeek = 32

// head is all that is told at the start of a file; it is rendered again
// whenever something in it changes.
type head struct {
	format   Format
	started  time.Time
	tracks   []Track
	duration time.Duration // 0 while the file grows
	cues     int64         // file offset of the Cues, 0 while there are none
	size     int64         // of the whole file, 0 while it grows
}

// render returns exactly HeadSize bytes and the offset at which the segment's
// data, and so every position inside it, begins.
func (h *head) render() ([]byte, int64, error) {
	out, err := h.prefix()
	if err != nil {
		return nil, 0, err
	}
	start := int64(len(out))
	infoBytes, err := marshal(&struct {
		Info info `ebml:"Info"`
	}{info{
		TimecodeScale: timecodeScale, MuxingApp: "showroom", WritingApp: "showroom",
		Duration: float64(h.duration.Microseconds()) / 1000, DateUTC: h.started.UTC(),
	}})
	if err != nil {
		return nil, 0, err
	}
	var trackBytes []byte
	if len(h.tracks) > 0 {
		var list tracks
		for i, t := range h.tracks {
			list.Entry = append(list.Entry, entry(i+1, t))
		}
		if trackBytes, err = marshal(&struct {
			Tracks tracks `ebml:"Tracks"`
		}{list}); err != nil {
			return nil, 0, err
		}
	}
	seekBytes, err := h.seekHead(start, int64(len(infoBytes)))
	if err != nil {
		return nil, 0, err
	}
	out = append(append(append(out, seekBytes...), infoBytes...), trackBytes...)
	void := HeadSize - len(out)
	least := minVoid
	if h.cues == 0 {
		least += cueSeek // the final head is longer
	}
	if void < least {
		return nil, 0, fmt.Errorf("%w: %d tracks need %d of %d bytes", ErrHeadFull, len(h.tracks), len(out)+least, HeadSize)
	}
	out = appendSize8(append(out, 0xEC), uint64(void-minVoid))
	return append(out, make([]byte, void-minVoid)...), start, nil
}

// prefix is the EBML header and the segment's ID and size.
func (h *head) prefix() ([]byte, error) {
	doc := ebmlHead{
		Version: 1, ReadVersion: 1, MaxIDLength: 4, MaxSizeLength: 8,
		DocType: h.format.docType(), DocTypeVersion: 4, DocTypeReadVersion: 2,
	}
	out, err := marshal(&header{doc})
	if err != nil {
		return nil, err
	}
	out = append(out, idSegment...)
	size := uint64(unknownSize)
	if h.size > 0 {
		size = uint64(h.size) - uint64(len(out)) - 8
	}
	return appendSize8(out, size), nil
}

// seekHead renders the table of contents. Its own length does not depend on
// the positions (they are eight bytes wide), so a first pass measures it.
func (h *head) seekHead(start, infoSize int64) ([]byte, error) {
	render := func(at int64) ([]byte, error) {
		list := seekHead{Seek: []seek{{ID: idInfo, Position: uint64(at)}}}
		if len(h.tracks) > 0 {
			list.Seek = append(list.Seek, seek{ID: idTracks, Position: uint64(at + infoSize)})
		}
		if h.cues > 0 {
			list.Seek = append(list.Seek, seek{ID: idCues, Position: uint64(h.cues - start)})
		}
		return marshal(&struct {
			SeekHead seekHead `ebml:"SeekHead"`
		}{list})
	}
	first, err := render(0)
	if err != nil {
		return nil, err
	}
	return render(int64(len(first)))
}
