// Package rest is the HTTP API under /api/v1, as docs/http-api.md describes it: sellers, buyers, conferences with their links,
// events and recordings for whoever holds an API key, the invitation for the holder of an access link, and the watch page's data
// for the holder of a watch link.
//
// It changes nothing by itself: handlers apply rules of package call through the interfaces below. A live socket has a goroutine that
// reads, which its handler ends and awaits; there are no others. Its
// locks (failed sign-ins by address and by account, last uses of keys, accesses to recordings, idempotent requests in progress) are never held together nor while calling out.
package rest

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"showroom/call"
	"showroom/store/object"
)

// Conferences is the log of conferences. What is not there is [call.ErrNotFound].
type Conferences interface {
	Schedule(ctx context.Context, seller, buyer string, rule call.Rule) (call.Case, error)
	Apply(ctx context.Context, conference string, rule call.Rule) (call.Case, []call.Event, error)
	Case(ctx context.Context, conference string) (call.Case, error)
	// Conferences returns a page, newest start first, and the cursor of the next one, empty at the end.
	Conferences(ctx context.Context, f call.Filter, after string, limit int) ([]call.Conference, string, error)
	// Recordings returns a page of those that were recorded, the newest recording first.
	Recordings(ctx context.Context, f call.RecordingFilter, after string, limit int) ([]call.Conference, string, error)
	// Accesses is what was done with the recording of a conference, the newest first: what was before a Seq, 0 for all.
	Accesses(ctx context.Context, conference string, before uint64, limit int) ([]call.Event, error)
	// StreamEvents returns what happened to a conference, its seller's minutes included, after a Seq and in order.
	StreamEvents(ctx context.Context, stream string, after uint64, limit int) ([]call.Event, error)
	// Messages returns a page of the messages to people, newest first: of one seller's conferences, or of all.
	Messages(ctx context.Context, seller, after string, limit int) ([]call.Placed, string, error)
}

// Log is all that happened, by number.
type Log interface {
	// EventsOf returns up to limit events after a number that the filter chooses, in order, and how far the log was looked at: to the last of
	// them, or to its head.
	EventsOf(ctx context.Context, f call.EventFilter, after uint64, limit int) (events []call.Event, next uint64, err error)
	// Before is the number of the last event before a time, 0 if there is none.
	Before(ctx context.Context, t time.Time) (uint64, error)
	// Head is the number of the last event.
	Head(ctx context.Context) (uint64, error)
	// Appended is closed at the next append. Take it before reading.
	Appended() <-chan struct{}
}

// Sellers keeps sellers; lists are newest first, those of a text in the order of the alphabet.
type Sellers interface {
	RegisterSeller(ctx context.Context, actor string, p call.Profile) (call.Seller, error)
	ChangeSeller(ctx context.Context, id, actor string, change func(call.Seller) (call.Profile, error)) (call.Seller, error)
	Seller(ctx context.Context, id string) (call.Seller, error)
	Sellers(ctx context.Context, f call.PeopleFilter, after string, limit int) ([]call.Seller, string, error)
}

// Buyers keeps buyers; lists are as those of sellers.
type Buyers interface {
	RegisterBuyer(ctx context.Context, actor string, c call.Contact) (call.Buyer, error)
	ChangeBuyer(ctx context.Context, id, actor string, change func(call.Buyer) (call.Contact, error)) (call.Buyer, error)
	Buyer(ctx context.Context, id string) (call.Buyer, error)
	// OrderErasure erases everything of a buyer; a call that is not over is a [call.RunningError].
	OrderErasure(ctx context.Context, buyer, actor, address string) (call.Buyer, error)
	// ExportBuyer puts into the log that a copy of everything is given out.
	ExportBuyer(ctx context.Context, buyer, actor, address, recordings string) (call.Buyer, error)
	// ConferencesOf are the ids of all conferences of a buyer, the earliest first.
	ConferencesOf(ctx context.Context, buyer string) ([]string, error)
	Buyers(ctx context.Context, f call.PeopleFilter, after string, limit int) ([]call.Buyer, string, error)
}

// Keys keeps the API keys. A secret that opens nothing and a key that was revoked are [call.ErrNotFound].
type Keys interface {
	Key(ctx context.Context, secret string) (call.Key, error)
	Keys(ctx context.Context) ([]call.Key, error)
	CreateKey(ctx context.Context, k call.Key) (secret string, made call.Key, err error)
	ChangeKey(ctx context.Context, id string, change func(call.Key) (call.Key, error)) (call.Key, error)
	RotateKey(ctx context.Context, id string, overlap time.Duration) (secret string, k call.Key, err error)
	// RevokeKey refuses the last key of the scope keeper with [call.ErrLastKey].
	RevokeKey(ctx context.Context, id, keeper string) (call.Key, error)
	UsedKey(ctx context.Context, id, from string) error
}

// Memory keeps the answers to requests with an idempotency key for 24 hours.
type Memory interface {
	// Remembered returns the answer to the request of that digest, [call.ErrNotFound] if there is none,
	// or [call.ErrReused] if the key was used for another request.
	Remembered(ctx context.Context, key string, digest []byte) (answer []byte, err error)
	Remember(ctx context.Context, key string, digest, answer []byte) error
}

// Webhooks keeps webhooks and what was tried to deliver to them.
type Webhooks interface {
	AddWebhook(ctx context.Context, w call.Webhook) error
	ChangeWebhook(ctx context.Context, id string, change func(call.Webhook) (call.Webhook, error)) (call.Webhook, error)
	RemoveWebhook(ctx context.Context, id string) error
	Webhook(ctx context.Context, id string) (call.Webhook, error)
	Webhooks(ctx context.Context) ([]call.Webhook, error)
	// Attempts are the last deliveries, the newest first: those before the number, 0 for all.
	Attempts(ctx context.Context, webhook string, before uint64, limit int) ([]call.Attempt, error)
	// Head is the number of the log's last event.
	Head(ctx context.Context) (uint64, error)
}

// Devices keeps the devices of sellers and buyers. An owner or a device that is not there, or is another's, is [call.ErrNotFound].
type Devices interface {
	// RegisterDevice says whether the device is new to its owner.
	RegisterDevice(ctx context.Context, actor string, d call.Device) (kept call.Device, made bool, err error)
	Devices(ctx context.Context, owner string) ([]call.Device, error)
	RemoveDevice(ctx context.Context, owner, id, actor string) error
}

// Store is what the API needs of the store.
type Store interface {
	Conferences
	Log
	Sellers
	Buyers
	Keys
	Users
	Memory
	Webhooks
	Devices
}

// Tokens issues and checks the tokens of access links. Verify returns [call.ErrPass] or [call.ErrExpired].
type Tokens interface {
	Issue(p call.Pass) (string, error)
	Verify(token string, now time.Time) (call.Pass, error)
}

// Config is what the API is made of. All but Origins, Address, Closing, Sockets, Now and what concerns webhooks are required.
type Config struct {
	Store   Store
	Tokens  Tokens
	Objects object.Store
	// Local opens a recording file that is complete but not in the object store yet; fs.ErrNotExist if it is not on this disk.
	Local func(conference, file string) (io.ReadSeekCloser, error)
	// Live tells of a conference's files that are being written, OpenLive opens one as it was when Live said upto, and is
	// fs.ErrNotExist when it is not being written any more. Without them a recording can be played after the call only.
	Live     func(conference string) []LiveFile
	OpenLive func(conference, file, upto string) (io.ReadSeekCloser, error)
	// Keeper tells how uploads and deletions stand; without one nothing is said of it.
	Keeper Keeper
	// Words words messages.
	Words Words
	// ErasureTrouble is why the last try to erase a buyer's data failed; nil if it did not, or nobody tries here.
	ErasureTrouble func(buyer string) error
	// Manifest is the manifest of a recording, JSON.
	Manifest func(ctx context.Context, conference string) ([]byte, error)
	// Composing is how far the composing of a recording is, 0 to 1. It is nil on a server that composes nothing.
	Composing func(conference string) float64
	// SigningKey signs watch links and the URLs of files, at least 32 bytes. A new one makes the old links worthless.
	SigningKey []byte
	// PublicURL is how browsers reach this server, such as https://meet.example.com; links begin with it.
	PublicURL string
	// Origins are other sites whose pages may call the API, such as https://crm.example.com.
	Origins []string
	// Address is the IP address that a request came from, for the limit on failed sign-ins. By default it is the other end of
	// the connection, which behind a proxy is the proxy.
	Address func(*http.Request) string
	// Closing is closed when the server is about to: who waits for events is answered, live sockets end.
	Closing <-chan struct{}
	// Sockets counts the live sockets, which net/http forgets; wait for it after Closing. By default a group of its own.
	Sockets *sync.WaitGroup
	Log     *slog.Logger
	Now     func() time.Time

	// Platforms are those whose devices can be registered, WebPushKey is what pages subscribe with.
	Platforms  []call.Platform
	WebPushKey string

	// Sandbox is what a server for trying out can do besides. Nil: this is none.
	Sandbox Sandbox

	// PlainWebhooks lets webhooks and browsers' push subscriptions have http addresses.
	PlainWebhooks bool
	// TestWebhook sends a webhook a message that is no event. Nil: this server sends none.
	TestWebhook func(ctx context.Context, w call.Webhook) call.Attempt
}

const (
	base           = "/api/v1"
	requestTimeout = 15 * time.Second // for what is answered from the store; files take longer
	minSigningKey  = 32               // bytes
)

type api struct {
	Config
	mux      *http.ServeMux
	signer   signer
	failures *failures
	accounts *accounts
	forgery  *http.CrossOriginProtection
	inFlight inFlight
	uses     *uses
	accesses *accesses
	waiting  chan struct{} // places for those who wait for events
}

// New returns the handler of everything under /api/v1, and of the description at /api/openapi.json.
func New(c Config) (http.Handler, error) {
	switch {
	case c.Store == nil || c.Tokens == nil || c.Objects == nil || c.Local == nil || c.Manifest == nil || c.Words == nil || c.Log == nil:
		return nil, errors.New("rest: Store, Tokens, Objects, Local, Manifest, Words and Log are required")
	case len(c.SigningKey) < minSigningKey:
		return nil, errors.New("rest: the signing key has fewer than 32 bytes")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Address == nil {
		c.Address = peer
	}
	if c.Sockets == nil {
		c.Sockets = new(sync.WaitGroup)
	}
	s, err := newSigner(c.SigningKey)
	if err != nil {
		return nil, err
	}
	forgery, err := newForgery(originOf(c.PublicURL))
	if err != nil {
		return nil, err
	}
	a := &api{Config: c, mux: http.NewServeMux(), signer: s, failures: newFailures(), accounts: newAccounts(), forgery: forgery, inFlight: newInFlight(), uses: newUses(), accesses: newAccesses(), waiting: make(chan struct{}, maxWaiting)}
	description, err := describe()
	if err != nil {
		return nil, err
	}
	a.mux.Handle("GET "+documentPath, description)
	a.mux.HandleFunc("GET "+livePath, a.live)
	for _, rt := range a.routes() {
		a.mux.Handle(rt.pattern(), a.handler(rt))
	}
	return a, nil
}
