package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"showroom/call"
)

const (
	livePath      = base + "/events/live"
	firstMessage  = 5 * time.Second // to come in
	liveMessage   = 16 << 10        // bytes of a message from the client
	liveWrite     = 10 * time.Second
	livePing      = 15 * time.Second
	liveSilence   = 45 * time.Second
	livePageLimit = 100
)

// subscribe is the first message and the only one that a subscriber sends.
type subscribe struct {
	Type   string   `json:"type"`
	Key    string   `json:"key"`
	After  *string  `json:"after"` // from now on if left out
	Seller string   `json:"seller"`
	Buyer  string   `json:"buyer"`
	Types  []string `json:"types"`
}

// liveMessageOut is what a subscriber hears.
type liveMessageOut struct {
	Type    string `json:"type"`           // ready, event or error
	Next    string `json:"next,omitempty"` // of ready: where it begins
	Event   *event `json:"event,omitempty"`
	Code    code   `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// live serves the events over a WebSocket: the key is in the first message, not in the address, or the cookie of a session came with
// a page of ours. Events come from the log by their number: a slow
// subscriber is behind and misses nothing, and there is no queue.
func (a *api) live(w http.ResponseWriter, r *http.Request) {
	leave, room := a.enterFeed()
	if !room {
		writeProblem(w, fail(codeUnavailable, "too many wait for events at the moment; try again shortly"))
		return
	}
	defer leave()
	upgrader := websocket.Upgrader{HandshakeTimeout: firstMessage, CheckOrigin: a.ownPage, Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
		p := fail(codeBadRequest, "this is a WebSocket: "+strings.TrimPrefix(reason.Error(), "websocket: "))
		if status == http.StatusForbidden {
			p = fail(codeForbidden, "pages of this origin may not listen; see --origins")
		}
		writeProblem(w, p)
	}}
	a.Sockets.Add(1) // net/http forgets who was upgraded
	defer a.Sockets.Done()
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	s := &liveSocket{api: a, ws: ws, address: a.Address(r)}
	if a.ownOrigin(r) {
		s.session = a.sessionSecret(r)
	}
	s.serve()
}

// ownPage says whether a browser's page may open the socket: one of ours, or of a configured origin. What is no browser sends no Origin.
func (a *api) ownPage(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	u, err := url.Parse(origin)
	return origin == "" || slices.Contains(a.Origins, origin) || err == nil && strings.EqualFold(u.Host, r.Host)
}

// ownOrigin says whether the socket is of one of our own pages: to open one no browser asks what else guards cookies, so the page must say who it is.
func (a *api) ownOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	u, err := url.Parse(origin)
	return err == nil && origin != "" && (strings.EqualFold(u.Host, r.Host) || origin == originOf(a.PublicURL)) && a.ownSite(r) == nil
}

type liveSocket struct {
	*api
	ws      *websocket.Conn
	address string
	session string // secret of a session, if one of our pages brought it
}

// serve runs until the client goes, the key holds no more, or the server closes.
func (s *liveSocket) serve() {
	in, after, err := s.first()
	if err != nil {
		s.refuse(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan struct{})
	go func() { // ends when the socket does
		defer close(gone)
		defer cancel()
		s.drain()
	}()
	s.refuse(s.tell(ctx, in, after))
	cancel()
	s.ws.Close()
	<-gone
}

// first reads the first message and checks it.
func (s *liveSocket) first() (in subscribe, after uint64, err error) {
	s.ws.SetReadLimit(liveMessage)
	s.ws.SetReadDeadline(time.Now().Add(firstMessage)) //nolint:errcheck // the read fails
	_, text, err := s.ws.ReadMessage()
	if err != nil {
		return in, 0, errGone
	}
	if err := decode(text, &in); err != nil {
		return in, 0, err
	}
	if in.Type != "subscribe" {
		return in, 0, call.Invalid("type", `the first message is {"type": "subscribe", "key": "sk_…"}`)
	}
	if in.After != nil {
		if after, err = seqCursor(*in.After); err != nil {
			return in, 0, err
		}
	} else if after, err = s.Store.Head(context.Background()); err != nil {
		return in, 0, err
	}
	return in, after, nil
}

// drain reads until the socket ends; there is nothing to say but pongs.
func (s *liveSocket) drain() {
	silence := func(string) error { return s.ws.SetReadDeadline(time.Now().Add(liveSilence)) }
	s.ws.SetPongHandler(silence)
	silence("") //nolint:errcheck // the read fails
	for {
		if _, _, err := s.ws.ReadMessage(); err != nil {
			return
		}
	}
}

var errGone = errors.New("the subscriber has gone")

func (s *liveSocket) tell(ctx context.Context, in subscribe, after uint64) error {
	f, err := s.admit(ctx, in)
	if err != nil {
		return err
	}
	if err := s.write(liveMessageOut{Type: "ready", Next: strconv.FormatUint(after, 10)}); err != nil {
		return err
	}
	for {
		events, next, err := f.wait(ctx, s.Closing, livePing, after, livePageLimit)
		if err != nil {
			return err
		}
		select {
		case <-s.Closing:
			s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second)) //nolint:errcheck // the client has gone
			return nil
		default:
		}
		if _, err := s.admit(ctx, in); err != nil { // the key may have been revoked meanwhile
			return err
		}
		for _, e := range events {
			shown := showEvent(e)
			if err := s.write(liveMessageOut{Type: "event", Event: &shown}); err != nil {
				return err
			}
		}
		after = next
		if len(events) == 0 {
			if err := s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(liveWrite)); err != nil {
				return errGone
			}
		}
	}
}

// admit checks the key, or without one the session, and makes the feed that it may see.
func (s *liveSocket) admit(ctx context.Context, in subscribe) (*feed, error) {
	if in.Key == "" && s.session != "" {
		signedIn, err := s.signedIn(ctx, byAnyKey, s.session)
		if err != nil {
			return nil, err
		}
		return s.newFeed(signedIn.key, in.Seller, in.Buyer, in.Types)
	}
	key, err := s.Store.Key(ctx, in.Key)
	if errors.Is(err, call.ErrNotFound) {
		if wait := s.failures.add(s.address, s.Now()); wait > 0 {
			return nil, fail(codeRateLimited, "too many failed attempts from this address; wait a minute")
		}
		return nil, fail(codeUnauth, "this API key is not valid")
	}
	if err != nil {
		return nil, err
	}
	if !slices.Contains(scopes, key.Scope) {
		return nil, fail(codeForbidden, "this API key has a scope that this server does not know")
	}
	s.used(ctx, key.ID, s.address, s.Now())
	return s.newFeed(key, in.Seller, in.Buyer, in.Types)
}

func (s *liveSocket) write(m liveMessageOut) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	s.ws.SetWriteDeadline(time.Now().Add(liveWrite)) //nolint:errcheck // the write fails
	if s.ws.WriteMessage(websocket.TextMessage, text) != nil {
		return errGone
	}
	return nil
}

// refuse tells the client why, if it is there and there is anything to tell.
func (s *liveSocket) refuse(err error) {
	if err == nil || errors.Is(err, errGone) || errors.Is(err, context.Canceled) {
		return
	}
	p, closeCode := problemOf(err), websocket.ClosePolicyViolation
	if p.Status >= 500 {
		s.Log.Error("live events failed", "err", err)
		closeCode = websocket.CloseTryAgainLater
	}
	if s.write(liveMessageOut{Type: "error", Code: p.Code, Message: p.Detail}) == nil {
		s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(closeCode, ""), time.Now().Add(time.Second)) //nolint:errcheck // the client has gone
	}
}
