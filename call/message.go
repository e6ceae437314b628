package call

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

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

// Message is something that a person is to be told. Its words and the token of its link are made of the conference when it goes out; the log has
// neither, nor an address.
type Message struct {
	ID       string    `json:"id"` // within the conference
	Seq      uint64    `json:"seq"`
	Kind     Kind      `json:"kind"`
	To       Role      `json:"to"`
	Link     string    `json:"link,omitempty"` // id of the access link that it carries
	Sequence int       `json:"sequence"`       // of the plan that it is about
	At       time.Time `json:"at"`
	Until    time.Time `json:"until"` // when it is worth nothing any more
	Waiting

	Deliveries []Delivery `json:"deliveries,omitempty"` // one for each channel that was configured; none: it is in the outbox and nowhere else
}

// Waiting is what a message of [KindWaiting] says of it.
type Waiting struct {
	Since time.Time `json:"waiting_since,omitzero"` // when the buyer began to wait
	Again bool      `json:"again,omitempty"`        // it was said before
}

// Delivery is what became of a message on one channel.
type Delivery struct {
	Channel string        `json:"channel"`
	State   DeliveryState `json:"state"`
	At      time.Time     `json:"at,omitzero"` // of the last change
	Reason  string        `json:"reason,omitempty"`
}

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of a delivery and of a message.
const (
	DeliveryQueued  DeliveryState = "queued"
	DeliverySent    DeliveryState = "sent"    // the channel's service took it
	DeliverySkipped DeliveryState = "skipped" // there was nothing to send it to, or no reason any more
	DeliveryFailed  DeliveryState = "failed"  // given up
	MessageKept     DeliveryState = "kept"    // of a message: no channel could carry it
)

// What can happen to messages.
type (
	// Queued is a message that is to go out, on each channel that can reach the recipient.
	Queued struct {
		Message  string    `json:"message"`
		Kind     Kind      `json:"kind"`
		To       Role      `json:"to"`
		Link     string    `json:"link,omitempty"`
		Sequence int       `json:"sequence"`
		Until    time.Time `json:"until"`
		Channels []string  `json:"channels"`
		Waiting
	}
	// Sent says that a channel's service took a message.
	Sent struct {
		Message string `json:"message"`
		Channel string `json:"channel"`
	}
	// Skipped says why a message was not tried on a channel: the recipient has no address there, or it was overtaken by what happened since.
	Skipped struct {
		Message string `json:"message"`
		Channel string `json:"channel"`
		Reason  string `json:"reason"`
	}
	// Unsent says that a message was given up on a channel.
	Unsent struct {
		Message string `json:"message"`
		Channel string `json:"channel"`
		Reason  string `json:"reason"`
	}
)

// Type is the word the log has for it.
func (Queued) Type() string { return "message.queued" }

// Type is the word the log has for it.
func (Sent) Type() string { return "message.sent" }

// Type is the word the log has for it.
func (Skipped) Type() string { return "message.skipped" }

// Type is the word the log has for it.
func (Unsent) Type() string { return "message.failed" }

func init() {
	register[Queued]()
	register[Sent]()
	register[Skipped]()
	register[Unsent]()
}

func (c Conference) applyMessage(e Event) (Conference, bool) {
	switch b := e.Body.(type) {
	case Queued:
		m := Message{ID: b.Message, Seq: e.Seq, Kind: b.Kind, To: b.To, Link: b.Link, Sequence: b.Sequence, At: e.At, Until: b.Until, Waiting: b.Waiting}
		for _, channel := range b.Channels {
			m.Deliveries = append(m.Deliveries, Delivery{Channel: channel, State: DeliveryQueued, At: e.At})
		}
		c.Messages = with(c.Messages, m.ID, m)
	case Sent:
		c = c.delivered(b.Message, Delivery{b.Channel, DeliverySent, e.At, ""})
	case Skipped:
		c = c.delivered(b.Message, Delivery{b.Channel, DeliverySkipped, e.At, b.Reason})
	case Unsent:
		c = c.delivered(b.Message, Delivery{b.Channel, DeliveryFailed, e.At, b.Reason})
	default:
		return c, false
	}
	return c, true
}

// delivered replaces what is known of a channel, or adds one that was not foreseen.
func (c Conference) delivered(message string, d Delivery) Conference {
	m, known := c.Messages[message]
	if !known {
		return c
	}
	m.Deliveries = slices.Clone(m.Deliveries)
	if i := slices.IndexFunc(m.Deliveries, func(o Delivery) bool { return o.Channel == d.Channel }); i >= 0 {
		m.Deliveries[i] = d
	} else {
		m.Deliveries = append(m.Deliveries, d)
	}
	c.Messages = with(c.Messages, message, m)
	return c
}

// ReasonOvertaken is why a message is skipped that is not so any more.
const ReasonOvertaken = "overtaken"

// State is where a message stands: queued while a channel has to try, else sent if one took it, failed if one gave up, skipped if it was overtaken, or
// kept.
func (m Message) State() DeliveryState {
	for _, state := range []DeliveryState{DeliveryQueued, DeliverySent, DeliveryFailed} {
		if slices.ContainsFunc(m.Deliveries, func(d Delivery) bool { return d.State == state }) {
			return state
		}
	}
	if slices.ContainsFunc(m.Deliveries, func(d Delivery) bool { return d.Reason == ReasonOvertaken }) {
		return DeliverySkipped
	}
	return MessageKept
}

// Open are the messages that a channel has to try, the oldest first.
func (c Conference) Open() []Message {
	var open []Message
	for _, m := range c.Messages {
		if m.State() == DeliveryQueued {
			open = append(open, m)
		}
	}
	slices.SortFunc(open, func(x, y Message) int {
		if by := x.At.Compare(y.At); by != 0 {
			return by
		}
		return strings.Compare(x.ID, y.ID)
	})
	return open
}

// Stands says whether a message still says what is so.
func (c Conference) Stands(m Message) bool {
	switch m.Kind {
	case KindWaiting:
		return c.State == StateWaiting
	case KindReminder:
		return !c.Over() && m.Sequence == c.Sequence && c.OngoingSince.IsZero() && c.DeclinedAt.IsZero()
	case KindDeclined:
		return !c.DeclinedAt.IsZero()
	case KindInvitation, KindUpdate:
		return !c.Over() && m.Sequence == c.Sequence
	}
	return true
}

// Resend queues a message once more, as one of its own. newLink makes ids.
func Resend(message, actor string, channels []string, newLink func() string) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		f := c.Conference
		m, known := f.Messages[message]
		switch {
		case !known:
			return nil, ErrNotFound
		case !f.Stands(m):
			return nil, ErrOvertaken
		case m.State() == DeliveryQueued:
			return nil, nil
		case len(f.Messages) >= maxMessages:
			return nil, ErrTooMany
		}
		worth := newsWorth
		if m.Kind == KindWaiting {
			worth = waitingWorth
		}
		first, _, _ := strings.Cut(m.ID, resent)
		b := newBatch(c, now)
		link := b.messageLink(due{kind: m.Kind, to: m.To}, newLink)
		b.conference(actor, Queued{Message: fmt.Sprint(first, resent, len(f.Messages)), Kind: m.Kind, To: m.To, Link: link, Sequence: m.Sequence, Until: now.Add(worth), Channels: channels, Waiting: m.Waiting})
		return b.events, nil
	}
}

const resent = "_again_" // and a number: what the id of a message that was sent once more ends with

// ErrOvertaken says that a message would not be true any more.
var ErrOvertaken = errors.New("what the message says is not so any more")

var (
	channelName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,19}$`)
	ownChannels = []string{"email", "push"}
)

// Report says what somebody else, who sends messages by a channel of theirs, made of one. The last report of a channel counts.
func Report(message, actor, channel string, sent bool, reason string) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		m, known := c.Conference.Messages[message]
		if !known {
			return nil, ErrNotFound
		}
		if !channelName.MatchString(channel) || slices.Contains(ownChannels, channel) {
			return nil, Invalid("channel", fmt.Sprintf("%.40q is not a word such as whatsapp or sms; email and push are the server's own", channel))
		}
		if err := checkShort("reason", reason); err != nil {
			return nil, err
		}
		var outcome Body = Unsent{Message: message, Channel: channel, Reason: reason}
		if sent {
			outcome = Sent{Message: message, Channel: channel}
		}
		i := slices.IndexFunc(m.Deliveries, func(d Delivery) bool { return d.Channel == channel })
		if i >= 0 && (m.Deliveries[i].State == DeliverySent) == sent && m.Deliveries[i].Reason == reason {
			return nil, nil
		}
		if i < 0 && len(m.Deliveries) >= maxDeliveries {
			return nil, ErrTooMany
		}
		return []Event{{Stream: c.Conference.ID, At: now, Actor: actor, Body: outcome}}, nil
	}
}

const maxDeliveries = 8 // of a message: our channels and those of others

// Settle says what became of a message on a channel: outcome is [Sent], [Skipped] or [Unsent]. Only the first outcome counts.
func Settle(message, channel string, outcome Body) Rule {
	return func(c Case, now time.Time) ([]Event, error) {
		m, known := c.Conference.Messages[message]
		if !known {
			return nil, ErrNotFound
		}
		for _, d := range m.Deliveries {
			if d.Channel == channel && d.State == DeliveryQueued {
				return []Event{{Stream: c.Conference.ID, At: now, Actor: System, Body: outcome}}, nil
			}
		}
		return nil, nil
	}
}
