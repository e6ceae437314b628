package rest

import (
	"time"

	"showroom/call"
)

// recording is what the watch page needs to play a conference.
type recording struct {
	State      call.RecordingState `json:"state"`
	Origin     *time.Time          `json:"origin"` // zero of the time line; null while there is nothing to play
	DurationMS int64               `json:"duration_ms"`
	Files      []playable          `json:"files"`

	Composition composition `json:"composition"`
	Derived     []derived   `json:"derived"`               // what is there of it
	ArchiveURL  string      `json:"archive_url,omitempty"` // everything in one ZIP; not while the call runs
}

type playable struct {
	Name            string     `json:"name"`
	Participant     string     `json:"participant"`
	ParticipantName string     `json:"participant_name"`
	Role            call.Role  `json:"role"`
	Source          string     `json:"source"`
	MediaType       string     `json:"media_type"`
	Codecs          []string   `json:"codecs"`
	OffsetMS        int64      `json:"offset_ms"`
	DurationMS      int64      `json:"duration_ms"`
	Size            int64      `json:"size"`
	SHA256          string     `json:"sha256"`
	URL             string     `json:"url"`
	ExpiresAt       time.Time  `json:"expires_at"`
	Gaps            []call.Gap `json:"gaps"`
	Live            bool       `json:"live,omitempty"` // it is being written: what it has by now
}

const (
	urlLife = 15 * time.Minute // how long at least a file's URL outlives one playing of the whole recording
	urlStep = 5 * time.Minute  // URLs change this often, so that who asks again soon can go on with the same ones
)

// recordingOf is a recording for somebody: its addresses say whose they are.
func (a *api) recordingOf(c call.Case, by string, now time.Time) recording {
	out := recording{State: c.Conference.RecordingState(), Files: []playable{}}
	files := c.Conference.Playable()
	for _, f := range files {
		out.DurationMS = max(out.DurationMS, f.OffsetMS+f.DurationMS)
	}
	expires := now.UTC().Add(urlLife + time.Duration(out.DurationMS)*time.Millisecond + urlStep).Truncate(urlStep)
	for _, f := range files {
		origin := time.UnixMilli(f.OriginMS).UTC()
		out.Origin = &origin
		out.Files = append(out.Files, a.playable(c, f, by, expires))
	}
	a.addLive(&out, c, by, now)
	a.addDerived(&out, c, by, expires)
	return out
}

// playable is a file with an address that is good until then.
func (a *api) playable(c call.Case, f call.File, by string, expires time.Time) playable {
	return playable{
		Name: f.Name, Participant: f.Participant, ParticipantName: c.NameOf(f.Participant), Role: f.Role, Source: f.Source,
		MediaType: f.MediaType, Codecs: append([]string{}, f.Codecs...), OffsetMS: f.OffsetMS, DurationMS: f.DurationMS,
		Size: f.Size, SHA256: f.SHA256, Gaps: append([]call.Gap{}, f.Gaps...), ExpiresAt: expires,
		URL: a.url(base + "/recordings/" + c.Conference.ID + "/" + f.Name + a.signer.fileQuery(c.Conference.ID, f.Name, by, expires)),
	}
}

func (a *api) readRecording(r *request) (reply, error) {
	c, err := a.caseOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok(a.fullRecordingOf(c, r.subject.actor(), r.now))
}
