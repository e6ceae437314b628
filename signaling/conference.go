package signaling

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"

	"showroom/call"
)

const (
	inboxSize  = 64 // inputs; a socket whose input finds no place waits, and with it its client
	retryAfter = time.Second
)

type inputKind int

const (
	inputJoin inputKind = iota
	inputRequest
	inputGone // the socket has ended
	inputWatch
)

// input is what a conference's goroutine gets from outside.
type input struct {
	kind    inputKind
	socket  *socket
	request request
	pass    call.Pass // of a join
}

// conference is a live conference. See the package comment for who may touch what.
type conference struct {
	id     string
	hub    *Hub
	config *Config
	log    *slog.Logger

	inbox chan *input
	bell  chan struct{} // there is news of the media plane or the log
	done  chan struct{} // closed when the goroutine has ended

	arriving   int // inputs of Hub.enter not yet taken; guarded by Hub.mu
	stale      atomic.Bool
	seen       atomic.Uint64 // newest event the case has
	seller     atomic.Pointer[string]
	population atomic.Int32

	// The rest belongs to the goroutine.
	state      call.Case // as the log has it
	known      bool      // state was read once
	sessions   map[string]*session
	told       map[string]participantView // what the others know of each participant
	reasons    map[string]string          // why who is gone went, until told
	joins      map[string]*rate.Limiter
	wakeAt     time.Time
	refreshAt  time.Time // when a failed reading of the log is tried again
	emptySince time.Time
	closeAt    time.Time // when a failed CloseEmpty is tried again

	media
	minutes
	recording
	talk
}

func newConference(h *Hub, id string) *conference {
	c := &conference{
		id: id, hub: h, config: &h.config, log: h.config.Log.With("call", id),
		inbox: make(chan *input, inboxSize), bell: make(chan struct{}, 1), done: make(chan struct{}),
		sessions: map[string]*session{}, told: map[string]participantView{}, reasons: map[string]string{}, joins: map[string]*rate.Limiter{},
	}
	c.recording.on = map[string]bool{}
	c.recording.failed = map[string]bool{}
	c.recording.refused = map[string]bool{}
	return c
}

// put waits for a place in the inbox.
func (c *conference) put(in *input) {
	select {
	case c.inbox <- in:
	case <-c.done:
		if in.kind == inputJoin {
			in.socket.fail(in.request.id, restarting, websocket.CloseTryAgainLater)
		}
	}
}

// ring wakes the goroutine; it does not wait.
func (c *conference) ring() {
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// notice says that the log has an event of this number.
func (c *conference) notice(seq uint64) {
	if seq == 0 || seq > c.seen.Load() {
		c.stale.Store(true)
		c.ring()
	}
}

func (c *conference) run() {
	defer close(c.done)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		c.settle()
		if c.empty() && c.hub.retire(c) {
			return
		}
		timer.Reset(c.untilWake())
		select {
		case in := <-c.inbox:
			c.handle(in)
		case <-c.bell:
			c.hear()
		case <-timer.C:
		case <-c.hub.stop.Done():
			c.shutDown()
			return
		}
	}
}

func (c *conference) handle(in *input) {
	switch in.kind {
	case inputJoin:
		c.hub.arrived(c)
		c.join(in)
	case inputWatch:
		c.hub.arrived(c)
		c.stale.Store(true)
		c.known = true
	case inputGone:
		c.gone(in.socket)
	case inputRequest:
		if s := in.socket.session; s != nil {
			c.request(s, in.request)
		}
	}
}

// settle compares what the log says with what was told and done, and catches up. Whatever fails is tried again.
func (c *conference) settle() {
	c.wakeAt = time.Time{}
	c.refresh()
	if !c.known {
		return
	}
	c.adoptLost()
	c.dropGone()
	c.expire()
	c.departAll()
	c.tick()
	c.closeIfEmpty()
	if c.state.Conference.Over() {
		c.finish(overReason(c.state.Conference))
	}
	c.credit()
	c.tellParticipants()
	c.tellMinutes()
	c.record()
	c.judge()
	c.closeRoom()
	c.population.Store(int32(len(c.sessions)))
}

// at makes the goroutine settle again at t at the latest. It counts until the next settling.
func (c *conference) at(t time.Time) {
	if c.wakeAt.IsZero() || t.Before(c.wakeAt) {
		c.wakeAt = t
	}
}

func (c *conference) untilWake() time.Duration {
	if c.wakeAt.IsZero() {
		return time.Hour
	}
	return max(time.Millisecond, c.wakeAt.Sub(c.hub.now()))
}

// due says whether t has come; if not, it asks to be woken then. The zero time is not due and wakes nobody.
func (c *conference) due(t time.Time) bool {
	if t.IsZero() {
		return false
	}
	if !c.hub.now().Before(t) {
		return true
	}
	c.at(t)
	return false
}
