package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// disk is a small file system of a test's own that can be filled.
type disk struct {
	t   *testing.T
	dir string
}

func newDisk(t *testing.T, dir, size string) *disk {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("mounting a tmpfs needs root")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatalf("mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount %s: %v", dir, err)
		}
	})
	return &disk{t, dir}
}

func (d *disk) filler() string { return filepath.Join(d.dir, "filler") }

// fill takes all the space that is left.
func (d *disk) fill() {
	d.t.Helper()
	f, err := os.OpenFile(d.filler(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			d.t.Fatal(err)
		}
	}
}

// leave takes all the space but so many bytes.
func (d *disk) leave(bytes int64) {
	d.t.Helper()
	d.fill()
	info, err := os.Stat(d.filler())
	if err != nil {
		d.t.Fatal(err)
	}
	if err := os.Truncate(d.filler(), info.Size()-bytes); err != nil {
		d.t.Fatal(err)
	}
}

// free gives the space back.
func (d *disk) free() {
	d.t.Helper()
	if err := os.Remove(d.filler()); err != nil {
		d.t.Fatal(err)
	}
}

// TestRecordingsDiskFull fills the disk of the recordings in the middle of a call, and begins another call on the full disk: people are told
// and talk on. With space again the recording goes on in the same call, and the next call is recorded.
func TestRecordingsDiskFull(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	spool := newDisk(t, filepath.Join(data, "spool"), "100m")
	p := startIn(t, data, "demo")
	first := scheduled{p.newest().ID, p.seller, p.buyer}
	seller, buyer := p.call(first)
	recorded(seller, buyer)
	spool.fill()
	failed(seller, buyer)
	for _, n := range []*native{seller, buyer} {
		n.gets(time.Second)
	}
	p.untilBroken(first.ID)
	spool.free()
	recorded(seller, buyer) // in the same call, and everybody is told
	seller.gets(time.Second)
	end(seller, buyer)
	checkFiles(t, p.recording(first.ID), 4)

	spool.fill() // what was kept has moved to the object store
	second := p.schedule()
	seller, buyer = p.call(second)
	failed(seller, buyer)
	for _, n := range []*native{seller, buyer} {
		n.gets(500 * time.Millisecond)
	}
	p.untilBroken(second.ID)
	end(seller, buyer)
	if state := p.recordingState(second.ID); state != "failed" {
		t.Errorf("the recording of the call on a full disk is %s, want failed", state)
	}

	spool.free()
	third := p.schedule()
	seller, buyer = p.call(third)
	seller.gets(time.Second)
	end(seller, buyer)
	checkFiles(t, p.recording(third.ID), 2)
	for _, n := range []*native{seller, buyer} {
		if n.hears("recording", func(m message) bool { return m.State == "failed" }) {
			t.Errorf("with space again the %s is told that recording failed", n.is)
		}
	}
}

// TestDataDiskFull fills the disk of the whole data folder: the recording stops while the log can still say so, and when nothing can be written
// any more who is in the call talks on, nobody else can join, the API says why. All works again when there is space.
func TestDataDiskFull(t *testing.T) {
	t.Parallel()
	data := newDisk(t, t.TempDir(), "100m")
	p := startIn(t, data.dir, "demo")
	first := scheduled{p.newest().ID, p.seller, p.buyer}
	var others []scheduled
	for range 8 {
		others = append(others, p.schedule())
	}
	seller, buyer := p.call(first)
	recorded(seller, buyer)
	data.leave(8 << 20)
	failed(seller, buyer)
	p.untilBroken(first.ID)
	data.fill()
	p.refusesToJoin(others)
	for _, n := range []*native{seller, buyer} {
		n.gets(time.Second)
	}
	if c := p.conference(first.ID); c.State != "ongoing" {
		t.Errorf("the API reads the running call as %s, want ongoing", c.State)
	}

	data.free()
	for _, n := range []*native{seller, buyer} {
		n.gets(500 * time.Millisecond)
	}
	end(seller, buyer)
	checkFiles(t, p.recording(first.ID), 2) // up to where they stopped
	last := p.schedule()
	seller, buyer = p.call(last)
	seller.gets(time.Second)
	end(seller, buyer)
	checkFiles(t, p.recording(last.ID), 2)
}

// refusesToJoin opens conferences until one cannot be: small changes find place in the database longer than large ones.
func (p *program) refusesToJoin(conferences []scheduled) {
	p.t.Helper()
	for _, c := range conferences {
		full := p.untilFull()
		if full.status != http.StatusInsufficientStorage || full.Code != "storage_full" || full.Detail == "" {
			p.t.Errorf("the API says %+v; want 507 storage_full and words", full)
		}
		n, answer := dial(p.t, "seller", c.seller)
		if answer.Type == "welcome" {
			n.close()
			continue
		}
		if answer.Type != "error" || answer.Code != "unavailable" || answer.Message == "" {
			p.t.Errorf("who joins is told %s; want unavailable and words", answer.raw)
		}
		n.ends(websocket.CloseTryAgainLater)
		return
	}
	p.t.Errorf("%d people came in on a full disk, and none was refused", len(conferences))
}

// call is two people meeting in a conference.
func (p *program) call(c scheduled) (seller, buyer *native) {
	p.t.Helper()
	buyer, _ = dial(p.t, "buyer", c.buyer)
	seller, _ = dial(p.t, "seller", c.seller)
	met(seller, buyer)
	return seller, buyer
}

// end ends a call for both.
func end(seller, buyer *native) {
	seller.t.Helper()
	seller.send("end", nil)
	for _, n := range []*native{seller, buyer} {
		n.await("bye")
		n.close()
	}
}

// recorded waits until both are told that both are recorded.
func recorded(people ...*native) {
	people[0].t.Helper()
	for _, n := range people {
		n.awaitThat("recording of both", func(m message) bool {
			return m.Type == "recording" && m.State == "on" && string(m.Participants) == `["buyer","seller"]`
		})
	}
}

// failed waits until all are told, in words, that the recording failed.
func failed(people ...*native) {
	people[0].t.Helper()
	for _, n := range people {
		n.awaitThat("the failure of the recording", func(m message) bool {
			return m.Type == "recording" && m.State == "failed" && m.Message != ""
		})
	}
}

// hears says whether such a message is among those not awaited.
func (n *native) hears(kind string, suits func(message) bool) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range n.heard {
		if m.Type == kind && suits(m) {
			return true
		}
	}
	return false
}

// untilBroken waits until the conference's log says of a file of each that its recording ended before its time, and why.
func (p *program) untilBroken(id string) {
	p.t.Helper()
	p.until("the log says why two files are not whole", func() bool {
		var c struct {
			Files []struct{ Participant, Reason string }
		}
		p.api("GET", "/conferences/"+id, nil, &c)
		broken := map[string]bool{}
		for _, f := range c.Files {
			if f.Reason != "" {
				broken[f.Participant] = true
			}
		}
		return broken["seller"] && broken["buyer"]
	})
}

func (p *program) recordingState(id string) string {
	p.t.Helper()
	var r struct{ State string }
	p.api("GET", "/conferences/"+id+"/recording", nil, &r)
	return r.State
}

// problem is an error of the API.
type problem struct {
	status       int
	Code, Detail string
}

// untilFull registers buyers until the API takes no more: the database uses its free pages first.
func (p *program) untilFull() (is problem) {
	p.t.Helper()
	body := []byte(`{"name": "` + strings.Repeat("x", 100) + `"}`)
	p.until("the database is full", func() bool {
		req, err := http.NewRequest(http.MethodPost, p.url+"/api/v1/buyers", bytes.NewReader(body))
		if err != nil {
			p.t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+p.key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			p.t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			p.t.Fatal(err)
		}
		if resp.StatusCode < 400 {
			return false
		}
		is.status = resp.StatusCode
		if err := json.Unmarshal(b, &is); err != nil {
			p.t.Fatalf("%s: %v: %s", resp.Status, err, b)
		}
		return true
	})
	return is
}
