package rest

import (
	"strconv"
	"time"

	"showroom/call"
)

// event is one line of the log as the API shows it.
type event struct {
	Seq    uint64    `json:"seq"`
	ID     string    `json:"id"`
	Stream string    `json:"stream"`
	Type   string    `json:"type"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`
	Data   call.Body `json:"data"`
}

func showEvent(e call.Event) event {
	return event{Seq: e.Seq, ID: "evt_" + strconv.FormatUint(e.Seq, 10), Stream: e.Stream, Type: e.Body.Type(), At: e.At, Actor: e.Actor, Data: e.Body}
}

func (a *api) listEvents(r *request) (reply, error) {
	after, limit, err := paging(r.URL.Query())
	if err != nil {
		return reply{}, err
	}
	seq, err := seqCursor(after)
	if err != nil {
		return reply{}, err
	}
	c, err := a.caseOf(r)
	if err != nil {
		return reply{}, err
	}
	events, err := r.store.StreamEvents(r.Context(), c.Conference.ID, seq, limit+1) // one more tells whether there is a next page
	if err != nil {
		return reply{}, err
	}
	events, next := shorten(events, limit, seqOf)
	return ok(page(events, next, showEvent))
}
