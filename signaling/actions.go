package signaling

import (
	"strings"
	"unicode/utf8"

	"showroom/call"
	"showroom/sfu"
)

const maxChat = 2000 // characters

// request does what a participant asks for.
func (c *conference) request(s *session, r request) {
	if err := c.act(s, r); err != nil {
		p := explain(err, s.role)
		if r.kind == "offer" || r.kind == "candidate" {
			err = p // the inner error may quote the SDP, with its ICE password
		}
		c.log.Debug("request refused", "peer", s.id, "type", r.kind, "code", p.code, "err", err)
		s.refuse(r.id, p)
	}
}

func (c *conference) act(s *session, r request) error {
	switch r.kind {
	case "join":
		return refuse(codeJoinedHere, "This connection has joined already.")
	case "leave":
		return c.leave(s, r.id)
	}
	if body, ok := r.body.(*consentBody); ok { // at the door, too
		return c.consent(s, r.id, body)
	}
	if !c.inside(s.id) {
		return refuse(codeNotAdmitted, "Wait until you are let in.")
	}
	switch body := r.body.(type) {
	case *offerBody:
		return c.offer(s, r.id, body)
	case *candidateBody:
		return c.candidate(s, body)
	case *stateBody:
		c.live(s, body)
		return nil
	case *chatBody:
		return c.chat(s, r.id, body)
	}
	if !sellerSide(s.role) {
		return refuse(codeForbidden, "Only the seller can do this.")
	}
	switch body := r.body.(type) {
	case *participantBody:
		return c.decide(s, r, body.Participant)
	default:
		return c.end(s, r.id)
	}
}

// leave takes the participant out. If the log cannot be written the client is told so; when it goes nevertheless it will be lost.
func (c *conference) leave(s *session, id requestID) error {
	return c.takeOut(s, reasonLeft, id, call.Depart(s.id, reasonLeft))
}

func (c *conference) end(s *session, id requestID) error {
	if err := c.apply(call.End(s.id, reasonEnded)); err != nil {
		return err
	}
	c.dismiss(s, reasonEnded, id) // the others get theirs from settle
	return nil
}

// decide admits, denies or removes.
func (c *conference) decide(s *session, r request, participant string) error {
	other := c.sessions[participant]
	if other == nil || other == s {
		return refuse(codeNobody, "There is no such participant.")
	}
	switch r.kind {
	case "admit":
		return c.apply(call.Admit(participant, s.id)) // told by settle
	case "deny":
		return c.takeOut(other, reasonDenied, nil, call.Deny(participant, s.id))
	default: // remove
		if !c.inside(participant) {
			return call.ErrNotPresent
		}
		return c.takeOut(other, reasonRemoved, nil, call.Depart(participant, reasonRemoved))
	}
}

// takeOut ends a place by a rule.
func (c *conference) takeOut(s *session, reason string, id requestID, rule call.Rule) error {
	if err := c.apply(rule); err != nil {
		if explain(err, s.role).code == codeUnavailable {
			s.attempt = reason // the log may have it
		}
		return err
	}
	c.dismiss(s, reason, id)
	return nil
}

// live takes note of what the participant sends now.
func (c *conference) live(s *session, body *stateBody) {
	s.audio, s.video, s.screen, s.said = body.Audio, body.Video, body.Screen, true
	if s.attachment != nil {
		s.attachment.peer.Publish(s.sources())
	}
}

func (s *session) sources() map[sfu.Source]bool {
	return map[sfu.Source]bool{sfu.Mic: s.audio, sfu.Camera: s.video, sfu.Screen: s.screen, sfu.ScreenAudio: s.screen}
}

func (c *conference) chat(s *session, id requestID, body *chatBody) error {
	if n := utf8.RuneCountInString(body.Text); n > maxChat || strings.TrimSpace(body.Text) == "" {
		return refuse(codeBadText, "A chat message has 1 to 2000 characters.")
	}
	if !s.chats.AllowN(c.hub.now(), 1) {
		return refuse(codeTooMany, "Too many chat messages. Wait a few seconds.")
	}
	m := chatMessage{event("chat"), c.talk.next(), s.id, s.name, body.Text, c.hub.now().UTC()}
	c.keep(encode(m))
	c.tellRoom(s.id, m)
	m.ID = id
	s.say(m)
	return nil
}
