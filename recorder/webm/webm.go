// Package webm writes WebM and Matroska files that survive being cut off: a
// fixed head that is rendered again in place, clusters of known size that each
// reach the file in one write, and an index at the end.
//
// It starts no goroutine and takes no lock: a Writer belongs to one goroutine.
package webm

import (
	"errors"
	"slices"
	"time"
)

// Codec IDs of the tracks a Writer takes (Matroska codec registry).
const (
	VP8  = "V_VP8"
	VP9  = "V_VP9"
	AV1  = "V_AV1"
	H264 = "V_MPEG4/ISO/AVC"
	Opus = "A_OPUS"
)

// Media types of the files.
const (
	TypeWebM     = "video/webm"
	TypeAudio    = "audio/webm"
	TypeMatroska = "video/x-matroska"
)

var (
	// ErrHeadFull: the reserved head has no room for another track.
	ErrHeadFull = errors.New("reserved head is full")
	// ErrOrder: a block lies before the one written last, in its cluster or its track.
	ErrOrder = errors.New("block is out of order")
	// ErrFormat: the track's codec is not one for this format of file.
	ErrFormat = errors.New("codec is not for this format of file")
	// ErrEmpty: the file holds no whole cluster.
	ErrEmpty = errors.New("no whole cluster in file")
	// ErrBadFile: the bytes are not a file this package has written.
	ErrBadFile = errors.New("not a file of this writer")
)

// File is what a Writer writes to. Sync makes the bytes durable.
type File interface {
	WriteAt(b []byte, off int64) (int, error)
	Truncate(size int64) error
	Sync() error
}

// Track describes one stream of the file.
type Track struct {
	Codec         string
	Private       []byte // OpusHead, av1C or avcC
	Width, Height int    // video, pixels
	Channels      int    // audio
}

// Video says whether t is a video track.
func (t Track) Video() bool { return t.Codec != Opus }

// Block is one frame of one track.
type Block struct {
	Track    int           // number that AddTrack returned
	Time     time.Duration // since the start of the file; written in milliseconds
	Duration time.Duration // how long the frame lasts; only the last one's is stored, in the file's Duration
	Keyframe bool          // ignored for audio, where every frame is one
	Data     []byte        // not kept after Write returns
}

// Format is what a file says it is. H.264 is no legal WebM codec; a WebM file
// with it plays in one browser and is silently without picture in another.
type Format string

// Formats, by their file names' extension.
const (
	WebM     Format = ".webm"
	Matroska Format = ".mkv"
)

// FormatFor a codec.
func FormatFor(codec string) Format {
	if codec == H264 {
		return Matroska
	}
	return WebM
}

// Takes says whether a track of that codec may be in a file of this format.
func (f Format) Takes(codec string) bool { return f == Matroska || codec != H264 }

func (f Format) docType() string {
	if f == Matroska {
		return "matroska"
	}
	return "webm"
}

// MediaType of a file of this format with these tracks.
func (f Format) MediaType(tracks []Track) string {
	if f == Matroska {
		return TypeMatroska
	}
	if slices.ContainsFunc(tracks, Track.Video) {
		return TypeWebM
	}
	return TypeAudio
}
