package signaling

import (
	"encoding/json"
	"slices"
)

// talk is what was written in the chat, kept for those who come later: the newest, in number and in bytes.
type talk struct {
	said  []json.RawMessage
	bytes int
	n     int
}

func (t *talk) next() int { t.n++; return t.n }

func (c *conference) keep(message []byte) {
	t := &c.talk
	t.said, t.bytes = append(t.said, message), t.bytes+len(message)
	for len(t.said) > c.config.ChatMessages || t.bytes > c.config.ChatBytes {
		t.bytes -= len(t.said[0])
		t.said = slices.Delete(t.said, 0, 1)
	}
}

func (c *conference) history() []json.RawMessage {
	if len(c.said) == 0 {
		return []json.RawMessage{}
	}
	return slices.Clone(c.said)
}
