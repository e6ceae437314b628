package player

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"showroom/call"
	"showroom/recorder"
)

// answers is a log that gives one after the other, the last again and again.
type answers struct {
	errs  []error
	asked atomic.Int32
}

func (a *answers) Apply(context.Context, string, call.Rule) (call.Case, []call.Event, error) {
	n := int(a.asked.Add(1)) - 1
	return call.Case{}, nil, a.errs[min(n, len(a.errs)-1)]
}

// TestReport: what the log cannot take now is tried again, what it never will is not.
func TestReport(t *testing.T) {
	for name, c := range map[string]struct {
		errs  []error
		asked int32
	}{
		"taken at once":         {[]error{nil}, 1},
		"taken the third time":  {[]error{context.DeadlineExceeded, context.DeadlineExceeded, nil}, 3},
		"too many files":        {[]error{call.ErrTooMany}, 1},
		"no such conference":    {[]error{call.ErrNotFound}, 1},
		"busy, and then forbid": {[]error{context.DeadlineExceeded, call.ErrTooMany}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				log := &answers{errs: c.errs}
				n := NewNative(nil, nil, log, slog.New(slog.DiscardHandler))
				n.report("conf_x", call.FailFile(call.File{Name: "x"}))
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if err := n.Close(ctx); err != nil {
					t.Error(err)
				}
				if asked := log.asked.Load(); asked != c.asked {
					t.Errorf("the log was asked %d times, want %d", asked, c.asked)
				}
			})
		})
	}
}

// TestGapsSayWhatIsMissing: the log speaks of audio and video, the recorder of sources.
func TestGapsSayWhatIsMissing(t *testing.T) {
	for source, want := range map[string]string{"mic": "audio", "camera": "video", "screen": "video", "screen_audio": "audio"} {
		f := FileOf(recorder.File{Gaps: []recorder.Gap{{Source: source, Start: 1, End: 2, Reason: recorder.GapLoss}}}, recorder.Manifest{})
		if got := f.Gaps[0]; got != (call.Gap{Track: want, StartMS: 1, EndMS: 2, Reason: "loss"}) {
			t.Errorf("a gap of %s is told as %+v", source, got)
		}
	}
}
