package signaling

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"showroom/call"
)

// page is what an app knows that does nothing but follow docs/protocol.md.
type page struct {
	*client
	id, token, resume string
	inside            bool
	others            map[string]string // participant → state
	over              bool              // said goodbye, or refused
}

// read folds what has come.
func (p *page) read() {
	for {
		select {
		case m, ok := <-p.in:
			if !ok {
				p.over = true
				return
			}
			p.take(m)
		default:
			return
		}
	}
}

func (p *page) take(m message) {
	switch m["type"] {
	case "welcome":
		p.id, p.resume = m["you"].(message)["id"].(string), m["resume"].(string)
		p.inside = m["you"].(message)["state"] != "knocking"
		p.list(m)
	case "admitted":
		p.inside = true
		p.list(m)
	case "knock", "joined", "changed":
		who := m["participant"].(message)
		p.others[who["id"].(string)] = who["state"].(string)
	case "knock_gone", "left":
		delete(p.others, m["participant"].(string))
	case "bye":
		p.over = true
	case "error":
		if !p.inside && p.id == "" {
			p.over = true
		}
	}
}

func (p *page) list(m message) {
	p.others = map[string]string{}
	for _, other := range m["participants"].([]any) {
		p.others[other.(message)["id"].(string)] = other.(message)["state"].(string)
	}
}

// Whatever people do, and while the log fails now and then, everybody who is in the room sees the same as the log.
func TestEverybodySeesTheSame(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { randomCall(t, rand.New(rand.NewPCG(seed, 1))) })
		})
	}
}

func randomCall(t *testing.T, random *rand.Rand) {
	w := newWorld(t, options{pipes: true})
	tokens := []string{w.token(call.RoleSeller), w.token(call.RoleBuyer), w.token(call.RoleGuest), w.token(call.RoleGuest)}
	pages := map[int]*page{}
	for range 60 {
		i := random.IntN(len(tokens))
		p := pages[i]
		switch action := random.IntN(12); {
		case action == 0:
			fail := random.IntN(2) == 0
			w.desk.set(func() { w.desk.fail, w.desk.failAfter = errDisk, fail })
		case action <= 2:
			w.desk.set(func() { w.desk.fail, w.desk.failAfter = nil, false })
			time.Sleep(time.Duration(random.IntN(40)) * time.Second)
		case p == nil || p.over || action == 3:
			old := p
			p = &page{client: w.open(nil), token: tokens[i]}
			m := message{"type": "join", "token": p.token, "takeover": random.IntN(2) == 0}
			if old != nil && random.IntN(2) == 0 {
				m["resume"] = old.resume
			}
			p.send(m)
			synctest.Wait()
			p.read()
			if old == nil || old.over || !p.over {
				pages[i] = p
			}
		case action == 4:
			p.ws.Close()
		case action == 5:
			_ = p.ws.WriteJSON(message{"type": "leave"})
		default:
			if ids := slices.Sorted(maps.Keys(p.others)); len(ids) > 0 {
				kind := []string{"admit", "admit", "deny", "remove"}[random.IntN(4)]
				_ = p.ws.WriteJSON(message{"type": kind, "participant": ids[random.IntN(len(ids))]})
			}
		}
		synctest.Wait()
		for _, p := range pages {
			p.read()
		}
	}
	w.desk.set(func() { w.desk.fail, w.desk.failAfter = nil, false })
	time.Sleep(5 * time.Second) // what failed is tried again
	synctest.Wait()
	w.compare(pages)
}

func (w *world) compare(pages map[int]*page) {
	w.t.Helper()
	log := w.desk.conference(conf)
	seen := map[string]*page{}
	for _, p := range pages {
		if p.read(); !p.over {
			seen[p.id] = p
		}
	}
	for id, p := range seen {
		if log.Participants[id].Present != p.inside {
			w.t.Errorf("%s believes to be inside: %v; the log: %v", id, p.inside, !p.inside)
		}
		if !p.inside {
			continue
		}
		want := map[string]string{}
		for other, state := range log.Participants {
			switch connected := seen[other] != nil; {
			case other == id:
			case state.Present && connected:
				want[other] = "present"
			case state.Present:
				want[other] = "reconnecting"
			case state.Knocking && connected && id == "seller":
				want[other] = "knocking"
			}
		}
		if diff := cmp.Diff(want, maps.Clone(p.others)); diff != "" {
			w.t.Errorf("%s sees otherwise than the log: %s", id, diff)
		}
	}
}
