package rest

import (
	"fmt"
	"time"

	"showroom/call"
)

// recording is what the watch page needs to play a conference.
type recording struct {
	State      string     `json:"state"`  // none, recording, processing, ready, failed, deleting or deleted
	Origin     *time.Time `json:"origin"` // zero of the time line; null while there is nothing to play
	DurationMS int64      `json:"duration_ms"`
	Files      []playable `json:"files"`

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

func (a *api) recordingOf(c call.Case, now time.Time) recording {
	out := recording{State: recordingState(c.Conference), Files: []playable{}}
	files := c.Conference.Playable()
	for _, f := range files {
		out.DurationMS = max(out.DurationMS, f.OffsetMS+f.DurationMS)
	}
	expires := now.UTC().Add(urlLife + time.Duration(out.DurationMS)*time.Millisecond + urlStep).Truncate(urlStep)
	for _, f := range files {
		origin := time.UnixMilli(f.OriginMS).UTC()
		out.Origin = &origin
		out.Files = append(out.Files, a.playable(c, f, expires))
	}
	a.addLive(&out, c, now)
	a.addDerived(&out, c, expires)
	return out
}

// playable is a file with an address that is good until then.
func (a *api) playable(c call.Case, f call.File, expires time.Time) playable {
	return playable{
		Name: f.Name, Participant: f.Participant, ParticipantName: c.NameOf(f.Participant), Role: f.Role, Source: f.Source,
		MediaType: f.MediaType, Codecs: append([]string{}, f.Codecs...), OffsetMS: f.OffsetMS, DurationMS: f.DurationMS,
		Size: f.Size, SHA256: f.SHA256, Gaps: append([]call.Gap{}, f.Gaps...), ExpiresAt: expires,
		URL: a.url(base + "/recordings/" + c.Conference.ID + "/" + f.Name + a.signer.fileQuery(c.Conference.ID, f.Name, expires)),
	}
}

// recordingState sums the files up: one that is being written comes first, one that failed last.
func recordingState(c call.Conference) string {
	switch {
	case len(c.Files) == 0:
		return "none"
	case c.Task() == call.TaskDelete:
		return "deleting"
	case c.Deletion.Ordered():
		return "deleted"
	}
	state := "failed"
	for _, f := range c.Files {
		switch {
		case f.State == call.FileRecording && c.Over():
			return "processing"
		case f.State == call.FileRecording:
			return "recording"
		case f.State == call.FileFinished, f.State == call.FileStored:
			state = "ready"
		}
	}
	return state
}

func (a *api) readRecording(r *request) (reply, error) {
	c, err := a.caseOf(r)
	if err != nil {
		return reply{}, err
	}
	return ok(a.fullRecordingOf(c, r.now))
}

const (
	defaultShare = 900   // seconds
	minShare     = 60    // seconds
	maxShare     = 86400 // seconds
)

func (a *api) createWatchLink(r *request) (reply, error) {
	c, err := a.caseOf(r)
	if err != nil {
		return reply{}, err
	}
	var in struct {
		Seconds *int `json:"expires_in_seconds"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	seconds := or(in.Seconds, defaultShare)
	if seconds < minShare || seconds > maxShare {
		return reply{}, call.Invalid("expires_in_seconds", fmt.Sprintf("%d is not between %d and %d", seconds, minShare, maxShare))
	}
	expires := r.now.UTC().Truncate(time.Second).Add(time.Duration(seconds) * time.Second)
	return created(struct {
		URL       string    `json:"url"`
		ExpiresAt time.Time `json:"expires_at"`
	}{a.url("/watch#" + a.signer.watchToken(c.Conference.ID, expires)), expires})
}

func (a *api) readWatch(r *request) (reply, error) {
	c, err := a.Store.Case(r.Context(), r.subject.conference)
	if err != nil {
		return reply{}, err
	}
	rec := a.recordingOf(c, r.now)
	rec.ArchiveURL = "" // it has the evidence of consents
	return ok(struct {
		recording
		Conference invited `json:"conference"`
	}{rec, showInvited(c)})
}
