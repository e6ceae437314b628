package call

// Kind is what a message to a person is about.
type Kind string

// The kinds of messages.
const (
	KindInvitation   Kind = "invitation"
	KindUpdate       Kind = "update" // the plan is another one
	KindCancellation Kind = "cancellation"
	KindReminder     Kind = "reminder"
	KindDeclined     Kind = "declined"
	KindWaiting      Kind = "waiting" // the buyer is here and the seller is not
	KindNoShow       Kind = "no_show"
)

// RoleColleague is who is told when a buyer waits and the seller does not come. Nobody takes part in a call by this role: a colleague comes in the
// seller's place.
const RoleColleague Role = "colleague"
