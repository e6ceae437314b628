package load

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Options say what to measure.
type Options struct {
	URL       string        `default:"http://localhost:8080" help:"Address of the server to measure."`
	Key       string        `required:"" help:"API key of that server; seller, buyers, conferences and links are made with it." placeholder:"KEY"`
	Scenarios []string      `default:"calls,viewers" help:"What to measure, of calls, viewers, saturation, joins, churn; or all."`
	Calls     int           `default:"10" help:"How many 1:1 calls at once; 0 for none."`
	Viewers   int           `default:"40" help:"How many viewers of one publisher; 0 for none. Seller and viewers count against the server's limit of participants."`
	Duration  time.Duration `default:"20s" help:"How long each scenario is measured once everybody is in."`
	Ramp      time.Duration `default:"60ms" help:"Time between two joins. One seller admits everybody, and a socket may send 20 messages a second."`
	VideoKbps int           `default:"1500" help:"What a publisher's camera sends, kbit/s (VP8, 30 frames a second)."`
	Record    bool          `help:"Have the conferences recorded, so that the recorder's share is in the figures."`

	Saturate string        `default:"viewers" enum:"viewers,calls" help:"What saturation has more and more of: viewers (rooms of --viewers) or calls."`
	Most     int           `default:"4000" help:"Of these, where saturation ends at the latest."`
	Step     time.Duration `default:"3s" help:"How long each step of saturation is measured."`
	MaxDelay time.Duration `default:"50ms" help:"The p99 of the delay that ends saturation."`

	JoinRate int `default:"10" help:"Joins a second, for --duration."`
	Burst    int `default:"500" help:"Joins within one second, while --calls run; 0 for none."`
	Churn    int `default:"200" help:"How many connect, publish and leave, one after the other."`

	PID  int  `help:"Process id of the server. Default: of who listens at the URL, if that is this machine." placeholder:"PID"`
	JSON bool `help:"Print the report as JSON."`
}

// The words of --scenarios, in the order in which they are played.
const (
	scenarioCalls      = "calls"
	scenarioViewers    = "viewers"
	scenarioSaturation = "saturation"
	scenarioJoins      = "joins"
	scenarioChurn      = "churn"
	everyScenario      = "all"
)

var scenarioWords = []string{scenarioCalls, scenarioViewers, scenarioSaturation, scenarioJoins, scenarioChurn, everyScenario}

// The limits keep a slip of the finger from being taken for a test plan.
const (
	maxCalls    = 2_000
	maxViewers  = 5_000
	maxMost     = 20_000
	maxJoinRate = 500
	maxBurst    = 5_000
	maxChurn    = 1_000_000
	maxKbps     = 50_000
)

// plays says whether a scenario was chosen and has anybody in it.
func (o *Options) plays(word string) bool {
	if !slices.Contains(o.Scenarios, word) && !slices.Contains(o.Scenarios, everyScenario) {
		return false
	}
	switch word {
	case scenarioCalls:
		return o.Calls > 0
	case scenarioViewers:
		return o.Viewers > 0
	case scenarioChurn:
		return o.Churn > 0
	}
	return true
}

// longest is how long a conference may take, generously.
func (o *Options) longest() time.Duration {
	joins := o.Ramp * time.Duration(max(2*o.Calls, o.Viewers, o.Most))
	return o.Duration + 40*o.Step + 2*joins + time.Duration(o.Churn)*100*time.Millisecond
}

// check says what is wrong with the options.
func (o *Options) check() error {
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("--url %q is not like http://localhost:8080", o.URL)
	}
	o.URL = strings.TrimRight(o.URL, "/")
	for _, word := range o.Scenarios {
		if !slices.Contains(scenarioWords, word) {
			return fmt.Errorf("--scenarios: %q is none of %s", word, strings.Join(scenarioWords, ", "))
		}
	}
	for _, n := range []struct {
		name               string
		value, least, most int
	}{
		{"calls", o.Calls, 0, maxCalls}, {"viewers", o.Viewers, 0, maxViewers}, {"video-kbps", o.VideoKbps, 30, maxKbps},
		{"most", o.Most, 1, maxMost}, {"join-rate", o.JoinRate, 1, maxJoinRate}, {"burst", o.Burst, 0, maxBurst}, {"churn", o.Churn, 0, maxChurn},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("--%s %d is not between %d and %d", n.name, n.value, n.least, n.most)
		}
	}
	switch {
	case o.Key == "":
		return errors.New("--key is needed: an API key of the server to measure")
	case o.Duration < time.Second:
		return fmt.Errorf("--duration %v is too short: processor time is counted in hundredths of a second, so 1s is the least", o.Duration)
	case o.Step < time.Second:
		return fmt.Errorf("--step %v is too short: 1s is the least", o.Step)
	case o.MaxDelay <= 0:
		return fmt.Errorf("--max-delay %v is not positive", o.MaxDelay)
	case o.Ramp < 0:
		return fmt.Errorf("--ramp %v is negative", o.Ramp)
	case o.PID < 0:
		return fmt.Errorf("--pid %d is no process id", o.PID)
	case !slices.Contains([]string{scenarioViewers, scenarioCalls}, o.Saturate):
		return fmt.Errorf("--saturate %q is neither viewers nor calls", o.Saturate)
	case !slices.ContainsFunc(scenarioWords[:len(scenarioWords)-1], o.plays):
		return fmt.Errorf("nothing to measure: of --scenarios %s all are of nobody", strings.Join(o.Scenarios, ","))
	}
	return nil
}
