package signaling

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"showroom/call"
	"showroom/sfu"
)

// Desk is the log. Both methods answer a conference it does not know with [call.ErrNotFound], and refuse with the errors of package call;
// every other error means that the log cannot be read or written now.
type Desk interface {
	// Apply runs a rule on the conference, appends what follows, and returns the case after it with the events appended.
	Apply(ctx context.Context, conference string, rule call.Rule) (call.Case, []call.Event, error)
	Case(ctx context.Context, conference string) (call.Case, error)
}

// Media hosts the media of conferences.
type Media interface {
	Open(conference call.Conference) (Room, error)
}

// Room is the media of one conference.
type Room interface {
	// Join makes the participant's connection. The participant's last one has been closed.
	Join(participant string, role call.Role, ev sfu.PeerEvents) (*sfu.Peer, error)
	// Record says that consent was given or withdrawn. It holds for connections to come, too.
	Record(participant string, on bool) error
	// ForwardUntil is the credit: past t nothing is forwarded. Zero: no limit.
	ForwardUntil(t time.Time)
	// Close returns when the recordings are closed.
	Close()
}

// ICEServer is an RTCIceServer that clients are told.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Config of a [Hub]. A zero limit means its default.
type Config struct {
	Desk  Desk
	Media Media
	// Turn waits until the server has time for one more to join. Default: it always has.
	Turn       func(context.Context) error
	Tokens     *Tokens
	Origins    []string // of other sites whose pages may join, such as https://crm.example.com; see [CheckOrigins]
	ICEServers []ICEServer
	Log        *slog.Logger
	Now        func() time.Time
	// Address is where a request came from, for limits and as evidence of consent. Default: the IP address of the TCP connection;
	// behind a proxy, what it says.
	Address func(*http.Request) string

	ResumeWindow    time.Duration // 30 s: how long a participant with a broken socket stays
	EmptyTimeout    time.Duration // 30 s: after which a call that everybody left is finished
	AuthTimeout     time.Duration // 5 s: socket open to join
	DeskTimeout     time.Duration // 5 s: for one call of Desk
	WriteTimeout    time.Duration // 10 s: for one message to a socket
	PingInterval    time.Duration // 15 s
	SilenceTimeout  time.Duration // 45 s: without a byte from a socket
	QualityInterval time.Duration // 3 s
	MinutesInterval time.Duration // 10 s: the seller side's figure is at most so old

	JoinBytes       int     // 16 KiB: the first message
	MessageBytes    int     // 64 KiB: every other
	MessageRate     float64 // 20 a second and socket
	MessageBurst    int     // 60
	QueueMessages   int     // 256 to a socket; one more closes it
	QueueBytes      int     // 256 KiB to a socket
	Unauthenticated int     // 50 sockets an address (IPv6: a /64) that have not joined
	Sockets         int     // 15,000 in all
	Participants    int     // 32 in a conference, those at the door included
	ChatMessages    int     // 100 kept for those who come later
	ChatBytes       int     // 64 KiB of them
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Turn == nil {
		c.Turn = func(context.Context) error { return nil }
	}
	if c.Address == nil {
		c.Address = remoteAddress
	}
	setDefault(&c.ResumeWindow, 30*time.Second)
	setDefault(&c.EmptyTimeout, 30*time.Second)
	setDefault(&c.AuthTimeout, 5*time.Second)
	setDefault(&c.DeskTimeout, 5*time.Second)
	setDefault(&c.WriteTimeout, 10*time.Second)
	setDefault(&c.PingInterval, 15*time.Second)
	setDefault(&c.SilenceTimeout, 45*time.Second)
	setDefault(&c.QualityInterval, 3*time.Second)
	setDefault(&c.MinutesInterval, 10*time.Second)
	setDefault(&c.JoinBytes, 16<<10)
	setDefault(&c.MessageBytes, 64<<10)
	setDefault(&c.MessageRate, 20)
	setDefault(&c.MessageBurst, 60)
	setDefault(&c.QueueMessages, 256)
	setDefault(&c.QueueBytes, 256<<10)
	setDefault(&c.Unauthenticated, 50)
	setDefault(&c.Sockets, 15_000)
	setDefault(&c.Participants, 32)
	setDefault(&c.ChatMessages, 100)
	setDefault(&c.ChatBytes, 64<<10)
	return c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func remoteAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
