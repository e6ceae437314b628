package signaling

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"showroom/call"
	"showroom/sfu"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// desk is the log in memory: the folds and nothing else.
type desk struct {
	now    func() time.Time
	notify func(call.Event)

	mu          sync.Mutex
	seq         uint64
	conferences map[string]call.Conference
	sellers     map[string]call.Seller
	buyers      map[string]call.Buyer
	events      []call.Event
	fail        error         // of the next calls
	failAfter   bool          // the change is written nevertheless
	hang        chan struct{} // calls wait until it is closed
}

var errDisk = errors.New("disk on fire")

func (d *desk) Apply(ctx context.Context, id string, rule call.Rule) (call.Case, []call.Event, error) {
	d.mu.Lock()
	hang := d.hang
	d.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return call.Case{}, nil, ctx.Err()
		}
	}
	d.mu.Lock()
	if d.fail != nil && !d.failAfter {
		defer d.mu.Unlock()
		return call.Case{}, nil, d.fail
	}
	c, ok := d.find(id)
	if !ok {
		defer d.mu.Unlock()
		return call.Case{}, nil, call.ErrNotFound
	}
	events, err := rule(c, d.now())
	if err != nil {
		defer d.mu.Unlock()
		return call.Case{}, nil, err
	}
	events = d.append(events)
	c, _ = d.find(id)
	err = d.fail
	d.mu.Unlock()
	for _, e := range events {
		d.notify(e)
	}
	return c, events, err
}

func (d *desk) Case(_ context.Context, id string) (call.Case, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail != nil {
		return call.Case{}, d.fail
	}
	c, ok := d.find(id)
	if !ok {
		return call.Case{}, call.ErrNotFound
	}
	return c, nil
}

func (d *desk) find(id string) (call.Case, bool) {
	c, ok := d.conferences[id]
	return call.Case{Conference: c, Seller: d.sellers[c.Seller], Buyer: d.buyers[c.Buyer]}, ok
}

func (d *desk) append(events []call.Event) []call.Event {
	out := make([]call.Event, 0, len(events))
	for _, e := range events {
		d.seq++
		e.Seq = d.seq
		d.events = append(d.events, e)
		switch e.Stream[:4] {
		case "conf":
			d.conferences[e.Stream] = d.conferences[e.Stream].Apply(e)
		case "sell":
			d.sellers[e.Stream] = d.sellers[e.Stream].Apply(e)
		default:
			d.buyers[e.Stream] = d.buyers[e.Stream].Apply(e)
		}
		out = append(out, e)
	}
	return out
}

func (d *desk) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *desk) conference(id string) call.Conference {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conferences[id]
}

// studio is Media whose rooms note what is asked of them. With an sfu they carry media.
type studio struct {
	sfu   *sfu.Server
	fail  atomic.Bool
	rooms chan *fakeRoom
}

type fakeRoom struct {
	studio   *studio
	sfu      *sfu.Room
	mu       sync.Mutex
	recorded map[string]bool
	events   map[string]sfu.PeerEvents
	until    time.Time
	refuse   error // of Record
	closed   chan struct{}
}

func (s *studio) Open(c call.Conference) (Room, error) {
	if s.fail.Load() {
		return nil, errors.New("no room")
	}
	r := &fakeRoom{studio: s, recorded: map[string]bool{}, events: map[string]sfu.PeerEvents{}, closed: make(chan struct{})}
	if s.sfu != nil {
		room, err := s.sfu.Open(c.ID, sfu.RoomEvents{})
		if err != nil {
			return nil, err
		}
		r.sfu = room
	}
	s.rooms <- r
	return r, nil
}

func (r *fakeRoom) Join(id string, _ call.Role, ev sfu.PeerEvents) (*sfu.Peer, error) {
	if r.sfu == nil {
		return nil, errors.New("no media")
	}
	r.mu.Lock()
	r.events[id] = ev
	r.mu.Unlock()
	return r.sfu.Join(id, ev)
}

func (r *fakeRoom) Record(id string, on bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recorded[id] = on
	return r.refuse
}

func (r *fakeRoom) ForwardUntil(t time.Time) {
	r.mu.Lock()
	r.until = t
	r.mu.Unlock()
	if r.sfu != nil {
		r.sfu.ForwardUntil(t)
	}
}

func (r *fakeRoom) credit() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.until
}

func (r *fakeRoom) Close() {
	if r.sfu != nil {
		r.sfu.Close()
	}
	close(r.closed)
}

func (r *fakeRoom) isRecorded(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.recorded[id]
}

// world is a hub with a log of one conference.
type world struct {
	t      *testing.T
	hub    *Hub
	desk   *desk
	studio *studio
	tokens *Tokens
	lines  *lockedBuffer
	listen net.Listener
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	nextID int
}

const conf = "conf_1"

type options struct {
	minutes int // of the seller; 0: 1000
	config  func(*Config)
	media   bool
	pipes   bool // no kernel sockets, so that testing/synctest can run the clock
	off     bool // no recording
	without call.WithoutConsent
}

func newWorld(t *testing.T, o options) *world {
	t.Helper()
	w := &world{t: t, lines: &lockedBuffer{}}
	w.desk = &desk{now: time.Now, conferences: map[string]call.Conference{}, sellers: map[string]call.Seller{}, buyers: map[string]call.Buyer{}}
	w.studio = &studio{rooms: make(chan *fakeRoom, 100)}
	if o.media {
		server, err := sfu.New(sfu.Config{UDP: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Close() })
		w.studio.sfu = server
	}
	var err error
	if w.tokens, err = NewTokens([]Key{testKey}); err != nil {
		t.Fatal(err)
	}
	c := Config{Desk: w.desk, Media: w.studio, Tokens: w.tokens, Log: slog.New(slog.NewTextHandler(w.lines, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if o.config != nil {
		o.config(&c)
	}
	w.hub = New(c)
	w.desk.notify = w.hub.Notice
	w.schedule(o)
	w.serve(o.pipes)
	return w
}

func (w *world) schedule(o options) {
	if o.minutes == 0 {
		o.minutes = 1000
	}
	now := time.Now()
	seller, err := call.Register("sell_1", "key_crm", call.Profile{Name: "Ana", TimeZone: "UTC", Language: "en", MonthlyMinutes: o.minutes, WithoutConsent: o.without}, now)
	if err != nil {
		w.t.Fatal(err)
	}
	buyer, err := call.RegisterBuyer("buy_1", "key_crm", call.Contact{Name: "Bruno"}, now)
	if err != nil {
		w.t.Fatal(err)
	}
	w.desk.append(seller)
	w.desk.append(buyer)
	w.conference(conf, o.off)
}

func (w *world) conference(id string, off bool) {
	now, policy := time.Now(), call.RecordingOn
	if off {
		policy = call.RecordingOff
	}
	c := call.Case{Seller: w.desk.sellers["sell_1"], Buyer: w.desk.buyers["buy_1"]}
	events, err := call.Schedule(id, "key_1", call.Plan{Subject: "Fusca 1972", StartsAt: now, Length: time.Hour, Recording: policy})(c, now)
	if err != nil {
		w.t.Fatal(err)
	}
	w.desk.set(func() { w.desk.append(events) })
}

func (w *world) serve(pipes bool) {
	server := &http.Server{Handler: w.hub, ReadHeaderTimeout: 5 * time.Second}
	if pipes {
		p := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
		w.listen, w.dial = p, p.dial
	} else {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		w.listen, w.dial = l, (&net.Dialer{}).DialContext
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(w.listen) }()
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := w.hub.Close(ctx); err != nil {
			w.t.Error(err)
		}
		_ = server.Close()
		<-served
	})
}

// token issues a link of the role and returns its token.
func (w *world) token(role call.Role) string {
	token, _ := w.link(conf, role, time.Hour)
	return token
}

func (w *world) link(conference string, role call.Role, life time.Duration) (token, link string) {
	w.t.Helper()
	w.nextID++
	link = "link_" + string(role) + string(rune('a'+w.nextID))
	name := ""
	if role == call.RoleGuest {
		name = "Gil"
	}
	expires := time.Now().Add(life)
	state, _, err := w.desk.Apply(context.Background(), conference, call.IssueLink(link, "key_1", role, name, expires))
	if err != nil {
		w.t.Fatal(err)
	}
	l := state.Conference.Links[link]
	token, err = w.tokens.Issue(call.Pass{Conference: conference, Link: link, Participant: l.Participant, Role: role, Expires: expires})
	if err != nil {
		w.t.Fatal(err)
	}
	return token, link
}

func (w *world) apply(rule call.Rule) {
	w.t.Helper()
	if _, _, err := w.desk.Apply(context.Background(), conf, rule); err != nil {
		w.t.Fatal(err)
	}
}

// pipeListener accepts connections that never see the kernel.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
