package call

import (
	"slices"
	"time"
)

// State is where a conference stands.
type State string

// The states. Every one but Finished and Cancelled can be left again.
const (
	StateScheduled State = "scheduled" // nobody is there
	StateStandby   State = "standby"   // the seller side is there, the buyer is not
	StateWaiting   State = "waiting"   // the buyer is there or at the door, the seller side is not
	StateOngoing   State = "ongoing"   // both are connected
	StateFinished  State = "finished"
	StateCancelled State = "cancelled"
)

// Role is what a participant is to the conference.
type Role string

// The roles. Guests are on nobody's side: they start no minutes.
const (
	RoleSeller Role = "seller"
	RoleBuyer  Role = "buyer"
	RoleGuest  Role = "guest"
)

// Recording is a conference's recording policy.
type Recording string

// The policies. With RecordingOn a participant is recorded from that participant's consent on.
const (
	RecordingOn  Recording = "on"
	RecordingOff Recording = "off"
)

// Conference is the fold of one conference's stream.
type Conference struct {
	ID               string                 `json:"id"`
	Seller           string                 `json:"seller"`
	Buyer            string                 `json:"buyer"`
	Subject          string                 `json:"subject"`
	StartsAt         time.Time              `json:"starts_at"`
	Seconds          int                    `json:"duration_seconds"`
	Language         string                 `json:"language"`
	Recording        Recording              `json:"recording"`
	State            State                  `json:"state"`
	CreatedAt        time.Time              `json:"created_at"`
	Vehicle          Vehicle                `json:"vehicle,omitzero"`
	Sequence         int                    `json:"sequence,omitempty"` // how often the plan was replaced
	AcceptedAt       time.Time              `json:"accepted_at,omitzero"`
	DeclinedAt       time.Time              `json:"declined_at,omitzero"`
	DeclineReason    string                 `json:"decline_reason,omitempty"`
	NoShow           bool                   `json:"no_show,omitempty"`
	OngoingSince     time.Time              `json:"ongoing_since,omitzero"`   // first time both sides were there
	ConnectedSince   time.Time              `json:"connected_since,omitzero"` // both are there since; zero when they are not
	ConnectedSeconds int                    `json:"connected_seconds"`        // of past stretches, each rounded up
	FinishedAt       time.Time              `json:"finished_at,omitzero"`
	FinishReason     string                 `json:"finish_reason,omitempty"`
	Level            Level                  `json:"level,omitempty"` // the last warning given
	Links            map[string]Link        `json:"links,omitempty"`
	Participants     map[string]Participant `json:"participants,omitempty"`
	Consents         []Consent              `json:"consents,omitempty"`
	Files            []File                 `json:"files,omitempty"`
	RecordedAt       time.Time              `json:"recorded_at,omitzero"` // when the log first heard of a file
	Shares           map[string]Share       `json:"shares,omitempty"`     // links to the recording
	Composition      Composition            `json:"composition,omitzero"`
	ExportedAt       time.Time              `json:"exported_at,omitzero"` // when the manifest of the complete recording was stored
	Deletion         Deletion               `json:"deletion,omitzero"`
	PlannedAt        time.Time              `json:"planned_at,omitzero"`    // when the plan became what it is
	WaitingSince     time.Time              `json:"waiting_since,omitzero"` // when the buyer began to wait for the seller side, see waitingAgain
	Messages         map[string]Message     `json:"messages,omitempty"`     // to people
	Version          uint64                 `json:"version"`                // Seq of the last event folded in
}

// Link is an access link as the log knows it; the token is not kept.
type Link struct {
	ID          string    `json:"id"`
	Role        Role      `json:"role"`
	Participant string    `json:"participant"`
	Name        string    `json:"name,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	RevokedAt   time.Time `json:"revoked_at,omitzero"`
}

// Participant is somebody who has knocked or entered at least once.
type Participant struct {
	ID       string `json:"id"`
	Role     Role   `json:"role"`
	Admitted bool   `json:"admitted"`
	Knocking bool   `json:"knocking"`
	Present  bool   `json:"present"`
}

// Consent is a participant's answer to being recorded; the last one counts.
type Consent struct {
	Consented
	At time.Time `json:"at"`
}

// Over says that nothing more will happen in the room.
func (c Conference) Over() bool { return c.State == StateFinished || c.State == StateCancelled }

// Consented says whether the participant's last answer allows recording.
func (c Conference) Consented(participant string) bool {
	for _, consent := range slices.Backward(c.Consents) {
		if consent.Participant == participant {
			return consent.Accepted
		}
	}
	return false
}

// File is the recording file of that name.
func (c Conference) File(name string) (File, bool) {
	i := slices.IndexFunc(c.Files, func(f File) bool { return f.Name == name })
	if i < 0 {
		return File{}, false
	}
	return c.Files[i], true
}

// Present says whether anybody of the role is in the room.
func (c Conference) Present(role Role) bool {
	for _, p := range c.Participants {
		if p.Role == role && p.Present {
			return true
		}
	}
	return false
}

// Inside are the ids of those in the room or at the door, sorted.
func (c Conference) Inside() []string {
	var ids []string
	for id, p := range c.Participants {
		if p.Present || p.Knocking {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (c Conference) knocking(role Role) bool {
	for _, p := range c.Participants {
		if p.Role == role && p.Knocking {
			return true
		}
	}
	return false
}

// presence is the state that follows from who is there.
func (c Conference) presence() State {
	seller, buyer := c.Present(RoleSeller), c.Present(RoleBuyer)
	switch {
	case seller && buyer:
		return StateOngoing
	case seller:
		return StateStandby
	case buyer || c.knocking(RoleBuyer):
		return StateWaiting
	default:
		return StateScheduled
	}
}
