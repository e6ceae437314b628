package sfu

import "slices"

// slotsOf gives the sections of a peer that are slots, and how many there are of a kind.
func (r *Room) slotsOf(p *Peer) (known map[string]bool, count map[Kind]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, count = map[string]bool{}, map[Kind]int{}
	for _, s := range p.slots {
		known[s.mid] = true
		count[s.kind]++
	}
	return known, count
}

// negotiated takes the slots of an offer into use, and those away whose section no longer
// receives.
func (r *Room) negotiated(p *Peer, d *description, added []*slot) {
	r.mu.Lock()
	defer r.unlock()
	if r.closed || !slices.Contains(r.peers, p) {
		return
	}
	p.slots = append(p.slots, added...)
	sending := slices.Clone(p.slots)
	p.sending.Store(&sending)
	for _, s := range p.slots {
		s.gone = !d.receiving(s.mid)
		if s.gone && s.track != nil {
			s.track.removeSlot(s)
			s.feedFrom(nil, 0, 0)
		}
	}
	p.told = told{negotiated: true}
	r.assign()
}

// connected starts the slots of a peer that can receive now.
func (r *Room) connected(p *Peer) {
	r.mu.Lock()
	defer r.unlock()
	for _, s := range p.slots {
		if s.track != nil {
			s.restart(s.track)
			r.asks = append(r.asks, s.track)
		}
	}
}

// assign gives waiting tracks to free slots of every peer and tells the peers what changed.
// The caller holds the lock.
func (r *Room) assign() {
	for _, p := range r.peers {
		if !p.told.negotiated {
			continue
		}
		missing := map[Kind]int{}
		for _, t := range r.tracks {
			if t.peer == p || shown(p, t) {
				continue
			}
			if !p.show(t) {
				missing[t.Kind()]++
			}
		}
		p.tell(missing[Audio], missing[Video])
	}
}

func shown(p *Peer, t *Track) bool {
	return slices.ContainsFunc(p.slots, func(s *slot) bool { return s.track == t })
}

// show gives t to the best free slot. It reports false if there is none; a track whose
// codec the peer cannot receive is left out and needs no slot.
func (p *Peer) show(t *Track) bool {
	var best *slot
	bestRank, decodes, any := 0, false, false
	var pt, rtx uint8
	for _, s := range p.slots {
		if s.kind != t.Kind() || s.gone {
			continue
		}
		any = true
		spt, srtx, ok := payloadTypes(t.codec, s.negotiated())
		if !ok {
			continue
		}
		decodes = true
		if s.track != nil {
			continue
		}
		if rank := p.rank(s, t); best == nil || rank < bestRank {
			best, bestRank, pt, rtx = s, rank, spt, srtx
		}
	}
	if best == nil {
		if any && !decodes {
			if !p.told.undecodable[t] {
				p.log.Warn("peer cannot receive a track's codec", "track", t.id, "publisher", t.peer.id, "codec", t.codec.MimeType)
				if p.told.undecodable == nil {
					p.told.undecodable = map[*Track]bool{}
				}
				p.told.undecodable[t] = true
			}
			return true
		}
		return false
	}
	best.feedFrom(t, pt, rtx)
	t.addSlot(best)
	if p.connected.Load() { // or else it is asked for then
		p.room.asks = append(p.room.asks, t)
	}
	p.told.slots = false
	return true
}

// rank orders free slots, the least first. Slots of one index play in sync, so the two
// tracks of one capture (microphone and camera, screen and its sound) go to one index; a
// screen leaves the first index to a camera.
func (p *Peer) rank(s *slot, t *Track) int {
	rank := s.index
	if t.source.shared() && s.index == 0 {
		rank += 1 << 10
	}
	for _, o := range p.slots {
		if o.kind == s.kind || o.track == nil {
			continue
		}
		together := o.track.peer == t.peer && o.track.source.shared() == t.source.shared()
		switch {
		case together && o.index == s.index:
			return -1
		case o.index == s.index:
			rank += 1 << 11 // its other half plays somebody else
		}
	}
	return rank
}

// tell sends the slot list and the wish for more slots, if they changed. Room.mu is held.
func (p *Peer) tell(audio, video int) {
	if !p.told.slots {
		p.told.slots = true
		list := make([]Slot, 0, len(p.slots))
		for _, s := range p.slots {
			if s.gone {
				continue
			}
			entry := Slot{MID: s.mid, Kind: s.kind}
			if t := s.track; t != nil {
				entry.Peer, entry.Track, entry.Source = t.peer.id, t.id, t.source
			}
			list = append(list, entry)
		}
		if f := p.events.Slots; f != nil {
			p.room.dispatch.call(func() { f(list) })
		}
	}
	if audio == p.told.audio && video == p.told.video {
		return
	}
	p.told.audio, p.told.video = audio, video
	if f := p.events.NeedSlots; f != nil && audio+video > 0 {
		p.room.dispatch.call(func() { f(audio, video) })
	}
}
