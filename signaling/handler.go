package signaling

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gorilla/websocket"

	"showroom/call"
)

// frameLimit is where a message is not even read to be refused in words.
const frameLimit = 1 << 20 // bytes

// ServeHTTP upgrades to a WebSocket. It returns at once: net/http would keep its buffers as long as the handler runs.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address := h.config.Address(r)
	leave, ok := h.doors.enter(address)
	if !ok {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many connections from this address have not joined yet", http.StatusTooManyRequests)
		return
	}
	if !h.hasRoom() {
		leave()
		w.Header().Set("Retry-After", "10")
		http.Error(w, "the server takes no more connections now", http.StatusServiceUnavailable)
		return
	}
	ws, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		leave()
		h.config.Log.Debug("upgrade refused", "address", address, "err", err)
		return
	}
	s := newSocket(ws, &h.config, address)
	if !h.remember(s) { // closed or filled up meanwhile
		leave()
		frame := websocket.FormatCloseMessage(websocket.CloseGoingAway, "")
		_ = ws.WriteControl(websocket.CloseMessage, frame, time.Now().Add(closingTime))
		_ = ws.Close()
		return
	}
	go func() { // remember has told Hub.wg
		defer h.forget(s)
		defer leave()
		go s.write() // awaited by linger
		h.converse(s, leave)
		s.linger()
	}()
}

func (h *Hub) hasRoom() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.closed && len(h.sockets) < h.config.Sockets
}

func (h *Hub) remember(s *socket) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.sockets) >= h.config.Sockets {
		return false
	}
	h.wg.Add(1)
	h.sockets[s] = true
	return true
}

func (h *Hub) forget(s *socket) {
	h.mu.Lock()
	delete(h.sockets, s)
	h.mu.Unlock()
	h.wg.Done()
}

// converse reads until the socket ends.
func (h *Hub) converse(s *socket, authenticated func()) {
	s.ws.SetReadLimit(frameLimit)
	s.ws.SetPingHandler(s.pinged)
	s.patience(h.config.AuthTimeout)
	in, ok := h.authenticate(s)
	if !ok {
		return
	}
	authenticated()
	if err := h.config.Turn(h.stop); err != nil {
		s.fail(in.request.id, explain(err, in.pass.Role), websocket.CloseTryAgainLater)
		return
	}
	s.patience(h.config.SilenceTimeout)
	s.ws.SetPongHandler(s.ponged)
	c := h.enter(in.pass.Conference, in)
	if c == nil {
		s.fail(in.request.id, restarting, websocket.CloseTryAgainLater)
		return
	}
	h.relay(s, c)
	c.put(&input{kind: inputGone, socket: s})
}

// authenticate reads the join and checks its token.
func (h *Hub) authenticate(s *socket) (*input, bool) {
	kind, data, err := s.read(h.config.JoinBytes)
	if err != nil {
		h.refuseRead(s, err)
		return nil, false
	}
	r, err := decode(data)
	if kind != websocket.TextMessage {
		err = errBadMessage
	}
	if err == nil && r.kind != "join" {
		err = refuse(codeJoinFirst, "The first message must be join.")
	}
	if err != nil {
		s.fail(r.id, explain(err, ""), websocket.ClosePolicyViolation)
		return nil, false
	}
	body := r.body.(*joinBody)
	if body.Protocol != 0 && (body.Protocol < minProtocol || body.Protocol > maxProtocol) {
		s.fail(r.id, &problem{codeBadMessage, "This server speaks version 1 of the protocol."}, websocket.ClosePolicyViolation)
		return nil, false
	}
	pass, err := h.config.Tokens.Verify(body.Token, h.config.Now())
	if err != nil {
		s.fail(r.id, h.missed(s.address, err), websocket.ClosePolicyViolation)
		return nil, false
	}
	return &input{kind: inputJoin, socket: s, request: r, pass: pass}, true
}

// missed says what is wrong with a token, here and in the log, until the address has sent too many that are not ours.
func (h *Hub) missed(address string, err error) *problem {
	if !errors.Is(err, call.ErrExpired) && !h.misses.add(address, h.config.Now()) {
		return &problem{codeTooMany, "Too many links that are not valid. Wait a minute."}
	}
	h.config.Log.Info("token refused", "address", address, "err", err)
	return explain(err, "")
}

// relay passes on what the client says until it stops.
func (h *Hub) relay(s *socket, c *conference) {
	for {
		kind, data, err := s.read(h.config.MessageBytes)
		if err != nil {
			h.refuseRead(s, err)
			return
		}
		s.patience(h.config.SilenceTimeout)
		r, err := decode(data)
		if kind != websocket.TextMessage {
			err = errBadMessage
		}
		switch {
		case err != nil:
			p := explain(err, "")
			s.send(encode(errorMessage{reply("error", r.id), string(p.code), p.message}))
		case r.kind == "ping": // here, so that a slow conference does not look like a dead socket
			s.send(encode(reply("pong", r.id)))
		default:
			c.put(&input{kind: inputRequest, socket: s, request: r})
		}
	}
}

// refuseRead says what was wrong with a message that broke a limit; a socket that is gone is told nothing.
func (h *Hub) refuseRead(s *socket, err error) {
	var timeout net.Error
	switch {
	case errors.Is(err, errTooLarge):
		s.fail(nil, &problem{codeTooLarge, "The message is too large."}, websocket.CloseMessageTooBig)
	case errors.Is(err, errTooMany):
		s.fail(nil, &problem{codeTooMany, "Too many messages. Wait a little and join again."}, websocket.ClosePolicyViolation)
	case errors.As(err, &timeout) && timeout.Timeout() && !s.joined.Load():
		s.fail(nil, &problem{codeJoinFirst, "No join came in time."}, websocket.ClosePolicyViolation)
	default:
		h.config.Log.Debug("socket ends", "address", s.address, "err", err)
	}
}
