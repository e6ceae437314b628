package sfu

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestPionLogIsLimited(t *testing.T) {
	var b bytes.Buffer
	logs := newPionLogs(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelDebug})))
	l := logs.NewLogger("ice").(*pionLog)
	now := time.Now()
	l.now = func() time.Time { return now }
	for range 3 {
		for range 1000 {
			logs.NewLogger("ice").Warnf("stray packet from %s", "somewhere")
		}
		now = now.Add(time.Second)
	}
	if n := strings.Count(b.String(), "\n"); n != 3*linesPerSecond {
		t.Errorf("%d lines:\n%s", n, b.String())
	}
	if !strings.Contains(b.String(), "suppressed=998") {
		t.Errorf("nothing says how many are missing:\n%s", b.String())
	}
}
