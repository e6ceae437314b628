package call

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Event is one fact of the log. It never changes once appended.
type Event struct {
	Seq    uint64    // position in the whole log, from 1, given by the store
	Stream string    // the conference, seller or buyer it belongs to
	At     time.Time // UTC
	Actor  string    // who caused it: a participant, an API key, or "system"
	Body   Body
}

// Body is what happened. Its Type is the word the log and the webhooks use.
type Body interface{ Type() string }

// System is the actor of what nobody in particular caused.
const System = "system"

type eventJSON struct {
	Seq    uint64          `json:"seq"`
	Stream string          `json:"stream"`
	Type   string          `json:"type"`
	At     time.Time       `json:"at"`
	Actor  string          `json:"actor"`
	Data   json.RawMessage `json:"data"`
}

// MarshalJSON writes {seq, stream, type, at, actor, data}.
func (e Event) MarshalJSON() ([]byte, error) {
	data, err := json.Marshal(e.Body)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Body.Type(), err)
	}
	return json.Marshal(eventJSON{e.Seq, e.Stream, e.Body.Type(), e.At.UTC(), e.Actor, data})
}

// UnmarshalJSON reads what MarshalJSON wrote. A type this version does not know is kept as [Unknown], so that
// an older binary can read a newer log.
func (e *Event) UnmarshalJSON(b []byte) error {
	var j eventJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return fmt.Errorf("decode event: %w", err)
	}
	decode, ok := bodies[j.Type]
	if !ok {
		decode = func(data []byte) (Body, error) { return Unknown{Name: j.Type, Data: data}, nil }
	}
	body, err := decode(j.Data)
	if err != nil {
		return fmt.Errorf("decode event %d, %s: %w", j.Seq, j.Type, err)
	}
	*e = Event{Seq: j.Seq, Stream: j.Stream, At: j.At, Actor: j.Actor, Body: body}
	return nil
}

// Unknown is an event of a type that this version does not know.
type Unknown struct {
	Name string
	Data json.RawMessage
}

// Type is the word the log has for it.
func (u Unknown) Type() string { return u.Name }

// MarshalJSON gives back the data as it was read.
func (u Unknown) MarshalJSON() ([]byte, error) {
	if len(u.Data) == 0 {
		return []byte("null"), nil
	}
	return u.Data, nil
}

var bodies = map[string]func([]byte) (Body, error){}

// Types are the words of all events that this version knows, sorted.
func Types() []string { return slices.Sorted(maps.Keys(bodies)) }

func register[T Body]() {
	var zero T
	bodies[zero.Type()] = func(data []byte) (Body, error) {
		var body T
		if err := json.Unmarshal(data, &body); err != nil {
			return nil, err
		}
		return body, nil
	}
}
