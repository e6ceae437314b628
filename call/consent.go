package call

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// WithoutConsent is what a seller wants of a conference that is to be recorded and in which somebody says no.
type WithoutConsent string

// The policies. The empty one is Unrecorded.
const (
	Unrecorded WithoutConsent = "unrecorded" // they talk, and who said no is not recorded
	NoCall     WithoutConsent = "no_call"    // who has not said yes does not come in, and who takes it back leaves
)

// ReasonNoConsent is why somebody left who does not want to be recorded, where there is no call without.
const ReasonNoConsent = "no_consent"

// NeedsConsent says whether one may be in the room only with consent.
func (c Case) NeedsConsent() bool {
	return c.Conference.Recording == RecordingOn && c.Seller.WithoutConsent == NoCall
}

func (c Case) mayEnter(participant string) error {
	if c.NeedsConsent() && !c.Conference.Consented(participant) {
		return ErrNoConsent
	}
	return nil
}

// Agree keeps a participant's answer to the question whether one may be recorded; the last one counts. It may be given before
// entering. Where there is no call without consent, a no ends the participant's stay.
func Agree(answer Consented) Rule {
	return open(func(c Case, b *batch) error {
		if c.Conference.roleOf(answer.Participant) == "" {
			return ErrNotPresent
		}
		if err := answer.check(); err != nil {
			return err
		}
		answer := answer.Whole()
		given := 0
		for _, old := range c.Conference.Consents {
			if old.Participant == answer.Participant {
				given++
			}
			if old.Consented == answer && c.Conference.Consented(answer.Participant) == answer.Accepted {
				return nil // said before
			}
		}
		if given >= maxConsents && (answer.Accepted || !c.Conference.Consented(answer.Participant)) {
			return ErrTooMany // who has said yes can always say no
		}
		b.conference(answer.Participant, answer)
		if c.NeedsConsent() && !answer.Accepted {
			b.depart(answer.Participant, answer.Participant, ReasonNoConsent)
			b.settleState(c.Conference.State)
		}
		return nil
	})
}

// AgreeBy is Agree of the holder of a link, who is not there yet.
func AgreeBy(link string, answer Consented) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		l, err := c.Conference.CheckLink(link, now)
		if err != nil {
			return nil, err
		}
		if l.Participant != answer.Participant {
			return nil, ErrPass
		}
		return Agree(answer)(c, now)
	}
}

func (a Consented) check() error {
	if len(a.Text) == 0 || len(a.Text) > maxConsentText || strings.ContainsFunc(a.Text, unreadable) {
		return Invalid("text", "the words that were shown are needed, 4000 bytes at most and none of them control characters")
	}
	return checkShort("language", a.Language, "address", a.Address, "version", a.Version)
}

// Whole is the answer with a name for words that nobody gave a version.
func (a Consented) Whole() Consented {
	if a.Version == "" {
		sum := sha256.Sum256([]byte(a.Text))
		a.Version = "sha256:" + hex.EncodeToString(sum[:8])
	}
	return a
}

// Evidence is what a recording is exported with: who was asked what, when, and what they answered. It is the file ConsentsName.
type Evidence struct {
	Version    int              `json:"version"`
	Conference string           `json:"conference"`
	Subject    string           `json:"subject"`
	StartsAt   time.Time        `json:"starts_at"`
	Policy     WithoutConsent   `json:"without_consent"`
	People     []EvidencePerson `json:"participants"`
	Consents   []Consent        `json:"consents"` // oldest first, as in the log
}

// EvidencePerson says who a participant is.
type EvidencePerson struct {
	ID   string `json:"id"`
	Role Role   `json:"role"`
	Name string `json:"name"`
}

// EvidenceVersion is that of the fields of [Evidence].
const EvidenceVersion = 1

// ConsentsName is the name under which the evidence stands beside the recording files.
const ConsentsName = "consents.json"

// Evidence of the case's consents.
func (c Case) Evidence() Evidence {
	f := c.Conference
	e := Evidence{Version: EvidenceVersion, Conference: f.ID, Subject: f.Subject, StartsAt: f.StartsAt, Policy: c.Seller.WithoutConsent,
		People: []EvidencePerson{}, Consents: append([]Consent{}, f.Consents...)}
	people := map[string]Role{}
	for _, consent := range f.Consents {
		people[consent.Participant] = f.roleOf(consent.Participant)
	}
	for _, file := range f.Files {
		people[file.Participant] = f.roleOf(file.Participant)
	}
	for _, id := range slices.Sorted(maps.Keys(people)) {
		e.People = append(e.People, EvidencePerson{ID: id, Role: people[id], Name: c.NameOf(id)})
	}
	return e
}

// NameOf is what a participant is called: the seller and the buyer by who they are now, guests by their link.
func (c Case) NameOf(participant string) string {
	for _, l := range c.Conference.Links {
		if l.Participant != participant {
			continue
		}
		switch l.Role {
		case RoleSeller:
			return c.Seller.Name
		case RoleBuyer:
			return c.Buyer.Name
		}
		return l.Name
	}
	return ""
}

func (w WithoutConsent) check() error {
	if w != Unrecorded && w != NoCall {
		return Invalid("without_consent", fmt.Sprintf("%q is not %s or %s", w, Unrecorded, NoCall))
	}
	return nil
}
