package rest

import (
	"time"

	"showroom/call"
)

// recorded is a recording in the list of all conferences.
type recorded struct {
	Conference string              `json:"conference"`
	Subject    string              `json:"subject"`
	Seller     person              `json:"seller"`
	Buyer      person              `json:"buyer"`
	State      call.RecordingState `json:"state"`
	RecordedAt time.Time           `json:"recorded_at"`
	DurationMS int64               `json:"duration_ms"`
	Files      int                 `json:"files"` // that can be played
	Bytes      int64               `json:"bytes"` // of them, and of what was made of them
	Derived    []derived           `json:"derived"`
	ArchiveURL string              `json:"archive_url,omitempty"`
	Shares     int                 `json:"shares"` // links that hold
	Deletable  bool                `json:"deletable"`
	KeepUntil  time.Time           `json:"keep_until,omitzero"`
	Deletion   *deletion           `json:"deletion,omitempty"`
}

func (a *api) listRecordings(r *request) (reply, error) {
	q := r.URL.Query()
	after, limit, err := paging(q)
	if err != nil {
		return reply{}, err
	}
	f, err := recordingFilter(q)
	if err != nil {
		return reply{}, err
	}
	conferences, next, err := r.store.Recordings(r.Context(), f, after, limit)
	if err != nil {
		return reply{}, err
	}
	cases, err := a.cases(r.Context(), conferences)
	if err != nil {
		return reply{}, err
	}
	return ok(page(cases, next, func(c call.Case) recorded { return a.recordedOf(c, r.subject.actor(), r.now) }))
}

func (a *api) recordedOf(c call.Case, by string, now time.Time) recorded {
	rec := a.fullRecordingOf(c, by, now)
	f := c.Conference
	out := recorded{
		Conference: f.ID, Subject: f.Subject, Seller: sellerPerson(c.Seller), Buyer: buyerPerson(c.Buyer), State: rec.State,
		RecordedAt: f.RecordedAt, DurationMS: rec.DurationMS, Files: len(rec.Files), Derived: rec.Derived, ArchiveURL: rec.ArchiveURL,
		Deletable: f.Kept(), KeepUntil: rec.KeepUntil, Deletion: rec.Deletion,
	}
	for _, file := range rec.Files {
		out.Bytes += file.Size
	}
	for _, d := range rec.Derived {
		out.Bytes += d.Size
	}
	for _, s := range f.Shares {
		if s.Holds(now) {
			out.Shares++
		}
	}
	return out
}
