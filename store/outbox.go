package store

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"showroom/call"
	"showroom/store/kv"
)

// messageKeys are the keys under which lists have a conference's messages.
func messageKeys(c call.Conference) (keys [][]byte) {
	for _, seller := range []string{"", c.Seller} {
		for _, m := range c.Messages {
			keys = append(keys, agedID(messagesPrefix(seller), m.At, c.ID+"\x00"+m.ID))
		}
	}
	if len(c.Open()) > 0 {
		keys = append(keys, idKey(listOpen, c.ID))
	}
	return keys
}

// messagesPrefix is what the keys of one list of messages begin with; empty means of every seller.
func messagesPrefix(seller string) []byte { return []byte(listMessages + seller + "\x00") }

// conferenceOf is the conference of a message's place in a list, from the time on.
func conferenceOf(place []byte) string {
	id, _, _ := strings.Cut(aged(place), "\x00")
	return id
}

// Messages are up to limit messages, the newest first, and the cursor of those behind them: of one seller, or of all.
func (s *Store) Messages(ctx context.Context, seller, cursor string, limit int) (all []call.Placed, next string, err error) {
	if seller != "" && !validID(seller) {
		return nil, "", nil
	}
	list := messagesPrefix(seller)
	r := kv.Prefix(list)
	r.Reverse = true
	if cursor != "" {
		end, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
		if err != nil || len(end) <= timeSize {
			return nil, "", badCursor()
		}
		r.To = append(slices.Clone(list), end...)
	}
	return readPage(ctx, s, len(list), r, limit, func(t tx, end []byte) (call.Placed, error) {
		conference, message, _ := strings.Cut(aged(end), "\x00")
		c, err := t.loadCase(conference)
		return call.Placed{Case: c, Message: c.Conference.Messages[message]}, err
	})
}

// OpenMessages are the conferences that have messages which are to go out.
func (s *Store) OpenMessages(ctx context.Context) ([]string, error) { return s.ids(ctx, listOpen) }

// Upcoming are the conferences of a seller that have not taken place and are planned to start after a time.
func (s *Store) Upcoming(ctx context.Context, seller string, after time.Time) (ids []string, err error) {
	if !validID(seller) {
		return nil, nil
	}
	err = s.view(ctx, func(t tx) error {
		for _, state := range []call.State{call.StateScheduled, call.StateStandby, call.StateWaiting} {
			list := conferencesPrefix(seller, string(state))
			r := kv.Prefix(list)
			r.From = appendTime(slices.Clone(list), after)
			for item, err := range t.Scan(r) {
				if err != nil {
					return err
				}
				ids = append(ids, aged(item.Key[len(list):]))
			}
		}
		return nil
	})
	return ids, err
}

// Remind applies a rule as [Store.Apply] does, and with it sets when the conference is to be looked at again: next says so of the case after the
// rule, zero being never.
func (s *Store) Remind(ctx context.Context, conference string, rule call.Rule, next func(c call.Case, now time.Time) time.Time) (after call.Case, err error) {
	moved, wrote := false, false
	err = s.update(ctx, func(t tx) error {
		now := s.clock()
		before, err := t.loadCase(conference)
		if err != nil {
			return err
		}
		after = before
		events, err := rule(before, now)
		if err != nil {
			return err
		}
		if wrote = len(events) > 0; wrote {
			if after, _, err = t.append(before, events); err != nil {
				return err
			}
		}
		if moved, err = t.setTimer(conference, next(after, now)); err != nil {
			return err
		}
		if !wrote && !moved {
			return errNothing
		}
		return nil
	})
	if err == nil || commitOpen(err) {
		if wrote {
			s.appended.tell()
		}
		if moved {
			s.timers.tell()
		}
	}
	return after, err
}

// setTimer moves the timer of a conference and says whether that was another time before.
func (t tx) setTimer(conference string, at time.Time) (moved bool, err error) {
	at = at.UTC().Round(0)
	var old time.Time
	if err := t.load(idKey(tableTimer, conference), &old); err != nil && !errors.Is(err, call.ErrNotFound) {
		return false, err
	}
	if old.Equal(at) {
		return false, nil
	}
	if !old.IsZero() {
		if err := t.Delete(agedID([]byte(listTimers), old, conference)); err != nil {
			return false, err
		}
	}
	if at.IsZero() {
		return true, t.Delete(idKey(tableTimer, conference))
	}
	if err := t.save(idKey(tableTimer, conference), at); err != nil {
		return false, err
	}
	return true, t.Put(agedID([]byte(listTimers), at, conference), nil)
}

// Timers are up to limit conferences that are to be looked at, with the time of each, the first first, from those after (a time and an id) on.
func (s *Store) Timers(ctx context.Context, after call.Timer, limit int) (all []call.Timer, err error) {
	r := kv.Prefix([]byte(listTimers))
	if after.Conference != "" {
		r.From = append(agedID([]byte(listTimers), after.At, after.Conference), 0)
	}
	err = s.view(ctx, func(t tx) error {
		for item, err := range t.Scan(r) {
			if err != nil {
				return err
			}
			timer := call.Timer{Conference: aged(item.Key[len(listTimers):])}
			if err := t.load(idKey(tableTimer, timer.Conference), &timer.At); err != nil {
				return err
			}
			if all = append(all, timer); len(all) >= batch(limit) {
				return nil
			}
		}
		return nil
	})
	return all, err
}

// TimersChanged returns a channel that is closed when the first timer may be another. Take it before reading.
func (s *Store) TimersChanged() <-chan struct{} { return s.timers.wait() }
