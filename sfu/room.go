package sfu

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"showroom/sfu/udp"
)

// Room is where peers see each other's tracks.
type Room struct {
	id       string
	server   *Server
	engine   *engine
	events   RoomEvents
	log      *slog.Logger
	dispatch dispatcher

	until atomic.Int64 // ns since server.start; past it nothing is forwarded
	wg    sync.WaitGroup

	mu     sync.Mutex
	peers  []*Peer  // in the order they joined
	tracks []*Track // in the order they were published
	asks   []*Track // need a keyframe; asked for by unlock
	closed bool
}

func newRoom(s *Server, e *engine, id string, ev RoomEvents) *Room {
	r := &Room{id: id, server: s, engine: e, events: ev, log: s.config.Log.With("call", id)}
	r.dispatch.wg = &s.wg
	r.until.Store(math.MaxInt64)
	return r
}

// ID is the one given to Open.
func (r *Room) ID() string { return r.id }

// ForwardUntil is the room's credit: past t nothing is forwarded, to peers or sinks, until
// t is moved. The zero time means no limit. Connections stay up meanwhile.
func (r *Room) ForwardUntil(t time.Time) {
	if t.IsZero() {
		r.until.Store(math.MaxInt64)
		return
	}
	// By the monotonic clock: a step of the wall clock must give or take nobody's minutes.
	r.until.Store(int64(time.Since(r.server.start) + time.Until(t)))
}

func (r *Room) exhausted(now time.Time) bool { return int64(now.Sub(r.server.start)) > r.until.Load() }

// Peers in the order they joined.
func (r *Room) Peers() []*Peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.peers)
}

// Tracks published now, in the order they were.
func (r *Room) Tracks() []*Track {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.tracks)
}

// Join makes a connection for a participant. A participant that comes back is closed first.
func (r *Room) Join(id string, ev PeerEvents) (*Peer, error) {
	if err := r.mayJoin(id); err != nil {
		return nil, fmt.Errorf("join %s: %w", id, err)
	}
	p, err := newPeer(r, id, ev)
	if err != nil {
		return nil, fmt.Errorf("join %s: %w", id, err)
	}
	r.mu.Lock()
	err = r.mayJoinLocked(id)
	if err == nil {
		err = r.engine.overload.admit(p, time.Now())
	}
	if err == nil {
		r.peers = append(r.peers, p)
	}
	r.mu.Unlock()
	if err != nil {
		_ = p.pc.GracefulClose()
		return nil, fmt.Errorf("join %s: %w", id, err)
	}
	p.log.Info("peer joins")
	return p, nil
}

func (r *Room) mayJoin(id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.mayJoinLocked(id)
}

func (r *Room) mayJoinLocked(id string) error {
	switch {
	case r.closed:
		return ErrClosed
	case slices.ContainsFunc(r.peers, func(p *Peer) bool { return p.id == id }):
		return ErrPeerExists
	case len(r.peers) >= r.server.config.PeersPerRoom:
		return ErrRoomFull
	case r.engine.overload.busy(time.Now()):
		return ErrOverloaded
	}
	return nil
}

// Close closes all peers and waits for them. The events that come of it are called before
// Server.Close returns; Close may be called from an event.
func (r *Room) Close() {
	r.mu.Lock()
	peers := slices.Clone(r.peers)
	first := !r.closed
	r.closed = true
	r.mu.Unlock()
	for _, p := range peers {
		p.close("room_closed")
	}
	if first {
		r.engine.remove(r)
		r.server.forget(r)
	}
	r.wg.Wait()
}

// remove takes a peer and its tracks out of the room.
func (r *Room) remove(p *Peer) {
	r.mu.Lock()
	defer r.unlock()
	for _, t := range slices.Clone(r.tracks) {
		if t.peer == p {
			r.drop(t)
		}
	}
	if i := slices.Index(r.peers, p); i >= 0 {
		r.peers = slices.Delete(r.peers, i, i+1)
		r.engine.overload.forget(p)
		r.server.keep(p)
	}
	for _, s := range p.slots {
		if s.track != nil {
			s.track.removeSlot(s)
			s.feedFrom(nil, 0, 0)
		}
	}
	r.assign()
}

// publish makes a track of a stream and shows it to the others.
func (r *Room) publish(p *Peer, in *incoming, source Source, codec webrtc.RTPCodecCapability) (*Track, error) {
	r.mu.Lock()
	defer r.unlock()
	n := 0
	for _, t := range r.tracks {
		if t.peer == p {
			n++
		}
	}
	switch {
	case r.closed || !slices.Contains(r.peers, p):
		return nil, ErrClosed
	case n >= r.server.config.TracksPerPeer:
		return nil, fmt.Errorf("a peer may publish %d tracks", r.server.config.TracksPerPeer)
	}
	t := &Track{id: "tr_" + rand.Text(), peer: p, in: in, source: source, codec: codec, ssrc: in.ssrc}
	if source.Kind() == Video {
		t.isKey = keyframeTest(codec.MimeType)
		t.cache = &cache{}
		t.governor = newGovernor(func() { p.writeRTCP(&rtcp.PictureLossIndication{MediaSSRC: in.ssrc}) })
	}
	in.track.Store(t)
	r.tracks = append(r.tracks, t)
	r.log.Info("track published", "peer", p.id, "track", t.id, "source", source, "codec", codec.MimeType)
	if f := r.events.Published; f != nil {
		r.dispatch.call(func() { f(t) })
	}
	r.assign()
	return t, nil
}

// unpublish ends the track of a stream, if it has one.
func (r *Room) unpublish(in *incoming) {
	r.mu.Lock()
	defer r.unlock()
	if t := in.track.Load(); t != nil {
		r.drop(t)
		r.assign()
	}
}

// drop takes a track from the room and its slots. The caller holds the lock and assigns.
func (r *Room) drop(t *Track) {
	i := slices.Index(r.tracks, t)
	if i < 0 {
		return
	}
	r.tracks = slices.Delete(r.tracks, i, i+1)
	t.in.track.Store(nil)
	for _, p := range r.peers {
		delete(p.told.undecodable, t)
		for _, s := range p.slots {
			if s.track == t {
				t.removeSlot(s)
				s.feedFrom(nil, 0, 0)
				p.told.slots = false
			}
		}
	}
	t.stop()
	r.log.Info("track unpublished", "peer", t.peer.id, "track", t.id, "source", t.source)
	if f := r.events.Unpublished; f != nil {
		r.dispatch.call(func() { f(t) })
	}
}

// unlock releases the lock after a change and then asks for the keyframes it made necessary.
func (r *Room) unlock() {
	asks := r.asks
	r.asks = nil
	r.mu.Unlock()
	for _, t := range asks {
		t.RequestKeyframe()
	}
}

// late sends what no packet came to bring on its way, and sender reports for slots that
// switched after the last one.
func (r *Room) late(now time.Time, out *udp.Batch) {
	for _, t := range r.Tracks() {
		if slots := t.slots.Load(); slots != nil {
			for _, s := range *slots {
				s.lateReport(out)
			}
		}
	}
	for _, p := range r.Peers() {
		p.late(now, out)
	}
}
