package rest

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"regexp"
	"time"

	"showroom/call"
)

// LiveFile is a file that is being written, as far as it can be played.
type LiveFile struct {
	call.File
	Upto string // names this state of it: digits and dots
}

var validUpto = regexp.MustCompile(`^[0-9]{1,19}(\.[0-9]{1,19}){0,3}$`)

// addLive adds what is being recorded now to what can be played.
func (a *api) addLive(out *recording, c call.Case, by string, now time.Time) {
	if a.Live == nil || out.State != call.RecordingRunning && out.State != call.RecordingProcessing {
		return
	}
	for _, f := range a.Live(c.Conference.ID) {
		if known, ok := c.Conference.File(f.Name); !ok || known.State != call.FileRecording {
			continue
		}
		p := a.playable(c, f.File, by, now.UTC().Add(urlLife+time.Duration(f.DurationMS)*time.Millisecond+urlStep).Truncate(urlStep))
		p.Live, p.URL = true, p.URL+"&upto="+f.Upto
		origin := time.UnixMilli(f.OriginMS).UTC()
		out.Origin, out.DurationMS, out.Files = &origin, max(out.DurationMS, f.OffsetMS+f.DurationMS), append(out.Files, p)
	}
}

// readLive serves a file that is being written, as it was when its URL was made.
func (a *api) readLive(r *request, upto string) (reply, error) {
	name := r.PathValue("file")
	if a.OpenLive == nil || !validUpto.MatchString(upto) {
		return reply{}, call.ErrNoFile
	}
	c, err := a.Store.Case(r.Context(), r.subject.conference)
	if err != nil {
		return reply{}, err
	}
	if c.Conference.Deletion.Ordered() {
		return reply{}, fail(codeDeleted, "the recording was deleted")
	}
	if err := checkShare(c.Conference, r.subject.by, r.now); err != nil {
		return reply{}, err
	}
	f, ok := c.Conference.File(name)
	if !ok {
		return reply{}, call.ErrNoFile
	}
	var src io.ReadSeekCloser
	if f.State == call.FileRecording {
		src, err = a.OpenLive(c.Conference.ID, name, upto)
	}
	if src == nil && err == nil || errors.Is(err, fs.ErrNotExist) {
		return reply{}, fail(codeURLExpired, "the file has been finished; ask for the recording again")
	}
	if err != nil {
		return reply{}, err
	}
	if err := a.noteAccess(r, name, ""); err != nil {
		return reply{}, errors.Join(err, src.Close())
	}
	f.SHA256 = upto // what makes it another one
	for _, live := range a.Live(c.Conference.ID) {
		if live.Name == name {
			f.MediaType = live.MediaType
		}
	}
	return reply{stream: func(w http.ResponseWriter) {
		defer src.Close()
		a.serveFile(w, r, f, src)
	}}, nil
}
