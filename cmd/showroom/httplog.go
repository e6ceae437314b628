package main

import (
	"bytes"
	"log"
	"log/slog"
	"strings"

	"golang.org/x/time/rate"
)

// httpLines is how many lines a second net/http may log: it has one for each connection that does not speak TLS, so that
// without a limit anybody could fill the log.
const httpLines, httpLinesBurst = 1, 5

// httpLog gives net/http's lines to slog.
type httpLog struct {
	log     *slog.Logger
	limiter *rate.Limiter
}

func newHTTPLog(l *slog.Logger) *log.Logger {
	return log.New(&httpLog{l, rate.NewLimiter(httpLines, httpLinesBurst)}, "", 0)
}

// Write logs one line. A panic of a handler is a bug of ours, and logged always.
func (h *httpLog) Write(b []byte) (int, error) {
	text := string(bytes.TrimSpace(b))
	switch {
	case strings.HasPrefix(text, "http: panic serving"):
		h.log.Error("panic in an HTTP handler: please report this", "err", text)
	case !h.limiter.Allow():
	case strings.HasPrefix(text, "http: TLS handshake error"):
		h.log.Debug("http", "err", text)
	default:
		h.log.Warn("http", "err", text)
	}
	return len(b), nil
}
