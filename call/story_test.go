package call_test

import (
	"bufio"
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"showroom/call"
)

var update = flag.Bool("update", false, "write what happened into testdata/call/*.txt")

// TestStories plays every story of testdata/call. A line that begins in the first column is a step; the indented lines after it
// are what has to follow. See testdata/call/README.txt.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("../testdata/call/[a-z]*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, want)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if !bytes.Equal(got, want) {
				t.Errorf("what happened differs from the story; it was:\n%s", got)
			}
		})
	}
}

// play runs the steps of a story and returns the story as it turned out.
func play(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	s := newStage(t)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		if strings.HasPrefix(line, " ") {
			continue
		}
		fmt.Fprintln(&out, line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		for _, outcome := range s.step(line) {
			fmt.Fprintln(&out, "    "+outcome)
		}
	}
	return out.Bytes()
}

// stage is where a story is played: one seller, one buyer, one or two conferences.
type stage struct {
	t     *testing.T
	now   time.Time
	seq   uint64
	cases map[string]call.Case
	id    string // the conference the steps are about

	messages *call.Policy // nil: nobody is told anything
	links    int          // that messages have made
}

func newStage(t *testing.T) *stage {
	return &stage{t: t, cases: map[string]call.Case{}, id: "first"}
}

// step plays "TIME words" and tells what came of it.
func (s *stage) step(line string) []string {
	s.t.Helper()
	if profile, ok := strings.CutPrefix(line, "seller: "); ok {
		return s.register(profile)
	}
	if channels, ok := strings.CutPrefix(line, "messages: "); ok {
		s.messages = &call.Policy{Reminders: []time.Duration{time.Hour, 10 * time.Minute}, Again: 2 * time.Minute, Colleague: 5 * time.Minute, Channels: strings.Fields(channels)}
		return nil
	}
	if id, ok := strings.CutPrefix(line, "conference: "); ok {
		first := s.cases["first"]
		s.id = id
		if _, known := s.cases[id]; !known {
			s.cases[id] = call.Case{Seller: first.Seller, Buyer: first.Buyer}
		}
		return nil
	}
	stamp, words, ok := strings.Cut(line, " — ")
	if !ok {
		s.t.Fatalf("%q: a step is TIME — WORDS", line)
	}
	at := s.parse(stamp)
	if words == "time passes" {
		return s.pass(at)
	}
	s.now = at
	if words == "look" {
		return s.look()
	}
	outcome := s.apply(s.rule(words))
	if s.messages != nil {
		outcome = append(outcome, s.notify()...)
	}
	return outcome
}

func (s *stage) parse(stamp string) time.Time {
	s.t.Helper()
	zone := s.cases["first"].Seller.Zone()
	if len(stamp) == len("15:04:05") {
		stamp = s.now.In(zone).Format("2006-01-02 ") + stamp
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", stamp, zone)
	if err != nil {
		s.t.Fatalf("%q is not 2006-01-02 15:04:05", stamp)
	}
	return at
}

func (s *stage) register(words string) []string {
	s.t.Helper()
	var minutes int
	var zone string
	if _, err := fmt.Sscanf(words, "%d minutes a month, %s", &minutes, &zone); err != nil {
		s.t.Fatalf("%q: N minutes a month, ZONE", words)
	}
	profile := call.Profile{Name: "Ana", TimeZone: zone, Language: "pt-BR", MonthlyMinutes: minutes}
	events, err := call.Register("sell_ana", "key_crm", profile, s.now)
	if err != nil {
		return []string{"refused: " + err.Error()}
	}
	c := call.Case{}
	c.Seller = c.Seller.Apply(events[0])
	c.Buyer = c.Buyer.Apply(call.Event{Stream: "buy_bruno", Body: call.BuyerRegistered{Contact: call.Contact{Name: "Bruno"}}})
	s.cases["first"] = c
	return nil
}

// apply runs a rule and keeps what it says.
func (s *stage) apply(rule call.Rule) []string {
	c := s.cases[s.id]
	c.Busy = func(from, until time.Time) (others []call.Conference, _ error) {
		for _, other := range s.cases {
			if at := other.Conference.StartsAt; !at.Before(from) && at.Before(until) {
				others = append(others, other.Conference)
			}
		}
		return others, nil
	}
	events, err := rule(c, s.now)
	if err != nil {
		return []string{"refused: " + err.Error()}
	}
	var outcome []string
	for _, e := range events {
		s.keep(e)
		outcome = append(outcome, describe(e))
	}
	if len(events) == 0 {
		outcome = append(outcome, "nothing new")
	}
	return outcome
}

// keep folds an event into every case that shares its stream, after a trip through JSON.
func (s *stage) keep(e call.Event) {
	s.t.Helper()
	s.seq++
	e.Seq = s.seq
	b, err := e.MarshalJSON()
	if err != nil {
		s.t.Fatal(err)
	}
	var back call.Event
	if err := back.UnmarshalJSON(b); err != nil {
		s.t.Fatal(err)
	}
	if _, ok := back.Body.(call.Scheduled); ok {
		c := s.cases[s.id]
		c.Conference = c.Conference.Apply(back)
		s.cases[s.id] = c
		return
	}
	for id, c := range s.cases {
		s.cases[id] = c.Apply(back)
	}
}

// pass lets time pass until then, with every tick that the meters ask for; of the reserving it tells only how often.
func (s *stage) pass(until time.Time) []string {
	var outcome []string
	blocks := 0
	for {
		id, next := s.nextTick(until)
		if at := s.nextNotice(until); at.Before(next) {
			s.now = at
			outcome = append(outcome, s.stamped(s.notify())...)
			continue
		}
		if id == "" {
			break
		}
		s.now = next
		events, err := call.Tick(s.cases[id], s.now)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range events {
			s.keep(e)
			if _, ok := e.Body.(call.Reserved); ok {
				blocks++
				continue
			}
			outcome = append(outcome, s.stamped([]string{describe(e)})...)
		}
	}
	s.now = until
	if blocks > 0 {
		outcome = append(outcome, fmt.Sprintf("%d blocks reserved", blocks))
	}
	return outcome
}

// stamped are outcomes with the time at which they came.
func (s *stage) stamped(outcome []string) []string {
	for i, o := range outcome {
		outcome[i] = s.now.In(s.cases["first"].Seller.Zone()).Format("15:04:05 ") + o
	}
	return outcome
}

func (s *stage) nextTick(until time.Time) (string, time.Time) {
	best, at := "", until
	for id, c := range s.cases {
		if next := c.Meter(s.now).Next; !next.IsZero() && next.Before(at) || next.Equal(at) && id < best {
			best, at = id, next
		}
	}
	return best, at
}

func (s *stage) look() []string {
	c := s.cases[s.id]
	m := c.Meter(s.now)
	usage := c.Seller.Usage(c.Seller.Month(s.now))
	lines := []string{fmt.Sprintf("%s; connected %d s; %s: used %d s, %d s remaining, level %s",
		c.Conference.State, c.Conference.ConnectedSeconds, usage.Month, usage.Used, m.Remaining, m.Level)}
	if len(c.Conference.Files) > 0 {
		lines = append(lines, fmt.Sprintf("recording: %d files to play; to do: %s", len(c.Conference.Playable()), cmp.Or(string(c.Conference.Task()), "nothing")))
	}
	return lines
}
