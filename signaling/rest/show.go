package rest

import (
	"maps"
	"slices"
	"time"

	"showroom/call"
)

// person is a seller or buyer by name.
type person struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Erased bool   `json:"erased,omitempty"` // everything of this buyer was erased: there is no name
}

func sellerPerson(s call.Seller) person { return person{ID: s.ID, Name: s.Name} }
func buyerPerson(b call.Buyer) person {
	return person{ID: b.ID, Name: b.Name, Erased: b.Erasure.Ordered()}
}

// conference is a conference as the holder of an API key sees it.
type conference struct {
	ID               string         `json:"id"`
	Seller           person         `json:"seller"`
	Buyer            person         `json:"buyer"`
	Subject          string         `json:"subject"`
	StartsAt         time.Time      `json:"starts_at"`
	Minutes          int            `json:"duration_minutes"`
	Language         string         `json:"language"`
	Recording        call.Recording `json:"recording"`
	State            call.State     `json:"state"`
	CreatedAt        time.Time      `json:"created_at"`
	Vehicle          call.Vehicle   `json:"vehicle,omitzero"`
	AcceptedAt       time.Time      `json:"accepted_at,omitzero"`
	DeclinedAt       time.Time      `json:"declined_at,omitzero"`
	DeclineReason    string         `json:"decline_reason,omitempty"`
	OngoingSince     time.Time      `json:"ongoing_since,omitzero"`
	FinishedAt       time.Time      `json:"finished_at,omitzero"`
	FinishReason     string         `json:"finish_reason,omitempty"`
	ConnectedSeconds int            `json:"connected_seconds"` // the running stretch included
	Participants     []participant  `json:"participants"`
	Consents         []call.Consent `json:"consents"`
	Files            []file         `json:"files"`
}

type participant struct {
	ID       string    `json:"id"`
	Role     call.Role `json:"role"`
	Name     string    `json:"name"`
	Admitted bool      `json:"admitted"`
	Knocking bool      `json:"knocking"`
	Present  bool      `json:"present"`
}

// file is a recording file in any state; playable ones are shown with an address by [api.recordingOf].
type file struct {
	Name        string         `json:"name"`
	Participant string         `json:"participant"`
	Source      string         `json:"source"`
	State       call.FileState `json:"state"`
	MediaType   string         `json:"media_type,omitempty"`
	OffsetMS    int64          `json:"offset_ms"`
	DurationMS  int64          `json:"duration_ms"`
	Size        int64          `json:"size"`
	SHA256      string         `json:"sha256,omitempty"`
	Reason      string         `json:"reason,omitempty"`
}

func showConference(c call.Case, now time.Time) conference {
	f := c.Conference
	connected := f.ConnectedSeconds
	if since := f.ConnectedSince; !since.IsZero() && now.After(since) {
		connected += int((now.Sub(since) + time.Second - 1) / time.Second) // rounded up as past ones are
	}
	return conference{
		ID: f.ID, Seller: sellerPerson(c.Seller), Buyer: buyerPerson(c.Buyer),
		Subject: f.Subject, StartsAt: f.StartsAt, Minutes: f.Seconds / 60, Language: f.Language, Recording: f.Recording,
		State: f.State, CreatedAt: f.CreatedAt, Vehicle: f.Vehicle, AcceptedAt: f.AcceptedAt, DeclinedAt: f.DeclinedAt, DeclineReason: f.DeclineReason, OngoingSince: f.OngoingSince,
		FinishedAt: f.FinishedAt, FinishReason: f.FinishReason, ConnectedSeconds: connected,
		Participants: showParticipants(c), Consents: append([]call.Consent{}, f.Consents...), Files: showFiles(f.Files),
	}
}

func showParticipants(c call.Case) []participant {
	all := []participant{}
	for _, id := range slices.Sorted(maps.Keys(c.Conference.Participants)) {
		p := c.Conference.Participants[id]
		all = append(all, participant{ID: id, Role: p.Role, Name: c.NameOf(id), Admitted: p.Admitted, Knocking: p.Knocking, Present: p.Present})
	}
	return all
}

func showFiles(files []call.File) []file {
	all := []file{}
	for _, f := range files {
		all = append(all, file{
			Name: f.Name, Participant: f.Participant, Source: f.Source, State: f.State, MediaType: f.MediaType,
			OffsetMS: f.OffsetMS, DurationMS: f.DurationMS, Size: f.Size, SHA256: f.SHA256, Reason: f.Reason,
		})
	}
	return all
}

// invited is a conference as the holder of a link sees it: nobody's ids, contacts or files.
type invited struct {
	ID        string         `json:"id"`
	Subject   string         `json:"subject"`
	StartsAt  time.Time      `json:"starts_at"`
	Minutes   int            `json:"duration_minutes"`
	Language  string         `json:"language"`
	State     call.State     `json:"state"`
	Accepted  bool           `json:"accepted"`
	Declined  bool           `json:"declined"`
	Vehicle   call.Vehicle   `json:"vehicle,omitzero"`
	Seller    named          `json:"seller"`
	Buyer     named          `json:"buyer"`
	Recording call.Recording `json:"recording"`

	WithoutConsent call.WithoutConsent `json:"without_consent"`
	Told           *call.Told          `json:"told,omitempty"` // while the buyer waits
}

type named struct {
	Name string `json:"name"`
}

func showInvited(c call.Case) invited {
	f := c.Conference
	var told *call.Told
	if t, waits := f.TellSeller(); waits {
		told = &t
	}
	return invited{
		ID: f.ID, Subject: f.Subject, StartsAt: f.StartsAt, Minutes: f.Seconds / 60, Language: f.Language, State: f.State,
		Accepted: !f.AcceptedAt.IsZero(), Declined: !f.DeclinedAt.IsZero(), Vehicle: f.Vehicle, Seller: named{c.Seller.Name}, Buyer: named{c.Buyer.Name}, Recording: f.Recording,
		WithoutConsent: c.Seller.WithoutConsent, Told: told,
	}
}
