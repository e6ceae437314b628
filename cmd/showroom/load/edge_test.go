package load

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/gorilla/websocket"

	"showroom/sfu"
)

// edge is as much of docs/protocol.md and docs/http-api.md as a load test uses, on a real media server, so that the edge
// can misbehave at will. The product's own is tested in cmd/showroom.
type edge struct {
	*httptest.Server
	media *sfu.Server
	deny  func(role string, n int) string // the code of the error that the n-th of a role (0, 1, …) gets; empty: none

	mu      sync.Mutex
	ids     int
	rooms   map[string]*room
	passes  map[string]pass
	joined  map[string]int // by role
	ended   int            // conferences
	sockets sync.WaitGroup
}

type pass struct{ conference, role, id string }

type room struct {
	*sfu.Room
	seller chan message // what its socket is to send
	doors  map[string]chan struct{}
}

const testKey = "sk_test"

func newEdge(t *testing.T) *edge {
	t.Helper()
	media, err := sfu.New(sfu.Config{UDP: "127.0.0.1:0", PeersPerRoom: 100})
	if err != nil {
		t.Fatal(err)
	}
	e := &edge{
		media: media, deny: func(string, int) string { return "" },
		rooms: map[string]*room{}, passes: map[string]pass{}, joined: map[string]int{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/", e.api)
	mux.HandleFunc("GET /ws", e.socket)
	e.Server = httptest.NewServer(mux)
	t.Cleanup(func() {
		e.sockets.Wait()
		e.Close()
		if err := media.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// api answers what a load test asks for.
func (e *edge) api(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+testKey {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ids++
	id := fmt.Sprint("id", e.ids)
	answer := map[string]any{"id": id}
	var in struct{ Role string }
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	m := http.NewServeMux()
	m.HandleFunc("GET /api/v1/me", func(http.ResponseWriter, *http.Request) {})
	m.HandleFunc("POST /api/v1/sellers", func(http.ResponseWriter, *http.Request) {})
	m.HandleFunc("POST /api/v1/buyers", func(http.ResponseWriter, *http.Request) {})
	m.HandleFunc("POST /api/v1/conferences", func(http.ResponseWriter, *http.Request) {
		media, err := e.media.Open(id, sfu.RoomEvents{})
		if err != nil {
			panic(err)
		}
		e.rooms[id] = &room{Room: media, seller: make(chan message, 100), doors: map[string]chan struct{}{}}
	})
	m.HandleFunc("POST /api/v1/conferences/{id}/links", func(_ http.ResponseWriter, r *http.Request) {
		answer["token"] = "token-" + id
		e.passes["token-"+id] = pass{r.PathValue("id"), in.Role, id}
	})
	m.HandleFunc("POST /api/v1/conferences/{id}/end", func(http.ResponseWriter, *http.Request) { e.ended++ })
	w.Header().Set("Content-Type", "application/json")
	m.ServeHTTP(w, r)
	_ = json.NewEncoder(w).Encode(answer)
}

func (e *edge) enter(token string) (pass, *room, string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, ok := e.passes[token]
	if !ok {
		return p, nil, "token_invalid"
	}
	n := e.joined[p.role]
	e.joined[p.role]++
	return p, e.rooms[p.conference], e.deny(p.role, n)
}

// socket serves one participant.
func (e *edge) socket(w http.ResponseWriter, r *http.Request) {
	e.sockets.Add(1)
	defer e.sockets.Done()
	upgrader := websocket.Upgrader{}
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	var writing sync.Mutex
	send := func(m message) {
		writing.Lock()
		defer writing.Unlock()
		_ = c.WriteJSON(m)
	}
	var first struct{ Type, Token string }
	if err := c.ReadJSON(&first); err != nil || first.Type != "join" {
		return
	}
	pass, room, code := e.enter(first.Token)
	if code != "" {
		send(message{"type": "error", "code": code, "message": "as the test wants it"})
		return
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	you := map[string]string{"id": pass.id, "state": "present"}
	if pass.role == "seller" {
		send(message{"type": "welcome", "you": you})
		wg.Go(func() { relay(room.seller, stop, send) })
	} else {
		wg.Go(func() { e.knock(pass, room, you, stop, send) })
	}
	e.serve(c, pass, room, send)
}

func relay(from <-chan message, stop <-chan struct{}, send func(message)) {
	for {
		select {
		case m := <-from:
			send(m)
		case <-stop:
			return
		}
	}
}

// knock lets somebody in once the seller says so.
func (e *edge) knock(who pass, room *room, you map[string]string, stop <-chan struct{}, send func(message)) {
	door := make(chan struct{})
	e.mu.Lock()
	room.doors[who.id] = door
	e.mu.Unlock()
	you["state"] = "knocking"
	send(message{"type": "welcome", "you": you})
	room.seller <- message{"type": "knock", "participant": you}
	select {
	case <-door:
		send(message{"type": "admitted"})
	case <-stop:
	}
}

// serve answers requests until the participant leaves.
func (e *edge) serve(c *websocket.Conn, who pass, room *room, send func(message)) {
	peer, err := room.Join(who.id, sfu.PeerEvents{})
	if err != nil {
		send(message{"type": "error", "code": "room_full", "message": err.Error()})
		return
	}
	defer peer.Close("left")
	for {
		var m struct {
			Type, SDP, Participant string
			Tracks                 map[string]sfu.Source
		}
		if err := c.ReadJSON(&m); err != nil {
			return
		}
		switch m.Type {
		case "offer":
			answer, err := peer.Offer(m.SDP, m.Tracks)
			if err != nil {
				send(message{"type": "error", "code": "bad_sdp", "message": err.Error()})
				continue
			}
			send(message{"type": "answer", "id": 1, "sdp": answer})
		case "admit":
			e.mu.Lock()
			close(room.doors[m.Participant])
			e.mu.Unlock()
		case "leave":
			peer.Close("left") // who is told may join again
			send(message{"type": "bye", "reason": "left"})
			return
		}
	}
}
