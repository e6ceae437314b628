package signaling

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// requestID is a client's id as it came: a JSON string or number, repeated in the reply.
type requestID = json.RawMessage

const maxRequestID = 64 // bytes

// request is a client's message: its fields are those of the type, behind body.
type request struct {
	kind string
	id   requestID
	body any // one of the types below, nil where there are no fields
}

// Fields of the client's messages, docs/protocol.md.
type (
	joinBody struct {
		Token    string `json:"token"`
		Resume   string `json:"resume"`
		Takeover bool   `json:"takeover"`
		Protocol int    `json:"protocol"`

		Consent *consentBody `json:"consent"`
	}
	consentBody struct {
		Accepted *bool  `json:"accepted"`
		Text     string `json:"text"`
		Language string `json:"language"`
		Version  string `json:"version"`
	}
	offerBody struct {
		SDP    string            `json:"sdp"`
		Tracks map[string]string `json:"tracks"`
	}
	candidateBody struct {
		Candidate string `json:"candidate"`
		MID       string `json:"mid"`
		Line      int    `json:"line"`
	}
	stateBody struct {
		Audio  bool `json:"audio"`
		Video  bool `json:"video"`
		Screen bool `json:"screen"`
	}
	chatBody struct {
		Text string `json:"text"`
	}
	participantBody struct {
		Participant string `json:"participant"`
	}
)

var (
	errUnknownType = errors.New("unknown type")
	errBadMessage  = errors.New("bad message")
)

var bodies = map[string]func() any{
	"join":      func() any { return new(joinBody) },
	"consent":   func() any { return new(consentBody) },
	"offer":     func() any { return new(offerBody) },
	"candidate": func() any { return new(candidateBody) },
	"state":     func() any { return new(stateBody) },
	"chat":      func() any { return new(chatBody) },
	"admit":     func() any { return new(participantBody) },
	"deny":      func() any { return new(participantBody) },
	"remove":    func() any { return new(participantBody) },
	"end":       nil,
	"leave":     nil,
	"ping":      nil,
}

// decode reads one message. With an error, the request has as much as could be read, for the reply.
func decode(data []byte) (request, error) {
	var envelope struct {
		Type string    `json:"type"`
		ID   requestID `json:"id"`
	}
	if !utf8.Valid(data) {
		return request{}, fmt.Errorf("%w: not UTF-8", errBadMessage)
	}
	if err := json.Unmarshal(data, &envelope); err != nil {
		return request{}, fmt.Errorf("%w: %w", errBadMessage, err)
	}
	r := request{kind: envelope.Type}
	id, err := checkID(envelope.ID)
	if err != nil {
		return r, err
	}
	r.id = id
	if r.kind == "" {
		return r, fmt.Errorf("%w: no type", errBadMessage)
	}
	fields, known := bodies[r.kind]
	if !known {
		return r, errUnknownType
	}
	if fields == nil {
		return r, nil
	}
	r.body = fields()
	if err := json.Unmarshal(data, r.body); err != nil {
		return r, fmt.Errorf("%w: %w", errBadMessage, err)
	}
	return r, nil
}

func checkID(id requestID) (requestID, error) {
	id = bytes.TrimSpace(id)
	switch {
	case len(id) == 0 || bytes.Equal(id, []byte("null")):
		return nil, nil
	case len(id) > maxRequestID:
		return nil, fmt.Errorf("%w: id longer than %d bytes", errBadMessage, maxRequestID)
	case id[0] == '"' || id[0] == '-' || (id[0] >= '0' && id[0] <= '9'):
		return id, nil
	}
	return nil, fmt.Errorf("%w: id is neither a string nor a number", errBadMessage)
}
