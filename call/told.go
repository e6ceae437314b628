package call

import "time"

// Told is what a buyer who waits may honestly be told of whom we have told.
type Told struct {
	State     string    `json:"state"`                 // sending, sent, or none: nobody could be told
	Seller    time.Time `json:"seller_at,omitzero"`    // when the seller was last told
	Colleague time.Time `json:"colleague_at,omitzero"` // when the colleague was
}

// What a [Told] says.
const (
	ToldSending = "sending"
	ToldSent    = "sent"
	ToldNobody  = "none"
)

// TellSeller is how far the seller side was told that the buyer waits, who waits no more when nobody does.
func (c Conference) TellSeller() (t Told, waits bool) {
	if c.State != StateWaiting {
		return Told{}, false
	}
	tried, open := false, false
	for _, m := range c.Messages {
		if m.Kind != KindWaiting || !m.Since.Equal(c.WaitingSince) {
			continue
		}
		tried, open = true, open || m.State() == DeliveryQueued
		for _, d := range m.Deliveries {
			if d.State != DeliverySent {
				continue
			}
			if m.To == RoleColleague {
				t.Colleague = later(t.Colleague, d.At)
			} else {
				t.Seller = later(t.Seller, d.At)
			}
		}
	}
	switch {
	case !t.Seller.IsZero() || !t.Colleague.IsZero():
		t.State = ToldSent
	case open || !tried && len(c.Messages) < maxMessages && c.count(KindWaiting) < maxWaiting: // the follower is about to queue it
		t.State = ToldSending
	default:
		t.State = ToldNobody
	}
	return t, true
}
