package main

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestKilledInACall kills the process in the middle of a call and starts it again: nothing recorded is lost but the last moment, nobody pays
// for more than a block, and both come back by the same links into the same recording.
func TestKilledInACall(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := launch(t, data, "demo", "--drain-timeout", "1s", "--listen", "127.0.0.1:0")
	buyer, _ := dial(t, "buyer", p.buyer)
	seller, _ := dial(t, "seller", p.seller)
	began := time.Now()
	met(seller, buyer)
	seller.gets(2 * time.Second)
	buyer.gets(100 * time.Millisecond)
	p.kill()
	killed := time.Now()
	for _, n := range []*native{seller, buyer} {
		n.close()
	}

	again := launch(t, data, "serve", "--drain-timeout", "1s", "--listen", p.address())
	again.key = p.key
	t.Logf("it serves again %v after it was killed", time.Since(killed).Round(time.Millisecond))
	c := again.newest()
	for who, present := range again.present(c.ID) {
		if present {
			t.Errorf("the %s is inside after the crash", who)
		}
	}
	connected := killed.Sub(began).Seconds()
	if used := again.used(c); float64(used) < connected-1 || float64(used) > connected+16 {
		t.Errorf("%d s are billed of %.1f s connected; want at most a block of 15 s more", used, connected)
	}

	buyer = rejoin(t, "buyer", p.buyer)
	seller = rejoin(t, "seller", p.seller)
	seller.offer()
	buyer.offer()
	came := time.Now()
	seller.gets(2 * time.Second)
	buyer.gets(100 * time.Millisecond)
	seller.send("end", nil)
	seller.await("bye")
	buyer.await("bye")
	ended := time.Now()

	files := again.recording(c.ID)
	checkFiles(t, files, 4)
	origin := again.origin(c.ID)
	for _, who := range []string{"seller", "buyer"} {
		var own []recordingFile
		for _, f := range files {
			if f.Participant == who {
				own = append(own, f)
			}
		}
		if len(own) != 2 {
			t.Fatalf("the %s has %d files, want 2", who, len(own))
		}
		slices.SortFunc(own, func(a, b recordingFile) int { return int(a.OffsetMS - b.OffsetMS) })
		if first, second := own[0], own[1]; first.OffsetMS+first.DurationMS > second.OffsetMS {
			t.Errorf("the %s's parts overlap: %d ms for %d ms, then %d ms", who, first.OffsetMS, first.DurationMS, second.OffsetMS)
		}
		for i, until := range []time.Time{killed, ended} {
			for _, kind := range []string{"audio", "video"} {
				reaches(t, own[i], kind, origin, until)
			}
		}
		starts := origin.Add(time.Duration(own[1].OffsetMS) * time.Millisecond)
		if late := starts.Sub(came).Seconds(); math.Abs(late) > 2 {
			t.Errorf("the %s's second part is on the time line %.1f s after media began, want about 0", who, late)
		}
	}
	if states := again.fileStates(c.ID); len(states) != 4 {
		t.Errorf("the log has the files %v, want 4", states)
	}
	again.until("all files are in the object store", func() bool {
		for _, state := range again.fileStates(c.ID) {
			if state != "stored" {
				return false
			}
		}
		return true
	})
}

// rejoin comes back by a link that was used before: into the room, without a knock.
func rejoin(t *testing.T, who, link string) *native {
	t.Helper()
	n, welcome := dial(t, who, link)
	if welcome.Type != "welcome" || welcome.You.State != "present" {
		t.Fatalf("the %s comes back to %s, want to be in the room", who, welcome.raw)
	}
	return n
}

// present says of each participant of a conference whether they are inside.
func (p *program) present(id string) map[string]bool {
	p.t.Helper()
	var c struct {
		Participants []struct {
			ID                string
			Present, Knocking bool
		}
	}
	p.api("GET", "/conferences/"+id, nil, &c)
	there := map[string]bool{}
	for _, who := range c.Participants {
		there[who.ID] = who.Present || who.Knocking
	}
	return there
}

// used is how many seconds of this month the conference's seller has used.
func (p *program) used(c conference) int {
	p.t.Helper()
	var usage struct {
		Used int `json:"used_seconds"`
	}
	p.api("GET", "/sellers/"+c.Seller.ID+"/usage", nil, &usage)
	return usage.Used
}

// origin is zero of the recording's time line.
func (p *program) origin(id string) time.Time {
	p.t.Helper()
	var r struct{ Origin time.Time }
	p.api("GET", "/conferences/"+id+"/recording", nil, &r)
	return r.Origin
}

// reaches says how much of a track is missing at the file's end, of what was sent until then.
func reaches(t *testing.T, f recordingFile, kind string, origin, until time.Time) {
	t.Helper()
	out, _ := output(t, "ffprobe", "-v", "error", "-select_streams", kind[:1], "-show_entries", "packet=pts_time", "-of", "csv=p=0", download(t, f.URL))
	times := strings.Fields(string(out))
	if len(times) == 0 {
		t.Errorf("%s has no %s", f.Name, kind)
		return
	}
	last, err := strconv.ParseFloat(strings.Trim(times[len(times)-1], ","), 64)
	if err != nil {
		t.Fatal(err)
	}
	end := origin.Add(time.Duration(f.OffsetMS)*time.Millisecond + time.Duration(last*float64(time.Second)))
	missing := until.Sub(end)
	t.Logf("%s: %d packets of %s, the last %v before the end", f.Name, len(times), kind, missing.Round(time.Millisecond))
	if missing > 4*time.Second || missing < -500*time.Millisecond {
		t.Errorf("%s: %s ends %v before the end of the call, want at most a second and what a busy machine is late", f.Name, kind, missing.Round(time.Millisecond))
	}
}
