package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"showroom/call"
	"showroom/signaling"
	"showroom/static"
)

// rooms gives the hub the native player's rooms.
type rooms struct{ *app }

func (r rooms) Open(c call.Conference) (signaling.Room, error) {
	room, err := r.player.Open(c)
	if err != nil || r.sandbox == nil {
		return room, err
	}
	return creditRoom{room, &r.ahead}, nil
}

func (a *app) openHub(key []byte) (err error) {
	a.tokens, err = signaling.NewTokens([]signaling.Key{{ID: "1", Secret: key}})
	if err != nil {
		return err
	}
	a.hub = signaling.New(signaling.Config{Desk: a.store, Media: rooms{a}, Turn: a.media.Turn, Tokens: a.tokens, Origins: a.cfg.Origins,
		ICEServers: iceServers(a.cfg.ICEServers), Address: a.clientAddress, Participants: a.cfg.Participants, ResumeWindow: a.cfg.ResumeWindow, EmptyTimeout: a.cfg.EmptyTimeout, Log: a.log, Now: a.clock})
	return nil
}

func iceServers(urls []string) []signaling.ICEServer {
	if len(urls) == 0 {
		return nil
	}
	return []signaling.ICEServer{{URLs: urls}}
}

// clientAddress is the IP address of who sent a request: what the configured header of the reverse proxy says last, or else the other
// end of the connection.
func (a *app) clientAddress(r *http.Request) string {
	if a.cfg.ClientHeader != "" {
		// A proxy may add a line of its own behind one that the client has sent.
		words := strings.Split(strings.Join(r.Header.Values(a.cfg.ClientHeader), ","), ",")
		if ip, err := netip.ParseAddr(strings.TrimSpace(words[len(words)-1])); err == nil {
			return ip.Unmap().String()
		}
	}
	if addr, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return addr.Addr().Unmap().String()
	}
	return r.RemoteAddr
}

// Limits of the HTTP server. The API sets those of its answers, of which recordings are long, and the hub those of its sockets.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second // of a request with its body, wanted or not
	writeTimeout      = 30 * time.Second // of an answer: a page is small
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
)

// server is the HTTP side: signaling, API, pages and health.
func (a *app) server(api http.Handler) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /ws", a.hub)
	mux.Handle("/api/v1/", api)
	mux.Handle("/api/openapi.json", api)
	mux.Handle("GET /{$}", http.RedirectHandler("/console", http.StatusFound))
	mux.Handle("/", static.Handler(a.cfg.Origins...))
	mux.Handle("GET /metrics", a.withKey(a.metrics()))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", a.ready)
	var handler http.Handler = mux
	if a.sandbox != nil {
		handler = a.sandbox.marked(mux)
	}
	return &http.Server{Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: newHTTPLog(a.log)}
}

// ready answers 503 while no new calls should come here.
func (a *app) ready(w http.ResponseWriter, r *http.Request) {
	if a.hub.Stats().Draining {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	if _, err := a.store.Head(r.Context()); err != nil {
		a.log.Error("not ready", "err", err)
		http.Error(w, "database", http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n") // the client has gone
}

// serve blocks until the server is shut down.
func (a *app) serve() error {
	var err error
	if a.cfg.TLSCert != "" {
		err = a.http.ServeTLS(a.listener, a.cfg.TLSCert, a.cfg.TLSKey)
	} else {
		err = a.http.Serve(a.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve http: %w", err)
}
