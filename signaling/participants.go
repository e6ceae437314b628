package signaling

import (
	"maps"
	"slices"

	"showroom/call"
)

// sellerSide says who sees the door, and whose words admit, deny, remove and end.
func sellerSide(r call.Role) bool { return r == call.RoleSeller }

// view is a participant as the protocol shows it.
func (c *conference) view(s *session) participantView {
	v := participantView{ID: s.id, Role: s.role, Name: s.name, State: statePresent, Audio: s.audio, Video: s.video, Screen: s.screen}
	switch {
	case c.knocking(s.id):
		v.State = stateKnocking
	case s.socket == nil:
		v.State = stateReconnecting
	}
	return v
}

// views are those whom others can see. Who knocked and lost the socket has gone from the door until it comes back.
func (c *conference) views() map[string]participantView {
	views := map[string]participantView{}
	for id, s := range c.sessions {
		if v := c.view(s); c.inside(id) || (v.State == stateKnocking && s.socket != nil) {
			views[id] = v
		}
	}
	return views
}

// others is what a participant in the room sees, in a stable order; only the seller side sees the door.
func (c *conference) others(of *session) []participantView {
	others := []participantView{}
	views := c.views()
	for _, id := range slices.Sorted(maps.Keys(views)) {
		if v := views[id]; id != of.id && (v.State != stateKnocking || sellerSide(of.role)) {
			others = append(others, v)
		}
	}
	return others
}

// tellParticipants tells of every change since the last time.
func (c *conference) tellParticipants() {
	views := c.views()
	for _, id := range slices.Sorted(maps.Keys(c.told)) {
		if _, here := views[id]; !here {
			c.tellGone(c.told[id])
		}
	}
	for _, id := range slices.Sorted(maps.Keys(views)) {
		if before, now := c.told[id], views[id]; before != now {
			c.tellChange(before, now)
		}
	}
	c.told = views
	clear(c.reasons)
}

func (c *conference) tellGone(p participantView) {
	if p.State == stateKnocking {
		c.tellSeller(p.ID, goneMessage{header: event("knock_gone"), Participant: p.ID})
		return
	}
	c.tellRoom(p.ID, goneMessage{event("left"), p.ID, c.reasons[p.ID]})
}

func (c *conference) tellChange(before, now participantView) {
	conference := viewConference(c.state, c.hub.now())
	switch {
	case now.State == stateKnocking:
		c.tellSeller(now.ID, participantMessage{header: event("knock"), Participant: now})
	case before.ID == "" || before.State == stateKnocking:
		if before.State == stateKnocking {
			c.tellAdmitted(now.ID, conference)
		}
		c.tellRoom(now.ID, participantMessage{event("joined"), now, &conference})
	default:
		c.tellRoom(now.ID, participantMessage{header: event("changed"), Participant: now})
	}
}

func (c *conference) tellAdmitted(id string, conference conferenceView) {
	s := c.sessions[id]
	s.say(admittedMessage{event("admitted"), c.others(s), conference, c.recordingView(), c.history()})
	c.repeat(s)
}

// tellRoom reaches everybody in the room but one.
func (c *conference) tellRoom(but string, message any) {
	c.tell(message, func(s *session) bool { return s.id != but })
}

func (c *conference) tellSeller(but string, message any) {
	c.tell(message, func(s *session) bool { return s.id != but && sellerSide(s.role) })
}

// tell encodes once for all.
func (c *conference) tell(message any, to func(*session) bool) {
	data := encode(message)
	for id, s := range c.sessions {
		if s.socket != nil && c.inside(id) && to(s) {
			s.socket.send(data)
		}
	}
}
