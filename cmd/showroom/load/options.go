package load

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Options say what to measure.
type Options struct {
	URL       string        `default:"http://localhost:8080" help:"Address of the server to measure."`
	Key       string        `required:"" help:"API key of that server; seller, buyers, conferences and links are made with it." placeholder:"KEY"`
	Calls     int           `default:"10" help:"How many 1:1 calls at once; 0 for none."`
	Viewers   int           `default:"40" help:"How many viewers of one publisher; 0 for none. Seller and viewers count against the server's limit of participants."`
	Duration  time.Duration `default:"20s" help:"How long each scenario is measured once everybody is in."`
	Ramp      time.Duration `default:"60ms" help:"Time between two joins. One seller admits everybody, and a socket may send 20 messages a second."`
	VideoKbps int           `default:"1500" help:"What a publisher's camera sends, kbit/s (VP8, 30 frames a second)."`
	Record    bool          `help:"Have the conferences recorded, so that the recorder's share is in the figures."`
	PID       int           `help:"Process id of the server. Default: of who listens at the URL, if that is this machine." placeholder:"PID"`
	JSON      bool          `help:"Print the report as JSON."`
}

// The limits keep a slip of the finger from being taken for a test plan.
const (
	maxCalls   = 2_000
	maxViewers = 5_000
	maxKbps    = 50_000
)

// check says what is wrong with the options.
func (o *Options) check() error {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--url %q is not like http://localhost:8080", o.URL)
	}
	o.URL = strings.TrimRight(o.URL, "/")
	switch {
	case o.Key == "":
		return errors.New("--key is needed: an API key of the server to measure")
	case o.Calls < 0 || o.Calls > maxCalls:
		return fmt.Errorf("--calls %d is not between 0 and %d", o.Calls, maxCalls)
	case o.Viewers < 0 || o.Viewers > maxViewers:
		return fmt.Errorf("--viewers %d is not between 0 and %d", o.Viewers, maxViewers)
	case o.Calls == 0 && o.Viewers == 0:
		return errors.New("nothing to measure: --calls and --viewers are both 0")
	case o.Duration < time.Second:
		return fmt.Errorf("--duration %v is too short: processor time is counted in hundredths of a second, so 1s is the least", o.Duration)
	case o.Ramp < 0:
		return fmt.Errorf("--ramp %v is negative", o.Ramp)
	case o.VideoKbps < 30 || o.VideoKbps > maxKbps:
		return fmt.Errorf("--video-kbps %d is not between 30 and %d", o.VideoKbps, maxKbps)
	case o.PID < 0:
		return fmt.Errorf("--pid %d is no process id", o.PID)
	}
	return nil
}
