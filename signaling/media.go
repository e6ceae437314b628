package signaling

import (
	"sync"

	"showroom/call"
	"showroom/sfu"
)

// media is the conference's room and what is told of it.
type media struct {
	room Room // nil while nobody has media
	quality
}

// attachment is a participant's connection and the newest that the media plane has said of it.
type attachment struct {
	peer     *sfu.Peer
	identity identity
	ring     func()
	answered bool       // an offer went well; this and the next two are the conference's goroutine's
	shown    []slotView // told last
	sampled  sample

	mu        sync.Mutex
	slots     []sfu.Slot
	newSlots  bool
	need      [2]int // audio, video
	newNeed   bool
	closed    bool
	violation string
}

// events never wait: each leaves the newest state and rings.
func (a *attachment) events() sfu.PeerEvents {
	note := func(f func()) {
		a.mu.Lock()
		f()
		a.mu.Unlock()
		a.ring()
	}
	return sfu.PeerEvents{
		State: func(s sfu.PeerState) {
			if s == sfu.Closed {
				note(func() { a.closed = true })
			}
		},
		Slots:     func(slots []sfu.Slot) { note(func() { a.slots, a.newSlots = slots, true }) },
		NeedSlots: func(audio, video int) { note(func() { a.need, a.newNeed = [2]int{audio, video}, true }) },
		Violation: func(reason string) { note(func() { a.violation = reason }) },
	}
}

type news struct {
	slots     []sfu.Slot
	newSlots  bool
	need      [2]int
	newNeed   bool
	closed    bool
	violation string
}

func (a *attachment) take() news {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := news{a.slots, a.newSlots, a.need, a.newNeed, a.closed, a.violation}
	a.newSlots, a.newNeed = false, false
	return n
}

func (a *attachment) isClosed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closed
}

// hear tells participants what the media plane has said since the last time.
func (c *conference) hear() {
	for _, s := range c.sessions {
		a := s.attachment
		if a == nil {
			continue
		}
		switch n := a.take(); {
		case n.violation != "":
			c.log.Warn("participant broke a limit of the media plane", "peer", s.id, "violation", n.violation)
			c.expel(s, reasonViolation)
		case n.closed:
			s.attachment, s.cutOff = nil, true // the next offer makes a new one
		default:
			if n.newSlots {
				a.shown = viewSlots(n.slots)
				s.say(slotsMessage{event("slots"), a.shown})
			}
			if n.newNeed && n.need != [2]int{} {
				s.say(needSlotsMessage{event("need_slots"), n.need[0], n.need[1]})
			}
		}
	}
}

func viewSlots(slots []sfu.Slot) []slotView {
	views := []slotView{}
	for _, s := range slots {
		v := slotView{MID: s.MID, Participant: s.Peer, Kind: string(s.Kind)}
		if s.Peer != "" {
			v.Source = string(s.Source)
		}
		views = append(views, v)
	}
	return views
}

// repeat says again what somebody missed whose socket was broken.
func (c *conference) repeat(s *session) {
	if a := s.attachment; a != nil {
		a.mu.Lock()
		need := a.need
		a.mu.Unlock()
		if a.shown != nil {
			s.say(slotsMessage{event("slots"), a.shown})
		}
		if need != [2]int{} {
			s.say(needSlotsMessage{event("need_slots"), need[0], need[1]})
		}
	}
	if len(c.levels) > 0 {
		s.say(qualityMessage{event("quality"), c.levels})
	}
	if now := c.minutesNow(); now.Level == call.LevelLast && !sellerSide(s.role) {
		s.say(minutesMessage{event("minutes"), now})
	}
}

// offer negotiates. An offer of another PeerConnection than the last one's replaces it.
func (c *conference) offer(s *session, id requestID, body *offerBody) error {
	sources := map[string]sfu.Source{}
	for mid, name := range body.Tracks {
		source := sfu.Source(name)
		if source.Kind() == "" {
			return refuse(codeBadMessage, "tracks: a source is mic, camera, screen or screen_audio.")
		}
		sources[mid] = source
	}
	who := identify(body.SDP)
	if !who.whole() {
		return sfu.ErrBadSDP
	}
	a := s.attachment
	if a == nil || a.identity != who || a.isClosed() {
		var err error
		if a, err = c.attach(s, who); err != nil {
			return err
		}
	}
	answer, err := a.peer.Offer(body.SDP, sources)
	if err != nil {
		if !a.answered {
			c.detach(s, "bad_sdp")
		}
		return err
	}
	a.answered = true
	if s.said {
		a.peer.Publish(s.sources())
	}
	s.say(answerMessage{reply("answer", id), answer})
	return nil
}

// attach makes a connection for the participant, in the room that is opened if need be.
func (c *conference) attach(s *session, who identity) (*attachment, error) {
	if !s.newPeers.AllowN(c.hub.now(), 1) {
		return nil, sfu.ErrTooManyOffer
	}
	if c.room == nil {
		room, err := c.config.Media.Open(c.state.Conference)
		if err != nil {
			c.log.Error("room cannot be opened", "err", err)
			return nil, refuse(codeUnavailable, "The server cannot carry media now. Please try again.")
		}
		c.room = room
		clear(c.recording.on)
		c.credit()
		c.record()
	}
	c.detach(s, reasonReplaced)
	a := &attachment{identity: who, ring: c.ring}
	peer, err := c.room.Join(s.id, s.role, a.events())
	if err != nil {
		return nil, err
	}
	a.peer, s.attachment, s.cutOff = peer, a, false
	return a, nil
}

// detach ends the participant's connection, if there is one.
func (c *conference) detach(s *session, reason string) {
	if s.attachment != nil {
		s.attachment.peer.Close(reason)
		s.attachment = nil
	}
}

func (c *conference) candidate(s *session, body *candidateBody) error {
	if s.attachment == nil {
		return sfu.ErrNoOffer
	}
	return s.attachment.peer.AddCandidate(body.Candidate, body.MID, body.Line)
}

// closeRoom closes the media when nobody is left, which completes the recordings. It may take a while.
func (c *conference) closeRoom() {
	if c.room == nil {
		return
	}
	for id, s := range c.sessions {
		if s.ending == "" && c.inside(id) {
			return
		}
	}
	c.room.Close()
	c.room = nil
	clear(c.recording.on)
	clear(c.recording.failed)
	c.levels = nil
}
