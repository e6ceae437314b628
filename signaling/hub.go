package signaling

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"showroom/call"
)

// Hub is the handler of /ws and the owner of everything live. Make it with [New].
type Hub struct {
	config   Config
	origins  map[origin]bool
	doors    *doors
	misses   misses
	upgrader websocket.Upgrader
	stop     context.Context // done when the hub closes: the log is told that everybody has left, and no more
	cancel   context.CancelFunc
	wg       sync.WaitGroup // conferences and sockets

	mu       sync.Mutex
	live     map[string]*conference
	sockets  map[*socket]bool
	draining bool
	closed   bool
}

// Stats are numbers of now.
type Stats struct {
	Conferences  int // live
	Sockets      int
	Participants int // welcomed, those at the door included
	Draining     bool
}

// New makes a hub. Config's Desk, Media and Tokens are needed.
func New(c Config) *Hub {
	c = c.withDefaults()
	h := &Hub{
		config: c, origins: map[origin]bool{}, doors: newDoors(c.Unauthenticated), misses: misses{seen: map[string]missed{}}, live: map[string]*conference{}, sockets: map[*socket]bool{},
	}
	for _, s := range c.Origins {
		if o, ok := parseOrigin(s); ok {
			h.origins[o] = true
		} else {
			c.Log.Error("an origin that cannot be understood is ignored", "origin", s)
		}
	}
	h.upgrader = websocket.Upgrader{
		HandshakeTimeout: c.AuthTimeout,
		WriteBufferPool:  &sync.Pool{}, // an idle socket needs no write buffer
		ReadBufferSize:   1024, WriteBufferSize: 4096,
		CheckOrigin: func(r *http.Request) bool { return originAllowed(r, h.origins) },
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			http.Error(w, reason.Error(), status)
		},
	}
	h.stop, h.cancel = context.WithCancel(context.Background())
	return h
}

// enter brings an input to the conference's goroutine, which is started if need be. It returns nil when the hub takes nobody in.
func (h *Hub) enter(id string, in *input) *conference {
	h.mu.Lock()
	c := h.live[id]
	if h.closed || (h.draining && c == nil) {
		h.mu.Unlock()
		return nil
	}
	if c == nil {
		c = newConference(h, id)
		h.live[id] = c
		h.wg.Go(c.run)
	}
	c.arriving++
	h.mu.Unlock()
	c.put(in)
	return c
}

// arrived says that an input given to enter was taken out of the inbox.
func (h *Hub) arrived(c *conference) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.arriving--
}

// retire takes a conference off the list, unless somebody is coming.
func (h *Hub) retire(c *conference) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.arriving > 0 {
		return false
	}
	delete(h.live, c.id)
	return true
}

// Watch looks after a conference which the last process left while it was running: it is finished after EmptyTimeout unless somebody
// comes, and whom the log still has inside is said to have left.
func (h *Hub) Watch(conference string) { h.enter(conference, &input{kind: inputWatch}) }

// Notice takes a new event of the log. It does not wait. Events that this hub caused itself may be given, too.
func (h *Hub) Notice(e call.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch b := e.Body.(type) {
	case call.SellerChanged:
		h.noticeSeller(e.Stream, "")
	case call.Reserved:
		h.noticeSeller(e.Stream, b.Conference)
	case call.Returned:
		h.noticeSeller(e.Stream, b.Conference)
	default:
		if c := h.live[e.Stream]; c != nil {
			c.notice(e.Seq)
		}
	}
}

// noticeSeller reaches the seller's conferences but the one that knows.
func (h *Hub) noticeSeller(seller, except string) {
	for id, c := range h.live {
		if s := c.seller.Load(); s != nil && *s == seller && id != except {
			c.stale.Store(true)
			c.ring()
		}
	}
}

// now is the time by which sessions, minutes and links are judged.
func (h *Hub) now() time.Time { return h.config.Now() }

// Wake has every conference look at the clock, as it was set.
func (h *Hub) Wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.live {
		c.ring()
	}
}

// Stats are numbers of now.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := Stats{Conferences: len(h.live), Sockets: len(h.sockets), Draining: h.draining || h.closed}
	for _, c := range h.live {
		s.Participants += int(c.population.Load())
	}
	return s
}

// Drain begins no new call; those that run go on, and their people may come and go.
func (h *Hub) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
}

func (h *Hub) isDraining() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.draining
}

// Close says goodbye to everybody, closes the rooms with their recordings, and waits for all of it, at most until ctx is done.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	sockets := slices.Collect(maps.Keys(h.sockets))
	h.mu.Unlock()
	for _, s := range sockets {
		if !s.joined.Load() {
			s.finish(websocket.CloseGoingAway)
		}
	}
	h.cancel()
	done := make(chan struct{})
	go func() { h.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close signaling: %w", errors.Join(ctx.Err(), errors.New("a recording or the log takes too long")))
	}
}
