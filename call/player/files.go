package player

import (
	"strings"

	"showroom/call"
	"showroom/recorder"
	"showroom/sfu"
)

func (r *Room) started(f recorder.File) {
	r.native.report(r.id, call.StartFile(f.Name, f.Participant, sourceOf(f)))
}

func (r *Room) finished(f recorder.File) {
	r.native.report(r.id, call.FinishFile(FileOf(f, r.recording.Manifest())))
}

// failed keeps what could be kept, and the reason.
func (r *Room) failed(f recorder.File, err error) {
	r.log.Error("recording stopped", "file", f.Name, "err", err)
	if f.Size > 0 {
		r.finished(f)
		return
	}
	r.native.report(r.id, call.FailFile(FailureOf(f, err)))
}

// notBegun tells the log of a participant who cannot be recorded at all. Number 0 is of no file that there can be.
func (r *Room) notBegun(participant string) {
	f := recorder.File{Name: participant + "-0.webm", Participant: participant}
	r.native.report(r.id, call.FailFile(FailureOf(f, r.unrecorded)))
}

// FailureOf is a recorder's file of which nothing could be kept, in the log's words.
func FailureOf(f recorder.File, err error) call.File {
	return call.File{Name: f.Name, Participant: f.Participant, Source: sourceOf(f), Reason: err.Error()}
}

// FileOf is a recorder's file in the log's words.
func FileOf(f recorder.File, m recorder.Manifest) call.File {
	file := call.File{
		Name: f.Name, Participant: f.Participant, Role: call.Role(f.Role), Source: sourceOf(f), MediaType: f.MediaType, Codecs: f.Codecs,
		OriginMS: m.Origin.UnixMilli(), OffsetMS: f.Offset, DurationMS: f.Duration, Size: f.Size, SHA256: f.SHA256, Reason: f.Failure,
	}
	for _, gap := range f.Gaps {
		file.Gaps = append(file.Gaps, call.Gap{Track: trackOf(gap), StartMS: gap.Start, EndMS: gap.End, Reason: gap.Reason})
	}
	return file
}

// trackOf is the kind of a gap's source.
func trackOf(g recorder.Gap) string { return string(sfu.Source(g.Source).Kind()) }

// sourceOf is what the picture of a file shows, if it has one.
func sourceOf(f recorder.File) string {
	if strings.Contains(f.Source, "screen") {
		return "screen"
	}
	return "camera"
}
