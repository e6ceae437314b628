package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"showroom/call"
)

// Sandbox is what a server for trying out can do besides: its clock can be set forward, a buyer who is no person comes when called, and messages are
// kept instead of sent.
type Sandbox interface {
	// Advance sets the clock forward to a time, past everything that is due until then, which happens at its own time. It is [ErrCallRuns] while
	// the room of a call is open.
	Advance(ctx context.Context, to time.Time) error
	// Visit has a buyer come to a conference. It does not wait.
	Visit(ctx context.Context, v Visit) (Visitor, error)
	// Visitors are those who came, the last first.
	Visitors() []Visitor
	// Leave has one of them go; [call.ErrNotFound] if there is none of that id.
	Leave(id string) (Visitor, error)
	// Captured are up to limit messages after one, in order.
	Captured(after uint64, limit int) []Captured
}

// ErrCallRuns says that the clock stays while media flows: minutes and recordings are measured by it.
var ErrCallRuns = errors.New("the room of a call is open; end the call first, the clock is not set while people talk")

// ErrCrowded says that enough buyers are about.
var ErrCrowded = errors.New("10 synthetic buyers are about; have one leave first")

// Visit is what a buyer who is no person is to do: say that they will come, knock, agree to be recorded or not, talk, and leave.
type Visit struct {
	Conference string
	Accept     bool
	Consent    bool
	Talk       time.Duration // 0: until told to leave, or the call ends
}

// Visitor is a buyer who is no person.
type Visitor struct {
	ID         string    `json:"id"`
	Conference string    `json:"conference"`
	State      string    `json:"state"`           // joining, knocking, talking, left, failed
	Error      string    `json:"error,omitempty"` // why it failed, or how it was ended
	StartedAt  time.Time `json:"started_at"`
	Heard      uint64    `json:"packets_received"` // of the seller's sound and picture
}

// Captured is a message that would have gone out.
type Captured struct {
	N          uint64     `json:"n"` // counts from 1
	At         time.Time  `json:"at"`
	Channel    string     `json:"channel"` // email or push
	Message    string     `json:"message"` // its id in the list of messages
	Kind       string     `json:"kind"`
	Conference string     `json:"conference"`
	To         string     `json:"to"` // an e-mail address or the id of a device
	Platform   string     `json:"platform,omitempty"`
	Subject    string     `json:"subject"`
	Text       string     `json:"text"`
	HTML       string     `json:"html,omitempty"`
	URL        string     `json:"url,omitempty"`
	Calendar   string     `json:"calendar,omitempty"`
	Until      *time.Time `json:"worth_until,omitempty"`
}

// inSandbox lets a request pass on a server that is one.
func (a *api) inSandbox(handle func(*request) (reply, error)) func(*request) (reply, error) {
	return func(r *request) (reply, error) {
		if a.Sandbox == nil {
			return reply{}, fail(codeNotFound, "this server is no sandbox; one is started with --sandbox")
		}
		return handle(r)
	}
}

type sandboxState struct {
	Now      time.Time `json:"now"`
	Visitors []Visitor `json:"buyers"`
}

func (a *api) showSandbox() (reply, error) {
	return ok(sandboxState{a.Now().UTC(), append([]Visitor{}, a.Sandbox.Visitors()...)})
}

func (a *api) readSandbox(*request) (reply, error) { return a.showSandbox() }

const longestAdvance = 400 * 24 * time.Hour

// advance sets the clock forward by so much, or to a time.
func (a *api) advance(r *request) (reply, error) {
	var in struct {
		Seconds *int64  `json:"advance_seconds"`
		To      *string `json:"to"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	to, err := parseTime("to", in.To)
	if err != nil {
		return reply{}, err
	}
	field := "to"
	switch {
	case (in.Seconds == nil) == (in.To == nil):
		return reply{}, call.Invalid("advance_seconds", "give this, or to")
	case in.Seconds != nil:
		field = "advance_seconds"
		if *in.Seconds < 1 || *in.Seconds > int64(longestAdvance/time.Second) {
			return reply{}, call.Invalid(field, fmt.Sprintf("not between 1 and %d, which is 400 days", int64(longestAdvance/time.Second)))
		}
		to = r.now.Add(time.Duration(*in.Seconds) * time.Second)
	}
	if !to.After(r.now) || to.Sub(r.now) > longestAdvance {
		return reply{}, call.Invalid(field, "the clock goes forward only, 400 days at a time at most; it is "+r.now.UTC().Format(time.RFC3339))
	}
	if err := a.Sandbox.Advance(r.Context(), to); errors.Is(err, ErrCallRuns) {
		return reply{}, fail(codeConflict, err.Error())
	} else if err != nil {
		return reply{}, err
	}
	return a.showSandbox()
}

const longestTalk = 3600 // seconds

func (a *api) createVisitor(r *request) (reply, error) {
	var in struct {
		Conference string `json:"conference"`
		Accept     *bool  `json:"accept"`
		Consent    *bool  `json:"consent"`
		Talk       *int   `json:"talk_seconds"`
	}
	if err := decode(r.body, &in); err != nil {
		return reply{}, err
	}
	if !isID("conf_", in.Conference) {
		return reply{}, call.Invalid("conference", "the id of a conference is needed")
	}
	talk := or(in.Talk, 30)
	if talk < 0 || talk > longestTalk {
		return reply{}, call.Invalid("talk_seconds", fmt.Sprintf("not between 0 (until told to leave) and %d", longestTalk))
	}
	v, err := a.Sandbox.Visit(r.Context(), Visit{in.Conference, or(in.Accept, true), or(in.Consent, true), time.Duration(talk) * time.Second})
	if errors.Is(err, call.ErrNotFound) {
		return reply{}, call.Invalid("conference", "there is no such conference")
	}
	if errors.Is(err, ErrCrowded) {
		return reply{}, fail(codeConflict, err.Error())
	}
	if err != nil {
		return reply{}, err
	}
	return created(v)
}

func (a *api) readVisitor(r *request) (reply, error) {
	for _, v := range a.Sandbox.Visitors() {
		if v.ID == r.PathValue("buyer") {
			return ok(v)
		}
	}
	return reply{}, notFound()
}

func (a *api) dismissVisitor(r *request) (reply, error) {
	_, err := a.Sandbox.Leave(r.PathValue("buyer"))
	return reply{status: http.StatusNoContent}, err
}

func (a *api) listCaptured(r *request) (reply, error) {
	after, limit, err := paging(r.URL.Query())
	if err != nil {
		return reply{}, err
	}
	seen, err := seqCursor(after)
	if err != nil {
		return reply{}, err
	}
	all, next := shorten(a.Sandbox.Captured(seen, limit+1), limit, func(c Captured) uint64 { return c.N })
	return ok(page(all, next, func(c Captured) Captured {
		if r.subject.key.Scope == ScopeRead {
			return c.withoutLink()
		}
		return c
	}))
}

// withoutLink is the message for who may not come into conferences.
func (c Captured) withoutLink() Captured {
	if c.URL != "" {
		c.Text = strings.ReplaceAll(c.Text, c.URL, "…")
	}
	c.URL, c.HTML, c.Calendar = "", "", ""
	return c
}
