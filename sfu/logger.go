package sfu

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pion/logging"
)

// linesPerSecond is what one scope of Pion may write. It warns for each stray packet, so
// that without a limit anybody who knows the port could fill the log.
const linesPerSecond = 2

// pionLogs is Pion's logger factory over slog. It is shared by all peers, so that the
// limit holds for the process and not for each connection.
type pionLogs struct {
	log *slog.Logger

	mu     sync.Mutex
	scopes map[string]*pionLog
}

func newPionLogs(log *slog.Logger) *pionLogs {
	return &pionLogs{log: log, scopes: map[string]*pionLog{}}
}

func (f *pionLogs) NewLogger(scope string) logging.LeveledLogger {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.scopes[scope]
	if l == nil {
		l = &pionLog{log: f.log.With("pion", scope), now: time.Now}
		f.scopes[scope] = l
	}
	return l
}

// pionLog maps Pion's levels one down: what a library warns of is seldom the operator's
// business. Trace is never written.
type pionLog struct {
	log *slog.Logger
	now func() time.Time

	mu         sync.Mutex
	second     time.Time
	lines      int
	suppressed int
}

func (l *pionLog) Trace(string)                  {}
func (l *pionLog) Tracef(string, ...any)         {}
func (l *pionLog) Debug(string)                  {}
func (l *pionLog) Debugf(string, ...any)         {}
func (l *pionLog) Info(msg string)               { l.write(slog.LevelDebug, "%s", msg) }
func (l *pionLog) Infof(format string, a ...any) { l.write(slog.LevelDebug, format, a...) }
func (l *pionLog) Warn(msg string)               { l.write(slog.LevelDebug, "%s", msg) }
func (l *pionLog) Warnf(format string, a ...any) { l.write(slog.LevelDebug, format, a...) }
func (l *pionLog) Error(msg string)              { l.write(slog.LevelWarn, "%s", msg) }
func (l *pionLog) Errorf(format string, a ...any) {
	l.write(slog.LevelWarn, format, a...)
}

func (l *pionLog) write(level slog.Level, format string, a ...any) {
	if !l.log.Enabled(context.Background(), level) {
		return
	}
	suppressed, ok := l.allow()
	if !ok {
		return
	}
	msg := fmt.Sprintf(format, a...)
	if suppressed > 0 {
		l.log.Log(context.Background(), level, msg, "suppressed", suppressed)
		return
	}
	l.log.Log(context.Background(), level, msg)
}

// allow reports whether a line may be written now and how many were not since the last one.
func (l *pionLog) allow() (suppressed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if now.Sub(l.second) >= time.Second {
		l.second, l.lines = now, 0
	}
	if l.lines >= linesPerSecond {
		l.suppressed++
		return 0, false
	}
	l.lines++
	suppressed, l.suppressed = l.suppressed, 0
	return suppressed, true
}
