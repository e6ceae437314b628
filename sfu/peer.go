package sfu

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"showroom/sfu/udp"
)

// Peer is one participant's connection: what it sends and the slots it receives on.
type Peer struct {
	id     string
	room   *Room
	server *Server
	engine *engine
	events PeerEvents
	log    *slog.Logger
	pc     *webrtc.PeerConnection
	guard  *guard

	receiver receiver
	link     link
	sending  atomic.Pointer[[]*slot] // a snapshot of slots

	slots []*slot // in the order of the client's sections; guarded by Room.mu
	told  told    // guarded by Room.mu

	offering sync.Mutex // one negotiation at a time; guards the next
	offers   []time.Time

	connected atomic.Bool
	shedding  atomic.Int32 // of what the overloaded engine does not carry for the peer: a shedding

	mu         sync.Mutex
	state      PeerState
	sources    map[string]Source // by section
	live       map[Source]bool   // absent: live
	incoming   map[string]*incoming
	candidates int // trickled in this ICE generation
	closing    bool
	done       chan struct{}

	estimate   atomic.Uint64 // what the client says it can receive, bit/s
	lossToPeer atomic.Uint32 // 1/256

	counters
}

// told is what the client knows, so that it is told only of changes.
type told struct {
	negotiated   bool // an offer was answered
	slots        bool // the list it has is true
	audio, video int  // slots it was asked for
	undecodable  map[*Track]bool
}

func newPeer(r *Room, id string, ev PeerEvents) (*Peer, error) {
	p := &Peer{
		id: id, room: r, server: r.server, engine: r.engine, events: ev, log: r.log.With("peer", id), state: Connecting,
		sources: map[string]Source{}, live: map[Source]bool{}, incoming: map[string]*incoming{}, done: make(chan struct{}),
	}
	p.guard = newGuard(r.server.config.UnknownSSRCs, func() { p.violated("too_many_ssrcs") })
	p.receiver.congestion = twcc.NewRecorder(feedbackSSRC)
	pc, err := r.server.newConnection(p)
	if err != nil {
		return nil, fmt.Errorf("new connection: %w", err)
	}
	p.pc = pc
	pc.OnConnectionStateChange(p.changed)
	pc.OnDataChannel(func(*webrtc.DataChannel) { p.violated("data_channel") })
	return p, nil
}

// ID is the one given to Join.
func (p *Peer) ID() string { return p.id }

// State of the connection.
func (p *Peer) State() PeerState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// changed is called by Pion.
func (p *Peer) changed(s webrtc.PeerConnectionState) {
	var state PeerState
	switch s {
	case webrtc.PeerConnectionStateConnecting:
		state = Connecting
	case webrtc.PeerConnectionStateConnected:
		state = Connected
	case webrtc.PeerConnectionStateDisconnected:
		state = Disconnected
	case webrtc.PeerConnectionStateFailed:
		state = Failed
	default: // new says nothing; closed is told by teardown
		return
	}
	first := false
	if state == Connected && !p.closed() { // before it is told: who hears of it may send at once
		if pair, err := p.ice().GetSelectedCandidatePair(); err == nil && pair != nil {
			p.selected(pair) // Pion tells it, but perhaps later
		}
		first = !p.connected.Swap(true)
	}
	if p.enter(state) && first {
		p.room.connected(p)
		p.begin()
	}
}

// enter notes the state and tells it, unless it is known or the peer is closing.
func (p *Peer) enter(state PeerState) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == state || (p.closing && state != Closed) {
		return false
	}
	p.state = state
	p.log.Info("peer is "+string(state), "state", state)
	if f := p.events.State; f != nil {
		p.room.dispatch.call(func() { f(state) })
	}
	return true
}

// source says what the section sends and whether that is live.
func (p *Peer) source(mid string) (Source, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	source, known := p.sources[mid]
	live, said := p.live[source]
	return source, known && (live || !said || !source.shared())
}

// Publish says which sources are live now; those not named stay as they are. A screen
// that stops gives its slots back; a muted microphone and a camera that is off keep
// theirs, since they come back.
func (p *Peer) Publish(live map[Source]bool) {
	var stopped []*incoming
	p.mu.Lock()
	for source, on := range live {
		p.live[source] = on
	}
	for mid, in := range p.incoming {
		if s := p.sources[mid]; s.shared() {
			if on, said := p.live[s]; said && !on {
				stopped = append(stopped, in)
			}
		}
	}
	p.mu.Unlock()
	for _, in := range stopped {
		p.room.unpublish(in)
	}
}

// sendRTCP sends to the client. What cannot be sent is dropped and counted.
func (p *Peer) sendRTCP(out *udp.Batch, packets ...rtcp.Packet) {
	raw, err := rtcp.Marshal(packets)
	if err != nil || !p.link.sendRTCP(raw, out) {
		p.dropped.Add(1)
	}
}

// writeRTCP is for those who have no batch at hand.
func (p *Peer) writeRTCP(packets ...rtcp.Packet) {
	p.engine.send(func(out *udp.Batch) { p.sendRTCP(out, packets...) })
}

// contain keeps a panic in a packet loop from ending the process. It is the last net: the
// count must be 0. The peer cannot go on and is closed.
func (p *Peer) contain(loop string) {
	if r := recover(); r != nil {
		p.panics.Add(1)
		p.server.panics.Add(1)
		p.log.Error("panic in a packet loop: please report this", "loop", loop, "panic", r, "stack", string(debug.Stack()))
		p.violated("internal")
	}
}

// violated closes the peer for breaking a limit. It does not wait: the caller may be a
// goroutine that closing awaits.
func (p *Peer) violated(reason string) {
	p.mu.Lock()
	closing := p.closing
	p.mu.Unlock()
	if closing {
		return
	}
	if f := p.events.Violation; f != nil {
		p.room.dispatch.call(func() { f(reason) })
	}
	p.close(reason)
}

// Close ends the connection and waits until its goroutines are gone. Closed is told and its
// tracks are unpublished, for the others, before it returns or soon after.
func (p *Peer) Close(reason string) {
	p.close(reason)
	<-p.done
}

func (p *Peer) close(reason string) {
	p.mu.Lock()
	if p.closing {
		p.mu.Unlock()
		return
	}
	p.closing = true
	p.incoming = nil
	p.room.wg.Add(1) // before the room forgets the peer, so that Room.Close waits for it
	p.mu.Unlock()
	p.connected.Store(false)
	p.log.Info("peer closes", "reason", reason)
	p.room.remove(p)
	go func() {
		defer p.room.wg.Done()
		defer close(p.done)
		p.engine.addresses.forget(p)
		p.stopReceiving()
		if err := p.pc.GracefulClose(); err != nil && !errors.Is(err, webrtc.ErrConnectionClosed) {
			p.log.Warn("close connection", "err", err)
		}
		p.link.end()
		p.enter(Closed)
	}()
}

func (p *Peer) closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closing
}

// stopReceiving returns when no packet of the peer is on its way any more, and ends its tracks.
func (p *Peer) stopReceiving() {
	p.receiver.mu.Lock()
	defer p.receiver.mu.Unlock()
	p.receiver.over, p.receiver.early = true, nil
}
