package signaling

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"showroom/call"
)

const (
	joinRate, joinBurst       = 1, 20 // joins a second with one link
	answerRate, answerBurst   = 1, 10 // changes of mind about consent: each is kept for ever
	newPeerRate, newPeerBurst = 1, 5  // PeerConnections a second; offers on the same one are the sfu's to limit
	chatRate, chatBurst       = 1, 10 // chat messages: 80 KB at once, a third of the others' queues
)

// session is a participant's place in the conference: at the door or in the room, with a socket or waiting for it to come back.
type session struct {
	id     string // the participant
	role   call.Role
	name   string
	link   string // by which it came
	secret string // of resume

	socket *socket   // nil while it is broken
	until  time.Time // when the participant is lost; only without a socket

	ending  string    // why the participant must leave, once the log knows; empty: stays
	attempt string    // why somebody tried to end this place and was not told whether the log took it
	retryAt time.Time // when a failed leaving is written again

	audio, video, screen bool // what the participant says is live
	said                 bool // has said so at all

	attachment *attachment // nil before the first offer
	consents   *rate.Limiter
	newPeers   *rate.Limiter
	chats      *rate.Limiter
	cutOff     bool // the connection has ended and no offer has come since
}

func newSession(id string, role call.Role) *session {
	return &session{
		id: id, role: role, secret: rand.Text() + rand.Text()[:6], // 32 characters of 5 bits
		consents: rate.NewLimiter(answerRate, answerBurst), newPeers: rate.NewLimiter(newPeerRate, newPeerBurst), chats: rate.NewLimiter(chatRate, chatBurst),
	}
}

func (s *session) resumes(secret string) bool {
	return secret != "" && s.ending == "" && subtle.ConstantTimeCompare([]byte(secret), []byte(s.secret)) == 1
}

// say sends if there is a socket; who has none gets the whole state with the next welcome.
func (s *session) say(message any) {
	if s.socket != nil {
		s.socket.send(encode(message))
	}
}

func (s *session) refuse(id requestID, p *problem) {
	s.say(errorMessage{reply("error", id), string(p.code), p.message})
}

// bye gives the socket its last message.
func (s *session) bye(reason string, id requestID) {
	if s.socket == nil {
		return
	}
	s.say(byeMessage{reply("bye", id), reason, farewells[reason]})
	code := websocket.CloseNormalClosure
	switch reason {
	case reasonServerStop:
		code = websocket.CloseGoingAway
	case reasonViolation:
		code = websocket.ClosePolicyViolation
	}
	s.socket.finish(code)
	s.socket.session = nil
	s.socket = nil
}

// knocking and inside are what the log says.
func (c *conference) knocking(id string) bool { return c.state.Conference.Participants[id].Knocking }
func (c *conference) inside(id string) bool   { return c.state.Conference.Participants[id].Present }

// gone takes note of a broken socket.
func (c *conference) gone(socket *socket) {
	s := socket.session
	if s == nil || s.socket != socket {
		return
	}
	socket.session, s.socket = nil, nil
	s.until = c.hub.now().Add(c.config.ResumeWindow)
	c.log.Info("socket broke", "peer", s.id)
}

// expire gives up those who did not come back, and turns away those whose links do not hold any more. A link that gets too old while
// its holder is in the room does not end the call.
func (c *conference) expire() {
	for _, s := range c.sessions {
		link, known := c.state.Conference.Links[s.link]
		switch {
		case s.ending != "":
		case known && !link.RevokedAt.IsZero():
			c.expel(s, reasonRevoked)
		case known && c.knocking(s.id) && c.due(link.ExpiresAt):
			c.expel(s, reasonExpired)
		case s.socket == nil && c.due(s.until):
			c.expel(s, reasonLost)
		}
	}
}

// adoptLost makes a place for whom the log has inside and this process knows nothing of: an earlier process died, or the log took a change
// and could not say so.
func (c *conference) adoptLost() {
	for _, id := range c.state.Conference.Inside() {
		if c.sessions[id] == nil && !c.state.Conference.Over() {
			s := newSession(id, c.state.Conference.Participants[id].Role)
			s.name = c.nameOf(id)
			s.ending = reasonLost
			c.sessions[id] = s
		}
	}
}

// dropGone forgets those of whom the log says that they have left, though nobody here was told so.
func (c *conference) dropGone() {
	for _, s := range c.sessions {
		if !c.inside(s.id) && !c.knocking(s.id) && !c.state.Conference.Over() {
			c.dismiss(s, cmp.Or(s.ending, s.attempt, reasonLost), nil)
		}
	}
}

// expel says goodbye and ends the media at once; the place is kept until the log knows.
func (c *conference) expel(s *session, reason string) {
	c.log.Info("participant must leave", "peer", s.id, "reason", reason)
	s.bye(reason, nil)
	c.detach(s, reason)
	s.ending = reason
}

// departAll writes to the log who must leave.
func (c *conference) departAll() {
	for _, s := range c.sessions {
		if s.ending == "" || (!s.retryAt.IsZero() && !c.due(s.retryAt)) {
			continue
		}
		if err := c.apply(call.Depart(s.id, s.ending)); err != nil {
			s.retryAt = c.hub.now().Add(retryAfter)
			c.at(s.retryAt)
			continue
		}
		c.dismiss(s, s.ending, nil)
	}
}

// dismiss forgets a participant who has left, after a last word if there is a socket.
func (c *conference) dismiss(s *session, reason string, id requestID) {
	s.bye(reason, id)
	c.detach(s, reason)
	c.reasons[s.id] = reason
	delete(c.sessions, s.id)
	c.log.Info("participant left", "peer", s.id, "reason", reason)
}

// nameOf is a participant's name: the seller's, the buyer's, or the one in the guest's link.
func (c *conference) nameOf(id string) string {
	for _, l := range c.state.Conference.Links {
		if l.Participant != id {
			continue
		}
		switch l.Role {
		case call.RoleSeller:
			return c.state.Seller.Name
		case call.RoleBuyer:
			return c.state.Buyer.Name
		}
		return l.Name
	}
	return id
}
