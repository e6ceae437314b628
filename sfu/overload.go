package sfu

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// ErrOverloaded refuses who would make the calls of others worse. Room.Join, Server.Open.
var ErrOverloaded = errors.New("the media engine has more to do than it can")

const (
	shedShare    = 10              // of the peers that are left are shed at a time: 1/10 …
	backShare    = 20              // … and 1/20 of all, one at least, is taken back
	calmBefore   = 3 * time.Second // after this long without trouble,
	calmLongest  = time.Minute     // … or longer, up to this, if that brought trouble again
	refuseJoins  = 5 * time.Second // after trouble
	authenticate = 256             // one in so many packets is decrypted although it is shed, or else SRTP loses count (RFC 3711 §3.3.1)
)

// overload says whose media an engine does not carry when it has more to do than it can: video
// before audio, and of those who joined last first. Who is left gets all of theirs.
type overload struct {
	log *slog.Logger

	mu      sync.Mutex
	peers   []*Peer // in the order they joined
	level   int     // how many are shed: first the video of everybody, from the last on, and then their audio
	trouble time.Time
	calm    time.Duration // before one is taken back
	taken   time.Time     // back
}

// shedding is what is not carried for a peer.
type shedding int32

const (
	shedNothing shedding = iota
	shedVideo
	shedAll
)

// sheds says that a kind of media is not carried.
func (p *Peer) sheds(k Kind) bool {
	switch shedding(p.shedding.Load()) {
	case shedNothing:
		return false
	case shedVideo:
		return k == Video
	}
	return true
}

// admit takes a new peer, unless there is trouble.
func (o *overload) admit(p *Peer, now time.Time) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuses(now) {
		return ErrOverloaded
	}
	o.peers = append(o.peers, p)
	return nil
}

func (o *overload) refuses(now time.Time) bool {
	return o.level > 0 || !o.trouble.IsZero() && now.Sub(o.trouble) < refuseJoins
}

// busy says that no new room should come here.
func (o *overload) busy(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.refuses(now)
}

// count of peers.
func (o *overload) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.peers)
}

// reduced counts the peers that do not get all.
func (o *overload) reduced() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return min(o.level, len(o.peers))
}

func (o *overload) forget(p *Peer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(o.peers)
	o.peers = slices.DeleteFunc(o.peers, func(x *Peer) bool { return x == p })
	if len(o.peers) < n {
		o.level = max(0, o.level-1) // one less to carry
	}
}

// step is called every watchInterval: late says that packets wait too long, or were lost in
// the socket's queue.
func (o *overload) step(now time.Time, late bool) {
	o.mu.Lock()
	before := o.level
	most := 2 * len(o.peers)
	switch {
	case late:
		if now.Sub(o.taken) < 2*calmBefore { // it was too early
			o.calm = min(2*max(o.calm, calmBefore), calmLongest)
		}
		o.trouble = now
		o.level = min(most, o.level+(len(o.peers)-o.level%max(1, len(o.peers))+shedShare-1)/shedShare)
	case o.level > 0 && now.Sub(o.trouble) >= max(o.calm, calmBefore) && now.Sub(o.taken) >= calmBefore:
		o.level, o.taken = max(0, o.level-(len(o.peers)+backShare-1)/backShare), now
	case o.level == 0 && now.Sub(o.trouble) > calmLongest:
		o.calm = 0
	}
	changed := o.apply()
	level := o.level
	o.mu.Unlock()
	for _, p := range changed {
		p.resume()
	}
	if level != before {
		o.log.Warn("media engine sheds load: it has more to do than it can", "peers", min(level, most/2), "of", most/2, "late", late)
	}
}

// apply tells the peers and gives those for whom it changed. The lock is held.
func (o *overload) apply() (changed []*Peer) {
	n := len(o.peers)
	for i, p := range o.peers {
		want := shedNothing
		if last := n - i; last <= o.level-n { // counted from the newest, who is 1
			want = shedAll
		} else if last <= o.level {
			want = shedVideo
		}
		if shedding(p.shedding.Swap(int32(want))) != want {
			changed = append(changed, p)
		}
	}
	return changed
}

// resume makes what a peer gets again begin with a keyframe.
func (p *Peer) resume() {
	slots := p.sending.Load()
	if slots == nil {
		return
	}
	for _, s := range *slots {
		s.mu.Lock()
		t := s.out.feed
		s.mu.Unlock()
		if t == nil {
			continue
		}
		s.restart(t)
		if !p.sheds(s.kind) {
			t.RequestKeyframe()
		}
	}
}

// skip says that a packet of a known stream is not worth decrypting: it is shed.
func (p *Peer) skip(in *incoming) bool {
	if !in.video && shedding(p.shedding.Load()) != shedAll {
		return false
	}
	in.starved = true // and then it begins again with a keyframe
	in.skipped++
	p.shed.Add(1)
	return in.skipped%authenticate != 0
}
