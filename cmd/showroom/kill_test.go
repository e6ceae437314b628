package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// kills is how many times TestKilledAtRandom kills; docs/recording.md has the figures of 50.
func kills(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv("SHOWROOM_KILLS"), "3"))
	if err != nil {
		t.Fatalf("SHOWROOM_KILLS: %v", err)
	}
	return n
}

// life is what one participant sent in one life of the process, by kind.
type life struct {
	who  string
	sent map[string]stretch
}

// TestKilledAtRandom kills the process at random moments of one call, again and again, with real media. The call comes back each time, every
// file decodes, and of each track at most the last second is missing.
func TestKilledAtRandom(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	data := t.TempDir()
	p := launch(t, data, "demo", "--drain-timeout", "1s", "--listen", "127.0.0.1:0")
	seller, buyer, key, address := p.seller, p.buyer, p.key, p.address()
	conference := p.newest().ID
	var all []life
	for n := range kills(t) {
		people := map[string]*native{}
		for who, link := range map[string]string{"buyer": buyer, "seller": seller} {
			people[who], _ = dial(t, who, link)
		}
		if n == 0 {
			people["seller"].await("knock")
			people["seller"].send("admit", map[string]any{"participant": "buyer"})
			people["buyer"].await("admitted")
		}
		for _, who := range people {
			who.consent()
			who.offer()
		}
		people["seller"].gets(20 * time.Millisecond)
		wait := time.Duration(rng.Int64N(int64(6 * time.Second)))
		time.Sleep(wait) // the moment is the test
		p.kill()
		for who, n := range people {
			n.close()
			all = append(all, life{who, n.hasSent()})
		}
		p = launch(t, data, "serve", "--drain-timeout", "1s", "--listen", address)
		p.key = key
	}
	end, _ := dial(t, "seller", seller)
	end.send("end", nil)
	end.await("bye")

	origin, files := p.origin(conference), p.recording(conference)
	paths := map[string]string{}
	for _, f := range files {
		paths[f.Name] = download(t, f.URL)
		decodes(t, paths[f.Name])
	}
	worst := map[string]time.Duration{}
	for _, life := range all {
		for kind, sent := range life.sent {
			reached := sent.first
			for _, f := range files {
				starts := origin.Add(time.Duration(f.OffsetMS) * time.Millisecond)
				if f.Participant != life.who || starts.Before(sent.first.Add(-time.Second)) || starts.After(sent.last) {
					continue
				}
				if at, ok := lastPacket(t, paths[f.Name], kind); ok {
					reached = starts.Add(at)
				}
			}
			lost := sent.last.Sub(reached)
			worst[kind] = max(worst[kind], lost)
			if lost > time.Second {
				t.Errorf("the %s's last %v of %s are missing, of %v", life.who, lost.Round(time.Millisecond), kind, sent.last.Sub(sent.first).Round(time.Millisecond))
			}
		}
	}
	t.Logf("%d kills, %d files, all decode; at most missing: %s", kills(t), len(files), fmt.Sprint(worst))
	for name, state := range p.fileStates(conference) {
		if state == "failed" {
			t.Errorf("%s is lost, the log says", name)
		}
	}
}

// lastPacket of a kind in a file, from the file's start.
func lastPacket(t *testing.T, file, kind string) (time.Duration, bool) {
	t.Helper()
	out, _ := output(t, "ffprobe", "-v", "error", "-select_streams", kind[:1], "-show_entries", "packet=pts_time", "-of", "csv=p=0", file)
	times := strings.Fields(string(out))
	if len(times) == 0 {
		return 0, false
	}
	last, err := strconv.ParseFloat(strings.Trim(times[len(times)-1], ","), 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(last * float64(time.Second)), true
}
