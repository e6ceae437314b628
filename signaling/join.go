package signaling

import (
	"encoding/json"
	"log/slog"

	"golang.org/x/time/rate"

	"showroom/call"
)

// join answers a join with welcome, or with an error and the end of the socket.
func (c *conference) join(in *input) {
	body := in.request.body.(*joinBody)
	s, resumed, err := c.seat(in.pass, body, in.socket.address)
	if err != nil {
		p := explain(err, in.pass.Role)
		level := slog.LevelInfo
		if p.code == codeTooMany {
			level = slog.LevelDebug // or else a loop would fill the log
		}
		c.log.Log(c.hub.stop, level, "join refused", "peer", in.pass.Participant, "code", p.code, "err", err)
		in.socket.fail(in.request.id, p, closeCode(p))
		return
	}
	s.bye(reasonReplaced, nil)
	s.socket, in.socket.session = in.socket, s
	in.socket.joined.Store(true)
	c.log.Info("participant joins", "peer", s.id, "role", s.role, "link", s.link, "resumed", resumed, "address", in.socket.address)
	c.welcome(s, resumed, in.request.id)
}

// seat finds or makes the place for a pass.
func (c *conference) seat(pass call.Pass, body *joinBody, address string) (s *session, resumed bool, err error) {
	if !c.mayJoin(pass.Link) {
		return nil, false, refuse(codeTooMany, "Too many joins with this link. Wait a few seconds.")
	}
	s = c.sessions[pass.Participant]
	if s != nil && s.resumes(body.Resume) {
		if link, err := c.state.Conference.CheckLink(pass.Link, c.hub.now()); err != nil {
			return nil, false, err
		} else if link.Participant != s.id {
			return nil, false, call.ErrPass
		}
		s.link = pass.Link
		return s, true, nil
	}
	if s != nil && s.socket != nil && !body.Takeover {
		return nil, false, refuse(codeAlreadyJoined, "This link is in use. Join with takeover to move the call here.")
	}
	if err := c.mayEnter(s); err != nil {
		return nil, false, err
	}
	if err := c.consentAhead(pass, body.Consent, address); err != nil {
		return nil, false, err
	}
	if err := c.apply(call.Arrive(pass.Link)); err != nil {
		return nil, false, err
	}
	link := c.state.Conference.Links[pass.Link]
	if link.Participant != pass.Participant || link.Role != pass.Role {
		return nil, false, call.ErrPass // the key has signed for another log; whom the rule let in leaves again
	}
	return c.place(s, link), false, nil
}

// mayJoin limits the joins with a link, resumed and refused ones, too: the others are told of each, or the log.
func (c *conference) mayJoin(link string) bool {
	limiter := c.joins[link]
	if limiter == nil {
		limiter = rate.NewLimiter(joinRate, joinBurst)
		c.joins[link] = limiter
	}
	return limiter.AllowN(c.hub.now(), 1)
}

// mayEnter are the limits that are not the log's.
func (c *conference) mayEnter(s *session) error {
	switch {
	case s == nil && len(c.sessions) >= c.config.Participants:
		return refuse(codeRoomFull, "The room is full.")
	case s == nil && c.hub.isDraining() && c.state.Conference.OngoingSince.IsZero():
		return restarting
	}
	return nil
}

// place is a new session of the participant; what an old one had is over.
func (c *conference) place(old *session, link call.Link) *session {
	s := newSession(link.Participant, link.Role)
	s.link, s.name = link.ID, c.nameOf(link.Participant)
	if old != nil {
		old.bye(reasonReplaced, nil)
		c.detach(old, reasonReplaced)
	}
	c.sessions[s.id] = s
	return s
}

// welcome tells the participant everything there is to know now.
func (c *conference) welcome(s *session, resumed bool, id requestID) {
	m := welcomeMessage{
		header: reply("welcome", id), You: c.view(s), Participants: []participantView{}, Conference: viewConference(c.state, c.hub.now()),
		ICEServers: c.config.ICEServers, Recording: c.recordingView(), Chat: []json.RawMessage{}, Resume: s.secret,
		ResumeSeconds: int(c.config.ResumeWindow.Seconds()), Resumed: resumed, Protocol: protocolView{minProtocol, maxProtocol},
	}
	if m.ICEServers == nil {
		m.ICEServers = []ICEServer{}
	}
	if sellerSide(s.role) {
		now := c.minutesNow()
		m.Minutes = &now
	}
	inside := c.inside(s.id)
	if inside {
		m.Participants, m.Chat = c.others(s), c.history()
	}
	s.say(m)
	if !inside {
		return
	}
	for _, p := range m.Participants {
		if p.State == stateKnocking {
			s.say(participantMessage{header: event("knock"), Participant: p})
		}
	}
	c.repeat(s)
}
