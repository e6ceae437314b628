package call

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// What can happen to the data of a buyer as a whole.
type (
	// BuyerExported says that somebody was given a copy of everything that is known of the buyer.
	BuyerExported struct {
		Recordings string `json:"recordings"` // none, list or files
		Address    string `json:"address,omitempty"`
	}
	// BuyerErasureOrdered says that everything of the buyer has to go. From then on the buyer has no name and no address.
	BuyerErasureOrdered struct {
		Conferences int    `json:"conferences"` // that the buyer had
		Address     string `json:"address,omitempty"`
	}
	// BuyerErased proves that it has gone. It says of nobody in particular what there was.
	BuyerErased struct{ Erased }
)

// Erased is what an erasure came to.
type Erased struct {
	Conferences int   `json:"conferences"`
	Recordings  int   `json:"recordings"` // conferences whose recording was deleted
	Files       int   `json:"files"`      // of them
	Bytes       int64 `json:"bytes"`
	Events      int   `json:"events"`   // of the log that have nothing personal any more
	Attempts    int   `json:"attempts"` // deliveries of webhooks whose answer was dropped
}

// Type is the word the log has for it.
func (BuyerExported) Type() string { return "buyer.exported" }

// Type is the word the log has for it.
func (BuyerErasureOrdered) Type() string { return "buyer.erasure_ordered" }

// Type is the word the log has for it.
func (BuyerErased) Type() string { return "buyer.erased" }

func init() {
	register[BuyerExported]()
	register[BuyerErasureOrdered]()
	register[BuyerErased]()
}

// ReasonErased is why a conference was cancelled whose buyer's data was erased.
const ReasonErased = "buyer_erased"

// DeletedByErasure is why a recording goes whose buyer's data is erased.
const DeletedByErasure DeletionReason = "erasure"

// ErrErased says that the buyer's data was erased, or is being erased.
var ErrErased = errors.New("this buyer's data was erased")

// RunningError names a call of a buyer that stands in the way of the erasure.
type RunningError struct{ Conference string }

func (e *RunningError) Error() string {
	return fmt.Sprintf("a call of this buyer is not over (%s): end it, then ask again", e.Conference)
}

// Erasure is where the erasure of a buyer's data stands.
type Erasure struct {
	By        string    `json:"by,omitempty"` // the event's actor
	OrderedAt time.Time `json:"ordered_at,omitzero"`
	DoneAt    time.Time `json:"done_at,omitzero"`
	Proof     Erased    `json:"proof,omitzero"`
}

// Ordered says that nothing of the buyer may be shown any more.
func (e Erasure) Ordered() bool { return !e.OrderedAt.IsZero() }

// Erasing says that there is something left to do.
func (b Buyer) Erasing() bool { return b.Erasure.Ordered() && b.Erasure.DoneAt.IsZero() }

func (b Buyer) applyErasure(e Event) Buyer {
	switch r := e.Body.(type) {
	case BuyerErasureOrdered:
		b.Contact = b.Contact.anonymous()
		b.Erasure = Erasure{By: e.Actor, OrderedAt: e.At}
	case BuyerErased:
		b.Erasure.DoneAt, b.Erasure.Proof = e.At, r.Erased
	}
	return b
}

// OrderErasure has everything of the buyer erased, who has so many conferences. What was ordered before is no news.
func (b Buyer) OrderErasure(actor, address string, conferences int, now time.Time) ([]Event, error) {
	if b.Erasure.Ordered() {
		return nil, nil
	}
	return []Event{{Stream: b.ID, At: now, Actor: actor, Body: BuyerErasureOrdered{Conferences: conferences, Address: address}}}, nil
}

// FinishErasure proves it.
func (b Buyer) FinishErasure(proof Erased, now time.Time) ([]Event, error) {
	if !b.Erasing() {
		return nil, nil
	}
	return []Event{{Stream: b.ID, At: now, Actor: System, Body: BuyerErased{proof}}}, nil
}

// Export says that a copy of the buyer's data is given out.
func (b Buyer) Export(actor, address, recordings string, now time.Time) ([]Event, error) {
	return []Event{{Stream: b.ID, At: now, Actor: actor, Body: BuyerExported{Recordings: recordings, Address: address}}}, nil
}

// EraseConference is what the erasure of its buyer does to a conference at once: a plan is cancelled, a recording is to be deleted. While
// somebody is there, or the call is not closed, it is refused.
func EraseConference(actor, address string) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		f := c.Conference
		if !f.Over() && !f.untouched() {
			return nil, &RunningError{f.ID}
		}
		b := newBatch(c, now)
		if !f.Over() {
			b.conference(actor, Cancelled{Reason: ReasonErased})
		}
		if len(f.Files) > 0 && !f.Deletion.Ordered() {
			b.conference(actor, DeletionOrdered{Reason: DeletedByErasure, Address: address})
		}
		return b.events, nil
	}
}

// personal is a body that may say something of a person.
type personal interface {
	Body
	// anonymous is the same without it. It keeps what rules, minutes and the proof of a deletion need.
	anonymous() Body
}

// Anonymous is an event of a buyer, or of a conference of one, without anything that says who it was. Ids, times and what happened stay. An
// event of a type that this version does not know is an error: it may say anything.
func Anonymous(e Event) (Event, error) {
	switch b := e.Body.(type) {
	case Unknown:
		return e, fmt.Errorf("event %d is of the type %q, which this version does not know: use the version that wrote it", e.Seq, b.Name)
	case personal:
		e.Body = b.anonymous()
	}
	return e, nil
}

// reasons are those that are words of ours (docs/protocol.md) and nobody's own.
var reasons = []string{ReasonEnded, ReasonLeft, ReasonMinutes, ReasonRestarted, ReasonErased, ReasonNoConsent, ReasonNoShow, ReasonDeclined,
	"denied", "removed", "replaced", "lost", "time_limit", "revoked", "expired", "cancelled", "violation", "server_closing"}

// anonymousReason keeps a reason that is a word of ours.
func anonymousReason(reason string) string {
	if slices.Contains(reasons, reason) {
		return reason
	}
	return ""
}

func (c Contact) anonymous() Contact { return Contact{Seller: c.Seller} }

func (p Planned) anonymous() Planned {
	p.Subject, p.Vehicle = "", Vehicle{}
	return p
}

func (a FileAccess) anonymous() FileAccess { return FileAccess{File: a.File} }

func (b BuyerRegistered) anonymous() Body { return BuyerRegistered{b.Contact.anonymous()} }
func (b BuyerChanged) anonymous() Body    { return BuyerChanged{b.Contact.anonymous()} }
func (b BuyerExported) anonymous() Body   { return BuyerExported{Recordings: b.Recordings} }
func (b BuyerErasureOrdered) anonymous() Body {
	return BuyerErasureOrdered{Conferences: b.Conferences}
}
func (b Rescheduled) anonymous() Body         { return Rescheduled{b.Planned.anonymous()} }
func (b Changed) anonymous() Body             { return Changed{b.Planned.anonymous()} }
func (Declined) anonymous() Body              { return Declined{} }
func (b Cancelled) anonymous() Body           { return Cancelled{Reason: anonymousReason(b.Reason)} }
func (b RecordingWatched) anonymous() Body    { return RecordingWatched{b.FileAccess.anonymous()} }
func (b RecordingDownloaded) anonymous() Body { return RecordingDownloaded{b.FileAccess.anonymous()} }
func (b RecordingShareRevoked) anonymous() Body {
	return RecordingShareRevoked{Share: b.Share}
}

func (b Scheduled) anonymous() Body {
	b.Subject, b.Vehicle = "", Vehicle{}
	return b
}

func (b Finished) anonymous() Body {
	b.Reason = anonymousReason(b.Reason)
	return b
}

func (b Left) anonymous() Body {
	b.Reason = anonymousReason(b.Reason)
	return b
}

func (b KnockWithdrawn) anonymous() Body {
	b.Reason = anonymousReason(b.Reason)
	return b
}

func (b Skipped) anonymous() Body {
	b.Reason = ""
	return b
}

// A service that refuses a message likes to name the address.
func (b Unsent) anonymous() Body {
	b.Reason = ""
	return b
}

func (b LinkIssued) anonymous() Body {
	b.Name = ""
	return b
}

func (a Consented) anonymous() Body {
	a.Text, a.Address = "", ""
	return a
}

func (b RecordingShared) anonymous() Body {
	b.Name, b.Address = "", ""
	return b
}

func (b DeletionOrdered) anonymous() Body {
	b.Address = ""
	return b
}
