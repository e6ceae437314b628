package call

import "time"

// What can happen to a conference. call.* and actor.* are the words of the field's CRM integrations;
// the others are our own.
type (
	// Scheduled opens the stream of a conference.
	Scheduled struct {
		Seller    string    `json:"seller"`
		Buyer     string    `json:"buyer"`
		Subject   string    `json:"subject"`
		StartsAt  time.Time `json:"starts_at"`
		Seconds   int       `json:"duration_seconds"`
		Language  string    `json:"language"`
		Recording Recording `json:"recording"`
		Vehicle   Vehicle   `json:"vehicle,omitzero"`
	}
	// Accepted says that the buyer will come.
	Accepted struct{}
	// Cancelled ends a conference that has not begun.
	Cancelled struct {
		Reason string `json:"reason,omitempty"`
	}
	// LinkIssued names a new access link; the token itself is never stored.
	LinkIssued struct {
		Link        string    `json:"link"`
		Role        Role      `json:"role"`
		Participant string    `json:"participant"`
		Name        string    `json:"name,omitempty"` // guests only
		ExpiresAt   time.Time `json:"expires_at"`
	}
	// LinkRevoked makes a link worthless.
	LinkRevoked struct {
		Link string `json:"link"`
	}

	// New is the first sign of life: somebody came.
	New struct{}
	// Standby says that the seller side is there and the buyer is not.
	Standby struct{}
	// WaitingForSeller says that the buyer is there and the seller side is not.
	WaitingForSeller struct{}
	// Ongoing says that both sides are connected; minutes run.
	Ongoing struct{}
	// Finished closes the conference for good.
	Finished struct {
		Reason           string `json:"reason"`
		ConnectedSeconds int    `json:"connected_seconds"`
	}

	// Knocked says that a participant waits at the door.
	Knocked struct {
		Participant string `json:"participant"`
		Role        Role   `json:"role"`
	}
	// KnockWithdrawn says that who knocked has gone.
	KnockWithdrawn struct {
		Participant string `json:"participant"`
		Reason      string `json:"reason"`
	}
	// Admitted lets a participant in, for the whole conference.
	Admitted struct {
		Participant string `json:"participant"`
	}
	// Denied sends a participant away.
	Denied struct {
		Participant string `json:"participant"`
	}
	// Entered says that a participant is in the room.
	Entered struct {
		Participant string `json:"participant"`
		Role        Role   `json:"role"`
	}
	// Left says that a participant is no longer in the room.
	Left struct {
		Participant string `json:"participant"`
		Reason      string `json:"reason"`
	}
	// Consented is the answer to the question whether one may be recorded, with its evidence.
	Consented struct {
		Participant string `json:"participant"`
		Accepted    bool   `json:"accepted"`
		Text        string `json:"text"`    // the words that were shown
		Version     string `json:"version"` // of these words
		Language    string `json:"language"`
		Address     string `json:"address"` // IP address the answer came from
	}

	// Warned says that the seller was told how little is left.
	Warned struct {
		Level            Level `json:"level"`
		Limit            Limit `json:"limit,omitempty"` // in older logs: none, which is the month
		RemainingSeconds int   `json:"remaining_seconds"`
	}
	// Replenished takes a warning back: the cap was raised or a new month began.
	Replenished struct {
		Level            Level `json:"level"`
		Limit            Limit `json:"limit,omitempty"` // in older logs: none, which is the month
		RemainingSeconds int   `json:"remaining_seconds"`
	}
	// Exhausted says that the minutes of a limit ran out in this call.
	Exhausted struct {
		Limit Limit `json:"limit,omitempty"`
	}

	// RecordingStarted names a file that is being written.
	RecordingStarted struct {
		File        string `json:"file"`
		Participant string `json:"participant"`
		Source      string `json:"source"`
	}
	// RecordingFinished says that a file is complete on this machine's disk.
	RecordingFinished struct {
		File File `json:"file"`
	}
	// RecordingStored says that a file is verified in the object store.
	RecordingStored struct {
		File string `json:"file"`
		Key  string `json:"key"`
	}
	// RecordingFailed says that a file could not be written or not even begun, and why.
	RecordingFailed struct {
		File        string `json:"file"`
		Participant string `json:"participant,omitempty"`
		Source      string `json:"source,omitempty"`
		Reason      string `json:"reason"`
	}
)

// What can happen to sellers and buyers.
type (
	// SellerRegistered opens the stream of a seller.
	SellerRegistered struct{ Profile }
	// SellerChanged replaces a seller's settings.
	SellerChanged struct{ Profile }
	// BuyerRegistered opens the stream of a buyer.
	BuyerRegistered struct{ Contact }
	// Reserved takes seconds of a month from the seller before they are spent.
	Reserved struct {
		Conference string    `json:"conference"`
		Month      string    `json:"month"` // 2026-11, in the seller's time zone
		From       time.Time `json:"from"`
		Until      time.Time `json:"until"`
		Seconds    int       `json:"seconds"`
	}
	// Returned gives back reserved seconds that were not spent.
	Returned struct {
		Conference string `json:"conference"`
		Month      string `json:"month"`
		Seconds    int    `json:"seconds"`
	}
)

func (Scheduled) Type() string         { return "scheduled" }
func (Accepted) Type() string          { return "accepted" }
func (Cancelled) Type() string         { return "cancelled" }
func (LinkIssued) Type() string        { return "link.issued" }
func (LinkRevoked) Type() string       { return "link.revoked" }
func (New) Type() string               { return "call.new" }
func (Standby) Type() string           { return "call.standby" }
func (WaitingForSeller) Type() string  { return "call.waiting" }
func (Ongoing) Type() string           { return "call.ongoing" }
func (Finished) Type() string          { return "call.finished" }
func (Knocked) Type() string           { return "knocked" }
func (KnockWithdrawn) Type() string    { return "knock.withdrawn" }
func (Admitted) Type() string          { return "admitted" }
func (Denied) Type() string            { return "denied" }
func (Entered) Type() string           { return "actor.entered" }
func (Left) Type() string              { return "actor.left" }
func (Consented) Type() string         { return "consented" }
func (Warned) Type() string            { return "minutes.warned" }
func (Replenished) Type() string       { return "minutes.replenished" }
func (Exhausted) Type() string         { return "minutes.exhausted" }
func (RecordingStarted) Type() string  { return "recording.started" }
func (RecordingFinished) Type() string { return "recording.finished" }
func (RecordingStored) Type() string   { return "recording.stored" }
func (RecordingFailed) Type() string   { return "recording.failed" }
func (SellerRegistered) Type() string  { return "seller.registered" }
func (SellerChanged) Type() string     { return "seller.changed" }
func (BuyerRegistered) Type() string   { return "buyer.registered" }
func (Reserved) Type() string          { return "minutes.reserved" }
func (Returned) Type() string          { return "minutes.returned" }

func init() {
	register[Scheduled]()
	register[Accepted]()
	register[Cancelled]()
	register[LinkIssued]()
	register[LinkRevoked]()
	register[New]()
	register[Standby]()
	register[WaitingForSeller]()
	register[Ongoing]()
	register[Finished]()
	register[Knocked]()
	register[KnockWithdrawn]()
	register[Admitted]()
	register[Denied]()
	register[Entered]()
	register[Left]()
	register[Consented]()
	register[Warned]()
	register[Replenished]()
	register[Exhausted]()
	register[RecordingStarted]()
	register[RecordingFinished]()
	register[RecordingStored]()
	register[RecordingFailed]()
	register[SellerRegistered]()
	register[SellerChanged]()
	register[BuyerRegistered]()
	register[Reserved]()
	register[Returned]()
}
