package load

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// stage makes what a scenario plays on: conferences with their links, each of a seller of its own with enough minutes.
type stage struct {
	api    *api
	record bool
	length time.Duration // of a scenario, at most

	mu   sync.Mutex
	made []string // conferences that are not over
}

// entity is what the API answers to a creation, as far as it matters here.
type entity struct {
	ID    string `json:"id"`
	Token string `json:"token"`
}

func (s *stage) create(ctx context.Context, path string, in any) (entity, error) {
	var out entity
	if err := s.api.call(ctx, http.MethodPost, path, in, &out); err != nil {
		return out, err
	}
	if out.ID == "" {
		return out, fmt.Errorf("POST %s: the answer has no id; is --url a Showroom server?", path)
	}
	return out, nil
}

// tokens of a conference's links.
type tokens struct {
	seller, buyer string
	guests        []string
}

// conference makes one that starts now.
func (s *stage) conference(ctx context.Context, subject string, guests int) (tokens, error) {
	var t tokens
	minutes := min(480, int(s.length.Minutes())+30)
	seller, err := s.create(ctx, "/sellers", map[string]any{"name": "Load test", "monthly_minutes": 2 * minutes})
	if err != nil {
		return t, err
	}
	buyer, err := s.create(ctx, "/buyers", map[string]any{"name": "Load test buyer"})
	if err != nil {
		return t, err
	}
	recording := "off"
	if s.record {
		recording = "on"
	}
	conference, err := s.create(ctx, "/conferences", map[string]any{
		"seller": seller.ID, "buyer": buyer.ID, "subject": subject, "starts_at": time.Now().UTC().Format(time.RFC3339),
		"duration_minutes": minutes, "recording": recording,
	})
	if err != nil {
		return t, err
	}
	s.mu.Lock()
	s.made = append(s.made, conference.ID)
	s.mu.Unlock()
	link := func(role, name string) (string, error) {
		in := map[string]any{"role": role}
		if name != "" {
			in["name"] = name
		}
		l, err := s.create(ctx, "/conferences/"+conference.ID+"/links", in)
		return l.Token, err
	}
	if t.seller, err = link("seller", ""); err != nil {
		return t, err
	}
	if t.buyer, err = link("buyer", ""); err != nil {
		return t, err
	}
	for i := range guests {
		token, err := link("guest", fmt.Sprintf("Viewer %d", i+1))
		if err != nil {
			return t, err
		}
		t.guests = append(t.guests, token)
	}
	return t, nil
}

// clear ends the conferences, so that nothing is left open after a test. A server that is gone has none open either.
func (s *stage) clear(ctx context.Context) {
	s.mu.Lock()
	made := s.made
	s.made = nil
	s.mu.Unlock()
	for _, id := range made {
		path := "/conferences/" + id
		if s.api.call(ctx, http.MethodPost, path+"/end", map[string]any{}, nil) != nil { // it never began
			_ = s.api.call(ctx, http.MethodPost, path+"/cancel", map[string]any{}, nil)
		}
	}
}
