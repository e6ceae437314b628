package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"showroom/call"
	"showroom/signaling/rest"
	"showroom/store"
)

const (
	keptVisitors = 100
	visitorsHere = 10 // at once
	linkOfVisit  = time.Hour
)

// visitors are the buyers who came and are no persons. Each has a goroutine; close ends and awaits them.
type visitors struct {
	wg sync.WaitGroup

	mu     sync.Mutex
	all    []*visitor
	closed bool
}

// visitor is one of them.
type visitor struct {
	*sandbox
	visit rest.Visit
	leave context.CancelFunc

	mu sync.Mutex
	is rest.Visitor
}

func (v *visitor) now() rest.Visitor {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.is
}

func (v *visitor) change(f func(*rest.Visitor)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f(&v.is)
}

func (v *visitor) over() bool { is := v.now(); return is.State == "left" || is.State == "failed" }

// Visit implements [rest.Sandbox].
func (s *sandbox) Visit(ctx context.Context, visit rest.Visit) (rest.Visitor, error) {
	token, err := s.visitorLink(ctx, visit.Conference)
	if err != nil {
		return rest.Visitor{}, err
	}
	living, leave := context.WithCancel(context.Background())
	v := &visitor{sandbox: s, visit: visit, leave: leave, is: rest.Visitor{ID: store.NewID("visit_"), Conference: visit.Conference, State: "joining", StartedAt: s.clock().UTC()}}
	s.visitors.mu.Lock()
	defer s.visitors.mu.Unlock()
	here := 0
	for _, other := range s.visitors.all {
		if !other.over() {
			here++
		}
	}
	if s.visitors.closed || here >= visitorsHere {
		leave()
		return rest.Visitor{}, rest.ErrCrowded
	}
	if len(s.visitors.all) >= keptVisitors {
		i := slices.IndexFunc(s.visitors.all, (*visitor).over) // there is one: few are about
		s.visitors.all = slices.Delete(s.visitors.all, i, i+1)
	}
	s.visitors.all = append(s.visitors.all, v)
	s.visitors.wg.Go(func() {
		defer leave()
		err := v.come(living, token)
		v.change(func(is *rest.Visitor) { is.State, is.Error = outcomeOf(err, living.Err() != nil) })
	})
	return v.now(), nil
}

// outcomeOf is how a visit ended, and why if that was not the visitor's own doing.
func outcomeOf(err error, sentAway bool) (state, reason string) {
	var ended *endedError
	switch {
	case errors.As(err, &ended) && ended.reason == "left", sentAway && ended == nil:
		return "left", ""
	case ended != nil:
		return "left", ended.reason
	}
	return "failed", err.Error()
}

// visitorLink is the token of a new link of the buyer's.
func (s *sandbox) visitorLink(ctx context.Context, conference string) (string, error) {
	id := store.NewID("link_")
	c, _, err := s.store.Apply(ctx, conference, call.IssueLink(id, call.System, call.RoleBuyer, "", s.clock().Add(linkOfVisit)))
	if err != nil {
		return "", err
	}
	link := c.Conference.Links[id]
	return s.tokens.Issue(call.Pass{Conference: conference, Link: id, Participant: link.Participant, Role: link.Role, Expires: link.ExpiresAt})
}

// Visitors implements [rest.Sandbox].
func (s *sandbox) Visitors() (all []rest.Visitor) {
	s.visitors.mu.Lock()
	defer s.visitors.mu.Unlock()
	for _, v := range slices.Backward(s.visitors.all) {
		all = append(all, v.now())
	}
	return all
}

// Leave implements [rest.Sandbox].
func (s *sandbox) Leave(id string) (rest.Visitor, error) {
	s.visitors.mu.Lock()
	defer s.visitors.mu.Unlock()
	for _, v := range s.visitors.all {
		if v.is.ID == id {
			v.leave()
			return v.now(), nil
		}
	}
	return rest.Visitor{}, call.ErrNotFound
}

// closeVisitors has all of them go, and waits.
func (s *sandbox) closeVisitors() {
	s.visitors.mu.Lock()
	s.visitors.closed = true
	for _, v := range s.visitors.all {
		v.leave()
	}
	s.visitors.mu.Unlock()
	s.visitors.wg.Wait()
}

// endedError says how the call was ended by others.
type endedError struct{ reason string }

func (e *endedError) Error() string { return "the call was ended: " + e.reason }
