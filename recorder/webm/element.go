package webm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/at-wat/ebml-go"
)

// timecodeScale: one tick of the file is a millisecond, as WebM asks.
const timecodeScale = 1_000_000

// The elements that are written, in ebml-go's tags.
type (
	header struct {
		EBML ebmlHead `ebml:"EBML"`
	}
	ebmlHead struct {
		Version            uint64 `ebml:"EBMLVersion"`
		ReadVersion        uint64 `ebml:"EBMLReadVersion"`
		MaxIDLength        uint64 `ebml:"EBMLMaxIDLength"`
		MaxSizeLength      uint64 `ebml:"EBMLMaxSizeLength"`
		DocType            string `ebml:"EBMLDocType"`
		DocTypeVersion     uint64 `ebml:"EBMLDocTypeVersion"`
		DocTypeReadVersion uint64 `ebml:"EBMLDocTypeReadVersion"`
	}
	seekHead struct {
		Seek []seek `ebml:"Seek"`
	}
	seek struct {
		ID       []byte `ebml:"SeekID"`
		Position uint64 `ebml:"SeekPosition,size=8"`
	}
	info struct {
		TimecodeScale uint64    `ebml:"TimecodeScale"`
		MuxingApp     string    `ebml:"MuxingApp"`
		WritingApp    string    `ebml:"WritingApp"`
		Duration      float64   `ebml:"Duration,omitempty"`
		DateUTC       time.Time `ebml:"DateUTC"`
	}
	trackEntry struct {
		Number       uint64 `ebml:"TrackNumber"`
		UID          uint64 `ebml:"TrackUID"`
		Type         uint64 `ebml:"TrackType"`
		FlagLacing   uint64 `ebml:"FlagLacing"`
		Language     string `ebml:"Language"`
		CodecID      string `ebml:"CodecID"`
		CodecPrivate []byte `ebml:"CodecPrivate,omitempty"`
		CodecDelay   uint64 `ebml:"CodecDelay,omitempty"`
		SeekPreRoll  uint64 `ebml:"SeekPreRoll,omitempty"`
		Video        *video `ebml:"Video"`
		Audio        *audio `ebml:"Audio"`
	}
	video struct {
		Width  uint64 `ebml:"PixelWidth"`
		Height uint64 `ebml:"PixelHeight"`
	}
	audio struct {
		Rate     float64 `ebml:"SamplingFrequency"`
		Channels uint64  `ebml:"Channels"`
	}
	tracks struct {
		Entry []trackEntry `ebml:"TrackEntry"`
	}
	cues struct {
		Point []cuePoint `ebml:"CuePoint"`
	}
	cuePoint struct {
		Time uint64   `ebml:"CueTime"`
		Pos  cueTrack `ebml:"CueTrackPositions"`
	}
	cueTrack struct {
		Track   uint64 `ebml:"CueTrack"`
		Cluster uint64 `ebml:"CueClusterPosition"`
	}
)

var (
	idInfo    = []byte{0x15, 0x49, 0xA9, 0x66}
	idTracks  = []byte{0x16, 0x54, 0xAE, 0x6B}
	idCues    = []byte{0x1C, 0x53, 0xBB, 0x6B}
	idSegment = []byte{0x18, 0x53, 0x80, 0x67}
	idCluster = []byte{0x1F, 0x43, 0xB6, 0x75}
)

// unknownSize is the eight-byte EBML size of a segment that still grows.
const unknownSize = 0x01FF_FFFF_FFFF_FFFF

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := ebml.Marshal(v, &b); err != nil {
		return nil, fmt.Errorf("marshal %T: %w", v, err)
	}
	return b.Bytes(), nil
}

// appendSize8 appends an EBML size in its eight-byte form.
func appendSize8(b []byte, size uint64) []byte {
	return binary.BigEndian.AppendUint64(b, 1<<56|size)
}

func entry(number int, t Track) trackEntry {
	e := trackEntry{
		Number: uint64(number), UID: uint64(number), Language: "und",
		CodecID: t.Codec, CodecPrivate: t.Private,
	}
	if t.Video() {
		e.Type = 1
		e.Video = &video{Width: uint64(t.Width), Height: uint64(t.Height)}
		return e
	}
	e.Type = 2
	e.Audio = &audio{Rate: 48000, Channels: uint64(t.Channels)}
	e.CodecDelay = uint64(OpusDelay)
	e.SeekPreRoll = uint64(80 * time.Millisecond)
	return e
}
