package rest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"showroom/call"
)

const (
	accessGap = 10 * time.Minute // without a request, after which the next one is another access
	maxSeen   = 20_000           // accesses under way that are remembered
)

// seen is one person's access to one file: whoever has a key or a link, at an address.
type seen struct{ conference, file, by, address, what string }

// accesses folds the many requests of one player or download into one access. When there are more than it remembers, some of them are put into
// the log more often.
type accesses struct {
	mu   sync.Mutex
	last map[seen]time.Time
}

func newAccesses() *accesses { return &accesses{last: make(map[seen]time.Time)} }

// begins says whether a request begins an access, and counts it.
func (a *accesses) begins(s seen, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, known := a.last[s]
	if !known && len(a.last) >= maxSeen {
		maps.DeleteFunc(a.last, func(_ seen, t time.Time) bool { return now.Sub(t) >= accessGap })
		if len(a.last) >= maxSeen {
			clear(a.last)
		}
	}
	a.last[s] = now
	return !known || now.Sub(last) >= accessGap
}

// forget lets the next request begin an access.
func (a *accesses) forget(s seen) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.last, s)
}

// noteAccess puts an access to a file into the log before it is served, unless the request goes on with one. Stills that lists show are none.
func (a *api) noteAccess(r *request, file, mediaType string) error {
	if r.Method == http.MethodHead || strings.HasPrefix(mediaType, "image/") {
		return nil
	}
	address := a.Address(r.Request)
	access := call.FileAccess{File: file, Address: address}
	var body call.Body = call.RecordingWatched{FileAccess: access}
	if file == archiveName || r.URL.Query().Get("download") == "1" {
		body = call.RecordingDownloaded{FileAccess: access}
	}
	s := seen{r.subject.conference, file, r.subject.by, network(address).String(), body.Type()}
	if !a.accesses.begins(s, r.now) {
		return nil
	}
	if _, _, err := a.Store.Apply(r.Context(), r.subject.conference, call.NoteAccess(r.subject.by, body)); err != nil {
		a.accesses.forget(s)
		return fmt.Errorf("note access to %s of %s: %w", file, r.subject.conference, err)
	}
	return nil
}

// accessed is one line of the record of who did what with a recording.
type accessed struct {
	Seq    uint64    `json:"seq"`
	At     time.Time `json:"at"`
	What   string    `json:"what"` // watched, downloaded, shared, share_revoked, deletion_ordered or deleted
	File   string    `json:"file,omitempty"`
	Share  string    `json:"share,omitempty"` // that was made or revoked
	By     accessor  `json:"by"`
	From   string    `json:"from,omitempty"` // IP address
	Reason string    `json:"reason,omitempty"`
}

// accessor is who it was.
type accessor struct {
	Kind string `json:"kind"` // key, link, session or system
	ID   string `json:"id"`
	Name string `json:"name,omitempty"` // of the key, or whom the link is for
}

func (a *api) listAccesses(r *request) (reply, error) {
	after, limit, err := paging(r.URL.Query())
	if err != nil {
		return reply{}, err
	}
	before, err := seqCursor(after)
	if err != nil {
		return reply{}, err
	}
	c, err := a.caseOf(r)
	if err != nil {
		return reply{}, err
	}
	events, err := r.store.Accesses(r.Context(), c.Conference.ID, before, limit+1)
	if err != nil {
		return reply{}, err
	}
	events, next := shorten(events, limit, seqOf)
	names, err := a.keyNames(r)
	if err != nil {
		return reply{}, err
	}
	return ok(page(events, next, func(e call.Event) accessed { return showAccess(e, c.Conference, names) }))
}

// keyNames are the names of the API keys. To a seller's key others are ids.
func (a *api) keyNames(r *request) (map[string]string, error) {
	if r.subject.key.Scope == ScopeSeller {
		return map[string]string{r.subject.key.ID: r.subject.key.Name}, nil
	}
	return a.allKeyNames(r.Context())
}

func (a *api) allKeyNames(ctx context.Context) (map[string]string, error) {
	keys, err := a.Store.Keys(ctx)
	names := make(map[string]string, len(keys))
	for _, k := range keys {
		names[k.ID] = k.Name
	}
	return names, err
}

func showAccess(e call.Event, c call.Conference, names map[string]string) accessed {
	out := accessed{Seq: e.Seq, At: e.At, What: strings.TrimPrefix(e.Body.Type(), "recording."), By: accessor{Kind: "session", ID: e.Actor, Name: names[e.Actor]}}
	switch {
	case e.Actor == call.System:
		out.By.Kind = "system"
	case isID("key_", e.Actor):
		out.By.Kind = "key"
	case isID("share_", e.Actor):
		out.By.Kind, out.By.Name = "link", c.Shares[e.Actor].Name
	}
	switch b := e.Body.(type) {
	case call.RecordingWatched:
		out.File, out.From = b.File, b.Address
	case call.RecordingDownloaded:
		out.File, out.From = b.File, b.Address
	case call.RecordingShared:
		out.Share, out.From = b.Share, b.Address
	case call.RecordingShareRevoked:
		out.Share, out.From = b.Share, b.Address
	case call.DeletionOrdered:
		out.From, out.Reason = b.Address, string(b.Reason)
	}
	return out
}
