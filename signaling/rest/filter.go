package rest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"showroom/call"
)

const maxQuery = 200 // characters of a text to look for

var states = []call.State{call.StateScheduled, call.StateStandby, call.StateWaiting, call.StateOngoing, call.StateFinished, call.StateCancelled}

// conferenceFilter reads what a list of conferences is chosen by.
func conferenceFilter(q url.Values) (f call.Filter, err error) {
	if f.Seller, err = idOf(q, "seller", "sell_"); err != nil {
		return f, err
	}
	if f.Buyer, err = idOf(q, "buyer", "buy_"); err != nil {
		return f, err
	}
	if f.State, err = oneOf(q, "state", states); err != nil {
		return f, err
	}
	f.Span, err = spanOf(q)
	return f, err
}

var recordingStates = []call.RecordingState{call.RecordingRunning, call.RecordingProcessing, call.RecordingReady, call.RecordingBroken, call.RecordingDeleting, call.RecordingGone}

// recordingFilter reads what a list of recordings is chosen by.
func recordingFilter(q url.Values) (f call.RecordingFilter, err error) {
	if f.Seller, err = idOf(q, "seller", "sell_"); err != nil {
		return f, err
	}
	if f.Buyer, err = idOf(q, "buyer", "buy_"); err != nil {
		return f, err
	}
	if f.State, err = oneOf(q, "state", recordingStates); err != nil {
		return f, err
	}
	f.Span, err = spanOf(q)
	return f, err
}

// peopleFilter reads what a list of sellers or buyers is chosen by, but for whose they are.
func peopleFilter(q url.Values) (f call.PeopleFilter, err error) {
	if f.Span, err = spanOf(q); err != nil || !q.Has("q") {
		return f, err
	}
	f.Text = q.Get("q")
	switch {
	case !utf8.ValidString(f.Text) || utf8.RuneCountInString(f.Text) > maxQuery:
		return f, call.Invalid("q", fmt.Sprintf("not text of at most %d characters", maxQuery))
	case call.SearchText(f.Text) == "":
		return f, call.Invalid("q", "there is no letter and no digit in it to look for")
	case f.Span != call.Span{}:
		return f, call.Invalid("q", "it does not go together with from and to: what is found is in the order of the alphabet")
	}
	return f, nil
}

// spanOf reads the times from and to of a query.
func spanOf(q url.Values) (s call.Span, err error) {
	if q.Has("from") {
		text := q.Get("from")
		if s.From, err = parseTime("from", &text); err != nil {
			return s, err
		}
	}
	if q.Has("to") {
		text := q.Get("to")
		if s.To, err = parseTime("to", &text); err != nil {
			return s, err
		}
	}
	if !s.From.IsZero() && !s.To.IsZero() && !s.To.After(s.From) {
		return s, call.Invalid("to", "it is not after from")
	}
	return s, nil
}

// idOf is the id that a query names, empty for none.
func idOf(q url.Values, name, prefix string) (string, error) {
	id := q.Get(name)
	if id != "" && !isID(prefix, id) {
		return "", call.Invalid(name, "not the id of a "+name)
	}
	return id, nil
}

// oneOf is the word that a query names, empty for none.
func oneOf[T ~string](q url.Values, name string, words []T) (T, error) {
	word := T(q.Get(name))
	if word == "" || slices.Contains(words, word) {
		return word, nil
	}
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	return "", call.Invalid(name, fmt.Sprintf("%.60q is not one of %s", word, strings.Join(all, ", ")))
}
