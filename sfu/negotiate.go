package sfu

import (
	"errors"
	"fmt"
	"time"

	"github.com/pion/webrtc/v4"
)

// Offer takes the client's description and gives the answer, with all of the server's
// candidates. sources says which section is which source. It serves the first offer, more
// slots and ICE restarts alike. An offer that fails its checks changes nothing; one that
// fails half way closes the peer.
func (p *Peer) Offer(sdp string, sources map[string]Source) (answer string, err error) {
	p.offering.Lock()
	defer p.offering.Unlock()
	if p.closed() {
		return "", fmt.Errorf("offer: %w", ErrClosed)
	}
	if !p.mayOffer(time.Now()) {
		return "", fmt.Errorf("offer: %w: at most %d a second", ErrTooManyOffer, p.server.config.OffersPerSecond)
	}
	d, err := parse(sdp, &p.server.config)
	if err != nil {
		return "", fmt.Errorf("offer: %w", err)
	}
	if err := checkSources(d, sources); err != nil {
		return "", fmt.Errorf("offer: %w", err)
	}
	cleaned := d.offer()
	desc := webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: cleaned}
	if _, err := desc.Unmarshal(); err != nil {
		return "", fmt.Errorf("offer: %w: %w", ErrBadSDP, err)
	}
	p.guard.declare(cleaned)
	added, err := p.addSlots(d)
	if err == nil {
		answer, err = p.answer(desc)
	}
	if err != nil {
		if p.closed() {
			return "", fmt.Errorf("offer: %w", ErrClosed)
		}
		p.close("bad_sdp")
		return "", fmt.Errorf("offer: %w: %w", ErrBadSDP, err)
	}
	p.guard.declare(answer)
	p.accepted(d, sources)
	p.route(newRoutes(d, p.pc.GetTransceivers()))
	p.room.negotiated(p, d, added)
	return d.complete(answer), nil
}

// mayOffer counts the offers of the last second.
func (p *Peer) mayOffer(now time.Time) bool {
	limit := p.server.config.OffersPerSecond
	for len(p.offers) > 0 && now.Sub(p.offers[0]) >= time.Second {
		p.offers = p.offers[1:]
	}
	if len(p.offers) >= limit {
		return false
	}
	p.offers = append(p.offers, now)
	return true
}

// checkSources says what is wrong with the client's map of sections.
func checkSources(d *description, sources map[string]Source) error {
	kinds := map[string]Kind{}
	for _, s := range d.sections {
		kinds[s.mid] = Kind(s.kind)
	}
	seen := map[Source]bool{}
	for mid, source := range sources {
		switch kind, ok := kinds[mid]; {
		case source.Kind() == "":
			return fmt.Errorf("%w: unknown source %q", ErrBadSDP, source)
		case !ok:
			return fmt.Errorf("%w: source %s is on section %q, which is not in the offer", ErrBadSDP, source, mid)
		case kind != source.Kind():
			return fmt.Errorf("%w: source %s is on section %q, which is %s", ErrBadSDP, source, mid, kind)
		case seen[source]:
			return fmt.Errorf("%w: source %s is on two sections", ErrBadSDP, source)
		}
		seen[source] = true
	}
	return nil
}

// addSlots prepares a slot for each new section on which the client can receive. Pion
// matches transceivers that exist to the offer's sections in order: those of a sendrecv
// section must be sendrecv, those of a recvonly one sendonly.
func (p *Peer) addSlots(d *description) ([]*slot, error) {
	known, count := p.room.slotsOf(p)
	var added []*slot
	for _, s := range d.sections {
		if !s.media() || !s.receiving() || known[s.mid] {
			continue
		}
		kind := Kind(s.kind)
		slot := newSlot(p, s.mid, kind, count[kind])
		count[kind]++
		direction := webrtc.RTPTransceiverDirectionSendonly
		if s.sending() {
			direction = webrtc.RTPTransceiverDirectionSendrecv
		}
		if _, err := p.pc.AddTransceiverFromTrack(slot, webrtc.RTPTransceiverInit{Direction: direction}); err != nil {
			return nil, fmt.Errorf("add slot %s: %w", s.mid, err)
		}
		added = append(added, slot)
	}
	return added, nil
}

// answer applies the offer and waits for the candidates: there is one port, so it is quick.
func (p *Peer) answer(offer webrtc.SessionDescription) (string, error) {
	if err := p.pc.SetRemoteDescription(offer); err != nil {
		return "", fmt.Errorf("set remote description: %w", err)
	}
	for _, t := range p.pc.GetTransceivers() {
		if codecs := codecsOf(t); len(codecs) > 0 {
			if err := t.SetCodecPreferences(preferVP8(codecs)); err != nil {
				return "", fmt.Errorf("order codecs of section %s: %w", t.Mid(), err)
			}
		}
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("create answer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(answer); err != nil {
		return "", fmt.Errorf("set local description: %w", err)
	}
	select {
	case <-gathered:
	case <-time.After(5 * time.Second):
		return "", errors.New("gathering candidates takes too long")
	case <-p.done:
		return "", ErrClosed
	}
	local := p.pc.LocalDescription()
	if local == nil {
		return "", ErrClosed
	}
	return local.SDP, nil
}

func codecsOf(t *webrtc.RTPTransceiver) []webrtc.RTPCodecParameters {
	if s := t.Sender(); s != nil {
		return s.GetParameters().Codecs
	}
	if r := t.Receiver(); r != nil {
		return r.GetParameters().Codecs
	}
	return nil
}

// accepted notes what an offer that went well says of the sources.
func (p *Peer) accepted(d *description, sources map[string]Source) {
	p.mu.Lock()
	p.sources = map[string]Source{}
	for mid, source := range sources {
		p.sources[mid] = source
	}
	p.candidates = 0
	var stopped []*incoming
	for _, s := range d.sections {
		if in := p.incoming[s.mid]; in != nil && (!s.sending() || p.sources[s.mid] == "") {
			stopped = append(stopped, in)
		}
	}
	p.mu.Unlock()
	for _, in := range stopped {
		p.room.unpublish(in)
	}
}

// AddCandidate takes one of the client's trickled candidates. An empty one, the end of
// candidates, is taken as well.
func (p *Peer) AddCandidate(candidate, mid string, line int) error {
	p.mu.Lock()
	p.candidates++
	over := p.candidates > p.server.config.SDPCandidates
	closing := p.closing
	p.mu.Unlock()
	switch {
	case closing:
		return fmt.Errorf("add candidate: %w", ErrClosed)
	case over:
		return fmt.Errorf("add candidate: %w: more than %d", ErrBadCandidate, p.server.config.SDPCandidates)
	case len(candidate) > 1024:
		return fmt.Errorf("add candidate: %w: %d bytes long", ErrBadCandidate, len(candidate))
	case p.pc.RemoteDescription() == nil:
		return fmt.Errorf("add candidate: %w", ErrNoOffer)
	}
	n := uint16(max(0, min(line, 1<<15)))
	init := webrtc.ICECandidateInit{Candidate: candidate, SDPMid: &mid, SDPMLineIndex: &n}
	if err := p.pc.AddICECandidate(init); err != nil {
		return fmt.Errorf("add candidate: %w: %w", ErrBadCandidate, err)
	}
	return nil
}
