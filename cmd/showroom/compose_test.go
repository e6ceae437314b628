package main

import (
	"archive/zip"
	"bytes"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// composed is what the API says of what was made of a recording.
type composed struct {
	State       string
	DurationMS  int64 `json:"duration_ms"`
	Composition struct {
		State, Reason string
		Progress      float64
	}
	Derived []struct {
		Name, Kind, URL string
		MediaType       string `json:"media_type"`
		DurationMS      int64  `json:"duration_ms"`
		OffsetMS        int64  `json:"offset_ms"`
	}
	ArchiveURL string `json:"archive_url"`
}

// composition waits until composing is in a state.
func (p *program) composition(id, state string) (c composed) {
	p.t.Helper()
	p.until("composing is "+state, func() bool {
		c = composed{}
		p.api("GET", "/conferences/"+id+"/recording", nil, &c)
		return c.Composition.State == state
	})
	return c
}

// shortCall is a short call of two native clients, ended.
func shortCall(t *testing.T, p *program) string {
	t.Helper()
	buyer, _ := dial(t, "buyer", p.buyer)
	seller, _ := dial(t, "seller", p.seller)
	met(seller, buyer)
	seller.gets(2 * time.Second)
	seller.send("end", nil)
	seller.await("bye")
	buyer.await("bye")
	id := p.newest().ID
	p.recording(id)
	return id
}

// TestComposed makes one file of a call of two native clients, with everything that belongs to it, through a crash in the middle of it.
func TestComposed(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	real, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	// This ffmpeg hangs when it has made the first part of the picture, so that the crash comes in the middle for sure.
	hanging := filepath.Join(t.TempDir(), "ffmpeg")
	script := "#!/bin/sh\ncase \"$*\" in *ffconcat*|*parts.txt*) echo here >&2; exec sleep 600;; esac\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(hanging, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := launch(t, data, "demo", "--drain-timeout", "1s", "--compose-ffmpeg", hanging)
	id := shortCall(t, p.program)
	part := filepath.Join(data, "compose", id, "part-0.webm")
	p.until("the first part of the picture is there", func() bool { _, err := os.Stat(part); return err == nil })
	if c := p.composition(id, "composing"); c.Composition.Progress <= 0 || c.Composition.Progress >= 1 {
		t.Errorf("half way the progress is %v", c.Composition.Progress)
	}
	p.kill()

	again := launch(t, data, "serve", "--drain-timeout", "1s", "--compose-mp4")
	again.key = p.key
	c := again.composition(id, "ready")
	kinds := []string{}
	for _, d := range c.Derived {
		kinds = append(kinds, d.Name)
		file := download(t, d.URL)
		is := probe(t, file)
		if d.Kind == "video" || d.Kind == "audio" {
			if s := is.seconds(t) * 1000; math.Abs(s-float64(d.DurationMS)) > 100 || math.Abs(float64(d.OffsetMS+d.DurationMS-c.DurationMS)) > 100 {
				t.Errorf("%s lasts %.0f ms, the API says %d from %d of %d", d.Name, s, d.DurationMS, d.OffsetMS, c.DurationMS)
			}
			decodes(t, file)
		}
	}
	slices.Sort(kinds)
	if want := []string{"conference.m4a", "conference.mp4", "conference.webm", "poster.jpg", "strip.jpg"}; !slices.Equal(kinds, want) {
		t.Errorf("made are %v, want %v", kinds, want)
	}
	resp, err := http.Get(c.ArchiveURL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(text.Bytes()), int64(text.Len()))
	if err != nil || len(z.File) != 7 { // two people, video twice, sound, manifest and consents
		t.Errorf("the archive: %v, %d files", err, len(z.File))
	}
	if left, err := os.ReadDir(filepath.Join(data, "compose")); err != nil || len(left) > 0 {
		t.Errorf("the scratch folder has %v (%v)", left, err)
	}
}

// TestComposingFails shows the reason and tries again when asked; without ffmpeg nothing fails.
func TestComposingFails(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	real, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "ffmpeg")
	flag := filepath.Join(t.TempDir(), "repaired")
	script := "#!/bin/sh\ncase \"$*\" in *libvpx*) [ -e " + flag + " ] || { echo 'no such encoder today' >&2; exit 3; };; esac\nexec " + real + " \"$@\"\n"
	if err := os.WriteFile(broken, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := startIn(t, data, "demo", "--compose-layout", "pip", "--compose-ffmpeg", broken)
	id := shortCall(t, p)
	if c := p.composition(id, "failed"); !strings.Contains(c.Composition.Reason, "no such encoder today") || c.State != "ready" {
		t.Errorf("it failed with %q, the recording is %s", c.Composition.Reason, c.State)
	}
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p.api("POST", "/conferences/"+id+"/recording/compose", nil, nil)
	p.composition(id, "ready")
}

// TestNoFFmpeg records and plays as ever, and composes what was missed when there is an ffmpeg.
func TestNoFFmpeg(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	p := startIn(t, data, "demo", "--compose-layout", "side", "--compose-ffmpeg", "no-such-ffmpeg")
	id := shortCall(t, p)
	if c := p.composition(id, "off"); c.State != "ready" || len(c.Derived) > 0 || c.ArchiveURL == "" {
		t.Errorf("without ffmpeg the recording is %+v", c)
	}
	key := p.key
	p.close()
	p = startIn(t, data, "serve", "--compose-layout", "side")
	p.key = key
	p.composition(id, "ready")
}
